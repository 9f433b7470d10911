import { SqlMigration } from './sql-migration.js';

/** The tables of the platform: keyed calls, and events on their way. */
export class Platform1795000000001 extends SqlMigration {
  protected readonly upSql = `
    CREATE SCHEMA platform;

    CREATE TABLE platform.idempotency_keys (
      principal    text        NOT NULL,
      operation    text        NOT NULL,
      key          text        NOT NULL,
      fingerprint  bytea       NOT NULL,
      resource_id  uuid,
      -- { "value": the answer }; null until there is one
      result       jsonb,
      leased_until timestamptz(3) NOT NULL,
      created_at   timestamptz(3) NOT NULL DEFAULT now(),
      expires_at   timestamptz(3) NOT NULL,
      PRIMARY KEY (principal, operation, key)
    );
    CREATE INDEX idempotency_keys_expires_at ON platform.idempotency_keys (expires_at);

    CREATE TABLE platform.outbox (
      id           uuid        PRIMARY KEY,
      position     bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
      type         text        NOT NULL,
      aggregate    text        NOT NULL,
      aggregate_id uuid        NOT NULL,
      sequence     bigint      NOT NULL,
      occurred_at  timestamptz(3) NOT NULL,
      data         jsonb       NOT NULL,
      traceparent  text,
      request_id   text,
      published_at timestamptz(3),
      CONSTRAINT outbox_aggregate_sequence UNIQUE (aggregate, aggregate_id, sequence)
    );
    CREATE INDEX outbox_unpublished ON platform.outbox (position) WHERE published_at IS NULL;

    CREATE TABLE platform.inbox (
      consumer   text        NOT NULL,
      event_id   uuid        NOT NULL,
      applied_at timestamptz(3) NOT NULL DEFAULT now(),
      PRIMARY KEY (consumer, event_id)
    );
  `;

  protected readonly downSql = 'DROP SCHEMA platform CASCADE;';
}
