import { SqlMigration } from './sql-migration.js';

/** Keys with which machines call. */
export class ApiKeys1795000000011 extends SqlMigration {
  protected readonly upSql = `
    CREATE TABLE users.api_keys (
      id           uuid           PRIMARY KEY,
      name         text           NOT NULL,
      -- SHA-256 of what the machine sends
      secret_hash  bytea          NOT NULL CHECK (length(secret_hash) = 32),
      scopes       text[]         NOT NULL,
      created_by   text           NOT NULL,
      created_at   timestamptz(3) NOT NULL,
      expires_at   timestamptz(3),
      -- to the minute
      last_used_at timestamptz(3),
      revoked_at   timestamptz(3)
    );
    CREATE INDEX api_keys_newest ON users.api_keys (created_at DESC, id DESC);
  `;

  protected readonly downSql = 'DROP TABLE users.api_keys;';
}
