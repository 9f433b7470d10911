import { Injectable } from '@nestjs/common';
import { Clock, DomainError, newId } from '#kernel';
import { Database, isUniqueViolation, statement } from '#platform/database';
import { usersErrors } from '../users.errors.js';
import type { PasskeyHandle, PasskeyKey } from './webauthn.js';

/** More devices than anybody signs in with. */
const MAX_PASSKEYS = 20;

const COLUMNS = 'id, name, synced, created_at AS "createdAt", last_used_at AS "lastUsedAt"';

const insertPasskey = statement(
  'users.insert_passkey',
  `INSERT INTO users.passkeys (id, user_id, name, credential_id, public_key, sign_count, transports, synced, created_at)
   SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9
    WHERE (SELECT count(*) FROM users.passkeys WHERE user_id = $2) < ${MAX_PASSKEYS}
   RETURNING ${COLUMNS}`,
);
const listPasskeys = statement(
  'users.list_passkeys',
  `SELECT ${COLUMNS} FROM users.passkeys WHERE user_id = $1 ORDER BY created_at, id`,
);
const listHandles = statement(
  'users.list_passkey_handles',
  'SELECT credential_id AS "credentialId", transports FROM users.passkeys WHERE user_id = $1 ORDER BY created_at, id',
);
const readPasskey = statement(
  'users.read_passkey',
  `SELECT id, user_id AS "userId", credential_id AS "credentialId", public_key AS "publicKey",
          sign_count::double precision AS "signCount", transports, synced
     FROM users.passkeys WHERE credential_id = $1`,
);
const noteUse = statement(
  'users.note_passkey_use',
  `UPDATE users.passkeys SET sign_count = $2, last_used_at = $3
    WHERE id = $1 AND (sign_count < $2 OR (sign_count = 0 AND $2 = 0)) RETURNING id`,
);
const renamePasskey = statement(
  'users.rename_passkey',
  `UPDATE users.passkeys SET name = $3 WHERE id = $1 AND user_id = $2 RETURNING ${COLUMNS}`,
);
const deletePasskey = statement(
  'users.delete_passkey',
  'DELETE FROM users.passkeys WHERE id = $1 AND user_id = $2 RETURNING id',
);
const deletePasskeys = statement(
  'users.delete_passkeys_of_user',
  'DELETE FROM users.passkeys WHERE user_id = $1 RETURNING id',
);

/** A passkey as its owner sees it. */
export interface Passkey {
  readonly id: string;
  readonly name: string;
  /** Whether its maker keeps it for several devices. */
  readonly synced: boolean;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
}

/** A passkey as a log-in needs it. */
export interface StoredPasskey extends PasskeyKey {
  readonly id: string;
  readonly userId: string;
}

/** The passkeys of users: their public keys, and how often each has signed. */
@Injectable()
export class Passkeys {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * Keeps a passkey, in a transaction in which nobody else adds one to the user.
   *
   * @throws DomainError passkey_limit_reached, passkey_not_accepted
   */
  async add(userId: string, name: string, key: PasskeyKey): Promise<Passkey> {
    const { credentialId, publicKey, signCount, transports, synced } = key;
    const values = [newId(), userId, name, credentialId, publicKey, signCount, transports, synced];
    try {
      const added = await this.database.queryOne<Passkey>(insertPasskey, [...values, this.clock.now()]);
      if (!added) throw new DomainError(usersErrors.passkey_limit_reached);
      return added;
    } catch (error) {
      if (!isUniqueViolation(error, 'passkeys_credential_id')) throw error;
      throw new DomainError(usersErrors.passkey_not_accepted, { detail: 'The passkey is known already.' });
    }
  }

  /** The passkeys of a user, oldest first. */
  list(userId: string): Promise<Passkey[]> {
    return this.database.query<Passkey>(listPasskeys, [userId]);
  }

  /** What browsers need to find the passkeys of a user. */
  handles(userId: string): Promise<PasskeyHandle[]> {
    return this.database.query<PasskeyHandle>(listHandles, [userId]);
  }

  /** The passkey with this credential id, whosever it is. */
  find(credentialId: string): Promise<StoredPasskey | undefined> {
    return this.database.queryOne<StoredPasskey>(readPasskey, [credentialId]);
  }

  /** Notes that a passkey has signed; false when it is gone, or when the count has not grown meanwhile. */
  async noteUse(id: string, signCount: number): Promise<boolean> {
    return (await this.database.queryOne(noteUse, [id, signCount, this.clock.now()])) !== undefined;
  }

  /** @throws DomainError passkey_not_found, also when it is somebody else's */
  async rename(id: string, userId: string, name: string): Promise<Passkey> {
    const renamed = await this.database.queryOne<Passkey>(renamePasskey, [id, userId, name]);
    if (!renamed) throw new DomainError(usersErrors.passkey_not_found);
    return renamed;
  }

  /** @throws DomainError passkey_not_found, also when it is somebody else's */
  async remove(id: string, userId: string): Promise<void> {
    const removed = await this.database.queryOne(deletePasskey, [id, userId]);
    if (!removed) throw new DomainError(usersErrors.passkey_not_found);
  }

  /** Forgets every passkey of a user; whether there was one. */
  async removeAll(userId: string): Promise<boolean> {
    return (await this.database.query(deletePasskeys, [userId])).length > 0;
  }
}
