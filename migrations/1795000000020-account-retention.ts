import { SqlMigration } from './sql-migration.js';

/** What has come to its end in accounts is found by its time, to be taken away. */
export class AccountRetention1795000000020 extends SqlMigration {
  protected readonly upSql = `
    -- ended links, be it by an erasure or otherwise
    ALTER TABLE users.erased_identities RENAME TO ended_identities;
    ALTER TABLE users.ended_identities RENAME COLUMN erased_at TO ended_at;
    ALTER INDEX users.erased_identities_oldest RENAME TO ended_identities_oldest;

    -- by its owner, by staff, or by a new password or second factor
    ALTER TABLE users.sessions DROP CONSTRAINT sessions_revoked_reason_check;
    UPDATE users.sessions SET revoked_reason = 'revoked' WHERE revoked_reason = 'revoked_by_user';
    ALTER TABLE users.sessions ADD CONSTRAINT sessions_revoked_reason_check
      CHECK (revoked_reason IN ('logged_out', 'revoked', 'refresh_token_reused'));

    CREATE INDEX sessions_ended ON users.sessions ((least(revoked_at, expires_at)));
    CREATE INDEX tokens_expiry ON users.tokens (expires_at);
    CREATE INDEX totp_pending ON users.totp (created_at) WHERE confirmed_at IS NULL;
    -- for lists of a role, and whoever asks whether another administrator is left
    CREATE INDEX users_of_the_house ON users.users (role, created_at DESC, id DESC)
      WHERE role <> 'customer' AND deleted_at IS NULL;
    -- for an erasure, which forgets the answers about its orders
    CREATE INDEX idempotency_keys_resource ON platform.idempotency_keys (resource_id) WHERE resource_id IS NOT NULL;
  `;

  protected readonly downSql = `
    DROP INDEX platform.idempotency_keys_resource;
    DROP INDEX users.users_of_the_house;
    DROP INDEX users.totp_pending;
    DROP INDEX users.tokens_expiry;
    DROP INDEX users.sessions_ended;
    ALTER TABLE users.sessions DROP CONSTRAINT sessions_revoked_reason_check;
    UPDATE users.sessions SET revoked_reason = 'revoked_by_user' WHERE revoked_reason = 'revoked';
    ALTER TABLE users.sessions ADD CONSTRAINT sessions_revoked_reason_check
      CHECK (revoked_reason IN ('logged_out', 'revoked_by_user', 'refresh_token_reused'));
    ALTER INDEX users.ended_identities_oldest RENAME TO erased_identities_oldest;
    ALTER TABLE users.ended_identities RENAME COLUMN ended_at TO erased_at;
    ALTER TABLE users.ended_identities RENAME TO erased_identities;
  `;
}
