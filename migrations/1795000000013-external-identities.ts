import { SqlMigration } from './sql-migration.js';

/** People whom an outside identity provider knows, and which users they are here. */
export class ExternalIdentities1795000000013 extends SqlMigration {
  protected readonly upSql = `
    CREATE TABLE users.external_identities (
      -- the iss and sub of their tokens
      issuer    text           NOT NULL,
      subject   text           NOT NULL,
      user_id   uuid           NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
      linked_at timestamptz(3) NOT NULL,
      PRIMARY KEY (issuer, subject)
    );
    CREATE INDEX external_identities_of_user ON users.external_identities (user_id);

    -- Whose person was erased: tokens from before that make no new one. Kept until the last of those has expired.
    CREATE TABLE users.erased_identities (
      -- a keyed hash of issuer and subject
      identity_hash bytea          PRIMARY KEY,
      erased_at     timestamptz(3) NOT NULL
    );
    CREATE INDEX erased_identities_oldest ON users.erased_identities (erased_at);
  `;

  protected readonly downSql = `
    DROP TABLE users.erased_identities;
    DROP TABLE users.external_identities;
  `;
}
