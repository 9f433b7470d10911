import { SqlMigration } from './sql-migration.js';

/**
 * Parked events that wait behind another of their aggregate are not due, however long they wait. The next one becomes
 * due when the first is gone, whoever took it away: a worker of the version before this one knows nothing of that.
 */
export class WaitingEvents1795000000023 extends SqlMigration {
  protected readonly upSql = `
    ALTER TABLE platform.parked_events DROP CONSTRAINT parked_events_status_check;
    ALTER TABLE platform.parked_events ADD CONSTRAINT parked_events_status_check
      CHECK (status IN ('retrying', 'waiting', 'dead'));
    CREATE FUNCTION platform.retry_next_parked_event() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      UPDATE platform.parked_events SET status = 'retrying', next_attempt_at = now()
       WHERE consumer = OLD.consumer AND status = 'waiting' AND event_id =
             (SELECT event_id FROM platform.parked_events
               WHERE consumer = OLD.consumer AND aggregate = OLD.aggregate AND aggregate_id = OLD.aggregate_id
               ORDER BY sequence LIMIT 1);
      RETURN NULL;
    END $$;
    CREATE TRIGGER parked_events_move_up AFTER DELETE ON platform.parked_events FOR EACH ROW
      EXECUTE FUNCTION platform.retry_next_parked_event();
    UPDATE platform.parked_events p SET status = 'waiting'
     WHERE status = 'retrying'
       AND EXISTS (SELECT FROM platform.parked_events before
            WHERE before.consumer = p.consumer AND before.aggregate = p.aggregate
              AND before.aggregate_id = p.aggregate_id AND before.sequence < p.sequence);
  `;

  protected readonly downSql = `
    DROP TRIGGER parked_events_move_up ON platform.parked_events;
    DROP FUNCTION platform.retry_next_parked_event();
    UPDATE platform.parked_events SET status = 'retrying' WHERE status = 'waiting';
    ALTER TABLE platform.parked_events DROP CONSTRAINT parked_events_status_check;
    ALTER TABLE platform.parked_events ADD CONSTRAINT parked_events_status_check
      CHECK (status IN ('retrying', 'dead'));
  `;
}
