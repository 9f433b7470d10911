import { SqlMigration } from './sql-migration.js';

/** Links to outside identities that their owners see, and end. */
export class LinkedIdentities1795000000018 extends SqlMigration {
  protected readonly upSql = `
    ALTER TABLE users.external_identities
      ADD COLUMN id uuid NOT NULL DEFAULT uuidv7(),
      -- to the minute; null where the last use was before this was noted
      ADD COLUMN last_used_at timestamptz(3),
      ADD CONSTRAINT external_identities_id UNIQUE (id);
  `;

  protected readonly downSql = `
    ALTER TABLE users.external_identities DROP COLUMN last_used_at, DROP COLUMN id;
  `;
}
