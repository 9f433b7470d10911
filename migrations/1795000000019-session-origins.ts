import { SqlMigration } from './sql-migration.js';

/** Sessions that remember where, and with what, they were opened. Those from before remember nothing of it. */
export class SessionOrigins1795000000019 extends SqlMigration {
  protected readonly upSql = `
    ALTER TABLE users.sessions
      ADD COLUMN user_agent text,
      ADD COLUMN address    text,
      -- the addresses that count as one with it
      ADD COLUMN network    text;
    -- for the log-in that asks whether it comes from where its account is at home
    CREATE INDEX sessions_of_network ON users.sessions (user_id, network, created_at);
  `;

  protected readonly downSql = `
    DROP INDEX users.sessions_of_network;
    ALTER TABLE users.sessions DROP COLUMN network, DROP COLUMN address, DROP COLUMN user_agent;
  `;
}
