import { SqlMigration } from './sql-migration.js';

/** Commands on the host are audited as calls are. */
export class AuditCommands1795000000025 extends SqlMigration {
  protected readonly upSql = `
    -- null for a command on the host, which has no session
    ALTER TABLE platform.audit_log ALTER COLUMN session_id DROP NOT NULL;
  `;

  /** Refused once there are such entries: none may be changed or taken out. The version before reads them as they are. */
  protected readonly downSql = 'ALTER TABLE platform.audit_log ALTER COLUMN session_id SET NOT NULL;';
}
