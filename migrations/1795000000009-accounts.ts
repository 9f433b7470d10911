import { SqlMigration } from './sql-migration.js';

/** Mail that is to be sent, and accounts whose address is proven, and changed, by a token that was mailed to it. */
export class Accounts1795000000009 extends SqlMigration {
  protected readonly upSql = `
    CREATE TABLE platform.mails (
      id              uuid           PRIMARY KEY,
      kind            text           NOT NULL,
      -- whom or what it is about: of a kind about a subject only the latest is sent
      subject         text           NOT NULL,
      -- what has to be known to write it
      data            jsonb          NOT NULL,
      attempts        integer        NOT NULL DEFAULT 0,
      created_at      timestamptz(3) NOT NULL,
      next_attempt_at timestamptz(3) NOT NULL,
      CONSTRAINT mails_kind_subject UNIQUE (kind, subject)
    );
    CREATE INDEX mails_due ON platform.mails (next_attempt_at);

    ALTER TABLE users.users ADD COLUMN email_verified_at timestamptz(3);

    -- the newest of each purpose alone
    CREATE TABLE users.tokens (
      user_id    uuid           NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
      purpose    text           NOT NULL CHECK (purpose IN ('verify_email', 'reset_password', 'change_email')),
      -- SHA-256 of it
      token_hash bytea          NOT NULL,
      -- the address to which it was mailed
      email      text           NOT NULL,
      expires_at timestamptz(3) NOT NULL,
      PRIMARY KEY (user_id, purpose),
      CONSTRAINT tokens_token_hash UNIQUE (token_hash)
    );

    -- for an account that claims its earlier guest orders
    CREATE INDEX orders_of_guests ON orders.orders (email) WHERE customer_id IS NULL;
  `;

  protected readonly downSql = `
    DROP INDEX orders.orders_of_guests;
    DROP TABLE users.tokens;
    ALTER TABLE users.users DROP COLUMN email_verified_at;
    DROP TABLE platform.mails;
  `;
}
