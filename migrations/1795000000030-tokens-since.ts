import { SqlMigration } from './sql-migration.js';

/** A token from before the end of a link stays refused when its owner has come back. */
export class TokensSince1795000000030 extends SqlMigration {
  protected readonly upSql = `
    -- when the link before this one ended; null where there was none of late
    ALTER TABLE users.external_identities ADD COLUMN tokens_since timestamptz(3);
    -- Whose end a hash stands for is not known here. The last one of all until then is no earlier than their own.
    UPDATE users.external_identities i
       SET tokens_since = (SELECT max(ended_at) FROM users.ended_identities WHERE ended_at <= i.linked_at);
  `;

  protected readonly downSql = 'ALTER TABLE users.external_identities DROP COLUMN tokens_since';
}
