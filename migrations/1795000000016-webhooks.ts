import { SqlMigration } from './sql-migration.js';

/** Where others want to be told what happens, what they are sent, and what came of each attempt. */
export class Webhooks1795000000016 extends SqlMigration {
  protected readonly upSql = `
    CREATE SCHEMA webhooks;

    CREATE TABLE webhooks.endpoints (
      id                    uuid           PRIMARY KEY,
      url                   text           NOT NULL,
      -- types of events, or what they begin with: 'steelyard.order.*', '*'
      event_types           text[]         NOT NULL,
      description           text,
      status                text           NOT NULL CHECK (status IN ('active', 'disabled', 'deleted')),
      disabled_reason       text           CHECK (disabled_reason IN ('requested', 'gone', 'failing')),
      disabled_at           timestamptz(3),
      -- sealed, see platform/security
      secret                bytea          NOT NULL,
      previous_secret       bytea,
      previous_secret_until timestamptz(3),
      -- since when nothing has succeeded; null while the last attempt did
      failing_since         timestamptz(3),
      -- the partner has asked for a pause
      paused_until          timestamptz(3),
      -- how many events there have been about the endpoint
      event_sequence        bigint         NOT NULL DEFAULT 0,
      version               integer        NOT NULL DEFAULT 1,
      created_at            timestamptz(3) NOT NULL,
      updated_at            timestamptz(3) NOT NULL,
      CONSTRAINT endpoints_disabled CHECK ((status = 'disabled') = (disabled_reason IS NOT NULL)),
      CONSTRAINT endpoints_previous CHECK ((previous_secret IS NULL) = (previous_secret_until IS NULL))
    );
    CREATE INDEX endpoints_newest ON webhooks.endpoints (created_at DESC, id DESC) WHERE status <> 'deleted';

    CREATE TABLE webhooks.deliveries (
      id              uuid           PRIMARY KEY,
      endpoint_id     uuid           NOT NULL REFERENCES webhooks.endpoints,
      event_id        uuid           NOT NULL,
      event_type      text           NOT NULL,
      -- as a CloudEvent; json and not jsonb, which would change the order of its fields
      event           json           NOT NULL,
      status          text           NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed', 'canceled')),
      -- all attempts, and those since it was last asked for, by which the next pause is chosen
      attempts        integer        NOT NULL DEFAULT 0,
      tries           integer        NOT NULL DEFAULT 0,
      next_attempt_at timestamptz(3) NOT NULL,
      -- somebody is sending it until then
      leased_until    timestamptz(3),
      created_at      timestamptz(3) NOT NULL,
      completed_at    timestamptz(3),
      CONSTRAINT deliveries_once UNIQUE (endpoint_id, event_id),
      CONSTRAINT deliveries_completed CHECK ((status = 'pending') = (completed_at IS NULL))
    );
    CREATE INDEX deliveries_due ON webhooks.deliveries (endpoint_id, next_attempt_at, id) WHERE status = 'pending';
    CREATE INDEX deliveries_under_way ON webhooks.deliveries (endpoint_id, leased_until)
      WHERE leased_until IS NOT NULL;
    CREATE INDEX deliveries_newest ON webhooks.deliveries (endpoint_id, created_at DESC, id DESC);
    CREATE INDEX deliveries_completed_at ON webhooks.deliveries (completed_at) WHERE status <> 'pending';

    CREATE TABLE webhooks.attempts (
      delivery_id  uuid           NOT NULL REFERENCES webhooks.deliveries ON DELETE CASCADE,
      number       integer        NOT NULL,
      attempted_at timestamptz(3) NOT NULL,
      duration_ms  integer        NOT NULL,
      -- an answer, or why there was none
      status_code  integer,
      failure      text,
      response     text,
      PRIMARY KEY (delivery_id, number),
      CONSTRAINT attempts_outcome CHECK ((status_code IS NULL) <> (failure IS NULL))
    );
  `;

  protected readonly downSql = 'DROP SCHEMA webhooks CASCADE;';
}
