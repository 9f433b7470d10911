import { SqlMigration } from './sql-migration.js';

/** Events in the order in which they left, where each consumer is, and what a consumer could not apply. */
export class Events1795000000014 extends SqlMigration {
  protected readonly upSql = `
    ALTER TABLE platform.outbox ADD COLUMN feed_position bigint;
    CREATE SEQUENCE platform.feed_position AS bigint;
    UPDATE platform.outbox o SET feed_position = numbered.feed_position
      FROM (SELECT id, nextval('platform.feed_position') AS feed_position
              FROM (SELECT id FROM platform.outbox WHERE published_at IS NOT NULL ORDER BY position) published) numbered
     WHERE o.id = numbered.id;
    CREATE UNIQUE INDEX outbox_feed ON platform.outbox (feed_position) WHERE feed_position IS NOT NULL;
    -- a relay of the version before this one says that an event has left, and knows nothing of the feed
    CREATE FUNCTION platform.give_feed_position() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      NEW.feed_position := nextval('platform.feed_position');
      RETURN NEW;
    END $$;
    CREATE TRIGGER outbox_joins_feed BEFORE UPDATE ON platform.outbox FOR EACH ROW
      WHEN (OLD.published_at IS NULL AND NEW.published_at IS NOT NULL AND NEW.feed_position IS NULL)
      EXECUTE FUNCTION platform.give_feed_position();
    -- the same expression as in messaging/outbox.ts
    CREATE INDEX outbox_unpublished_by_shard ON platform.outbox
      ((get_byte(uuid_send(aggregate_id), 15) & 15), position) WHERE published_at IS NULL;
    DROP INDEX platform.outbox_unpublished;
    -- each row is written twice and read as soon as it is there: what is left behind must not pile up
    ALTER TABLE platform.outbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
                                     autovacuum_vacuum_cost_delay = 0);

    -- how far each consumer has come in the feed, where PostgreSQL carries the events
    CREATE TABLE platform.consumer_positions (
      consumer text   PRIMARY KEY,
      position bigint NOT NULL
    );

    CREATE INDEX inbox_applied_at ON platform.inbox (applied_at);

    -- what a consumer could not apply, and the later events of the same aggregate, which wait behind it
    CREATE TABLE platform.parked_events (
      consumer        text           NOT NULL,
      event_id        uuid           NOT NULL,
      aggregate       text           NOT NULL,
      aggregate_id    uuid           NOT NULL,
      sequence        bigint         NOT NULL,
      type            text           NOT NULL,
      -- as a CloudEvent
      event           jsonb          NOT NULL,
      status          text           NOT NULL CHECK (status IN ('retrying', 'dead')),
      attempts        integer        NOT NULL DEFAULT 0,
      next_attempt_at timestamptz(3) NOT NULL,
      error           text,
      parked_at       timestamptz(3) NOT NULL,
      PRIMARY KEY (consumer, event_id)
    );
    CREATE INDEX parked_events_aggregate
      ON platform.parked_events (consumer, aggregate, aggregate_id, sequence);
    CREATE INDEX parked_events_due ON platform.parked_events (next_attempt_at) WHERE status = 'retrying';
    CREATE INDEX parked_events_dead ON platform.parked_events (parked_at DESC, event_id DESC) WHERE status = 'dead';
  `;

  protected readonly downSql = `
    DROP TABLE platform.parked_events;
    DROP INDEX platform.inbox_applied_at;
    DROP TABLE platform.consumer_positions;
    ALTER TABLE platform.outbox RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold,
                                       autovacuum_vacuum_cost_delay);
    CREATE INDEX outbox_unpublished ON platform.outbox (position) WHERE published_at IS NULL;
    DROP INDEX platform.outbox_unpublished_by_shard;
    DROP TRIGGER outbox_joins_feed ON platform.outbox;
    DROP FUNCTION platform.give_feed_position();
    ALTER TABLE platform.outbox DROP COLUMN feed_position;
    DROP SEQUENCE platform.feed_position;
  `;
}
