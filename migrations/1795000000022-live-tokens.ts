import { SqlMigration } from './sql-migration.js';

/** Several mailed tokens of one purpose live at once: whoever asks for another does not end the one in the owner's mail. */
export class LiveTokens1795000000022 extends SqlMigration {
  protected readonly upSql = `
    ALTER TABLE users.tokens DROP CONSTRAINT tokens_pkey;
    ALTER TABLE users.tokens ADD PRIMARY KEY (user_id, purpose, token_hash);
    -- in which mail it was: attempts to send one mail count once
    ALTER TABLE users.tokens ADD COLUMN mail_id uuid NOT NULL DEFAULT uuidv7();
    ALTER TABLE users.tokens ALTER COLUMN mail_id DROP DEFAULT;
  `;

  protected readonly downSql = `
    DELETE FROM users.tokens t USING users.tokens later
     WHERE (later.user_id, later.purpose) = (t.user_id, t.purpose)
       AND (later.expires_at, later.token_hash) > (t.expires_at, t.token_hash);
    ALTER TABLE users.tokens DROP COLUMN mail_id;
    ALTER TABLE users.tokens DROP CONSTRAINT tokens_pkey;
    ALTER TABLE users.tokens ADD PRIMARY KEY (user_id, purpose);
  `;
}
