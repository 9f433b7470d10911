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
    -- for the search by the beginning of either
    CREATE INDEX users_email_prefix ON users.users (email text_pattern_ops);
    CREATE INDEX users_name_prefix ON users.users (lower(name) text_pattern_ops);

    CREATE TABLE users.sessions (
      id             uuid          PRIMARY KEY,
      user_id        uuid          NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
      -- SHA-256 of the refresh token that is active, and how many were active before it
      token_hash     bytea         NOT NULL,
      generation     integer       NOT NULL DEFAULT 0,
      -- when the latest of those were replaced, newest last
      replaced_at    timestamptz[] NOT NULL DEFAULT '{}',
      created_at     timestamptz   NOT NULL DEFAULT now(),
      last_used_at   timestamptz   NOT NULL DEFAULT now(),
      expires_at     timestamptz   NOT NULL,
      revoked_at     timestamptz,
      revoked_reason text CHECK (revoked_reason IN ('logged_out', 'revoked_by_user', 'refresh_token_reused'))
    );
    CREATE INDEX sessions_newest ON users.sessions (user_id, created_at DESC, id DESC);
  `;

  protected readonly downSql = 'DROP SCHEMA users CASCADE;';
}
