import { SqlMigration } from './sql-migration.js';

/** Who did what with the rights of staff, in a chain that shows when somebody changed it. */
export class Audit1795000000010 extends SqlMigration {
  protected readonly upSql = `
    CREATE TABLE platform.audit_log (
      -- without a gap, so that a row that is gone is missed
      position      bigint         PRIMARY KEY CHECK (position > 0),
      occurred_at   timestamptz(3) NOT NULL,
      actor         text           NOT NULL,
      role          text           NOT NULL,
      session_id    uuid           NOT NULL,
      action        text           NOT NULL,
      target        text,
      reason        text,
      details       jsonb          NOT NULL,
      address       text           NOT NULL,
      request_id    text           NOT NULL,
      -- of this row and of the hash before it
      hash          bytea          NOT NULL CHECK (length(hash) = 32)
    );
    CREATE INDEX audit_log_actor ON platform.audit_log (actor, position DESC);
    CREATE INDEX audit_log_action ON platform.audit_log (action, position DESC);
    CREATE INDEX audit_log_target ON platform.audit_log (target, position DESC) WHERE target IS NOT NULL;
    CREATE INDEX audit_log_occurred_at ON platform.audit_log (occurred_at);

    CREATE FUNCTION platform.refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'The audit log is appended to and never changed.' USING ERRCODE = 'restrict_violation';
    END $$;
    CREATE TRIGGER audit_log_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON platform.audit_log
      FOR EACH STATEMENT EXECUTE FUNCTION platform.refuse_audit_change();
  `;

  protected readonly downSql = `
    DROP TABLE platform.audit_log;
    DROP FUNCTION platform.refuse_audit_change();
  `;
}
