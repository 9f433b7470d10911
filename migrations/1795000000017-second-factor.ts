import { SqlMigration } from './sql-migration.js';

/** Second factors: authenticator apps, passkeys, recovery codes; and sessions that remember how their user came in. */
export class SecondFactor1795000000017 extends SqlMigration {
  protected readonly upSql = `
    ALTER TABLE users.sessions
      -- how sure it is who came in (NIST SP 800-63B), and by which methods they did (RFC 8176)
      ADD COLUMN aal smallint NOT NULL DEFAULT 1 CHECK (aal IN (1, 2)),
      ADD COLUMN amr text[] NOT NULL DEFAULT '{pwd}';

    CREATE TABLE users.totp (
      user_id        uuid           PRIMARY KEY REFERENCES users.users (id) ON DELETE CASCADE,
      -- nonce, tag, and the secret in AES-256-GCM
      sealed_secret  bytea          NOT NULL,
      created_at     timestamptz(3) NOT NULL,
      -- null until its first code has come
      confirmed_at   timestamptz(3),
      -- of the codes of this half minute since 1970, and of all before it, none is good any more
      last_used_step bigint         NOT NULL DEFAULT 0
    );

    CREATE TABLE users.recovery_codes (
      user_id    uuid           NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
      -- SHA-256 of it
      code_hash  bytea          NOT NULL CHECK (length(code_hash) = 32),
      created_at timestamptz(3) NOT NULL,
      used_at    timestamptz(3),
      PRIMARY KEY (user_id, code_hash)
    );

    CREATE TABLE users.passkeys (
      id            uuid           PRIMARY KEY,
      user_id       uuid           NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
      name          text           NOT NULL,
      -- the authenticator's own name for it, in base64url
      credential_id text           NOT NULL,
      -- COSE_Key
      public_key    bytea          NOT NULL,
      -- how often the authenticator has signed; 0 for ever with those that do not count
      sign_count    bigint         NOT NULL,
      transports    text[]         NOT NULL,
      -- whether it is kept in the cloud of its maker, and so on more than one device
      synced        boolean        NOT NULL,
      created_at    timestamptz(3) NOT NULL,
      last_used_at  timestamptz(3),
      CONSTRAINT passkeys_credential_id UNIQUE (credential_id)
    );
    CREATE INDEX passkeys_of_user ON users.passkeys (user_id, created_at, id);

    CREATE TABLE users.challenges (
      -- SHA-256 of it
      challenge_hash bytea          PRIMARY KEY CHECK (length(challenge_hash) = 32),
      purpose        text           NOT NULL
        CHECK (purpose IN ('second_factor', 'step_up', 'passkey_login', 'passkey_registration')),
      -- who has to answer; null where only the answer tells
      user_id        uuid           REFERENCES users.users (id) ON DELETE CASCADE,
      expires_at     timestamptz(3) NOT NULL
    );
    CREATE INDEX challenges_expiry ON users.challenges (expires_at);
    CREATE INDEX challenges_of_user ON users.challenges (user_id);
  `;

  protected readonly downSql = `
    DROP TABLE users.challenges;
    DROP TABLE users.passkeys;
    DROP TABLE users.recovery_codes;
    DROP TABLE users.totp;
    ALTER TABLE users.sessions DROP COLUMN amr, DROP COLUMN aal;
  `;
}
