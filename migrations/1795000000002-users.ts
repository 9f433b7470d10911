import { SqlMigration } from './sql-migration.js';

/** Users and their sessions. */
export class Users1795000000002 extends SqlMigration {
  protected readonly upSql = `
    CREATE SCHEMA users;

    CREATE TABLE users.users (
      id            uuid        PRIMARY KEY,
      -- stored in lower case
      email         text        NOT NULL,
      name          text        NOT NULL,
      role          text        NOT NULL CHECK (role IN ('customer', 'staff', 'admin')),
      password_hash text        NOT NULL,
      version       integer     NOT NULL DEFAULT 1,
      created_at    timestamptz(3) NOT NULL DEFAULT now(),
      updated_at    timestamptz(3) NOT NULL DEFAULT now(),
      deleted_at    timestamptz
    );
    CREATE UNIQUE INDEX users_email ON users.users (email) WHERE deleted_at IS NULL;
    CREATE INDEX users_newest ON users.users (created_at DESC, id DESC);

    CREATE TABLE users.sessions (
      id                  uuid        PRIMARY KEY,
      user_id             uuid        NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
      -- SHA-256 of the refresh token that is good now, and of the one before it
      token_hash          bytea       NOT NULL,
      previous_token_hash bytea,
      rotated_at          timestamptz(3) NOT NULL DEFAULT now(),
      created_at          timestamptz(3) NOT NULL DEFAULT now(),
      expires_at          timestamptz(3) NOT NULL,
      revoked_at          timestamptz(3),
      revoked_reason      text
    );
    CREATE UNIQUE INDEX sessions_token_hash ON users.sessions (token_hash);
    CREATE INDEX sessions_previous_token_hash ON users.sessions (previous_token_hash);
    CREATE INDEX sessions_user_id ON users.sessions (user_id);
  `;

  protected readonly downSql = 'DROP SCHEMA users CASCADE;';
}
