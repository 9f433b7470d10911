import { SqlMigration } from './sql-migration.js';

/** How sure it was who did what: by one factor or by two. */
export class AuditAssurance1795000000021 extends SqlMigration {
  protected readonly upSql = `
    -- null for API keys, and for what was done before this was noted
    ALTER TABLE platform.audit_log ADD COLUMN aal smallint CHECK (aal IN (1, 2));
  `;

  protected readonly downSql = 'ALTER TABLE platform.audit_log DROP COLUMN aal;';
}
