import { timingSafeEqual } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type Actor, actorReference, Clock, DomainError, newId, hashOfToken } from '#kernel';
import { currentActor, currentContext } from '#platform/context';
import { Database, statement } from '#platform/database';
import { type Page, type PageRequest, Paginator } from '#platform/http';
import {
  AccessPolicy,
  Authentication,
  type CredentialVerifier,
  type Permission,
  securityErrors,
} from '#platform/security';
import { staleSince } from '../last-use.js';
import { usersErrors } from '../users.errors.js';
import { apiKeyIdIn, looksLikeApiKey, newApiKeyCode } from './api-key-code.js';

const COLUMNS = `id, name, scopes, created_by AS "createdBy", created_at AS "createdAt", expires_at AS "expiresAt",
       last_used_at AS "lastUsedAt"`;

const insertKey = statement(
  'users.insert_api_key',
  `INSERT INTO users.api_keys (id, name, secret_hash, scopes, created_by, created_at, expires_at)
   VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING ${COLUMNS}`,
);
const readKey = statement(
  'users.read_api_key',
  `SELECT ${COLUMNS}, secret_hash AS "secretHash" FROM users.api_keys
    WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)`,
);
const noteUse = statement(
  'users.note_api_key_use',
  `UPDATE users.api_keys SET last_used_at = $2
    WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)`,
);
const revokeKey = statement(
  'users.revoke_api_key',
  'UPDATE users.api_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL RETURNING id',
);
const listKeys = statement(
  'users.list_api_keys',
  `SELECT ${COLUMNS} FROM users.api_keys
    WHERE revoked_at IS NULL AND ($1::timestamptz IS NULL OR (created_at, id) < ($1, $2::uuid))
      AND ($4::text IS NULL OR created_by = $4)
    ORDER BY created_at DESC, id DESC LIMIT $3`,
);

/** A key of a machine, without its secret. */
export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly scopes: string[];
  /** A reference of an actor. */
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
}

export interface ApiKeyWish {
  readonly name: string;
  readonly scopes: readonly Permission[];
  readonly expiresAt?: string | undefined;
}

/** Keys with which machines call: made and revoked by administrators, good for their scopes, stored as a hash. */
@Injectable()
export class ApiKeys implements CredentialVerifier, OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly paginator: Paginator,
    private readonly authentication: Authentication,
    private readonly policy: AccessPolicy,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.authentication.accept(this);
  }

  /**
   * Makes a key.
   *
   * @returns the key, and the code that the machine sends, which nobody can see again
   * @throws DomainError insufficient_aal, api_key_expiry_past
   */
  async issue({ name, scopes, expiresAt }: ApiKeyWish): Promise<{ key: ApiKey; code: string }> {
    this.policy.admitGiving(currentActor(), scopes);
    const now = this.clock.now();
    const end = expiresAt === undefined ? null : new Date(expiresAt);
    if (end !== null && end <= now) throw new DomainError(usersErrors.api_key_expiry_past);
    const id = newId();
    const code = newApiKeyCode(id);
    const by = actorReference(currentActor());
    const values = [id, name, hashOfToken(code), [...new Set(scopes)].sort(), by, now, end];
    return this.database.transaction(async () => {
      const key = await this.database.queryOne<ApiKey>(insertKey, values);
      if (!key) throw new Error('A written key was not returned.');
      currentContext().subjectId = id;
      return { key, code };
    });
  }

  /**
   * The keys that are not revoked, newest first; those that have expired among them.
   *
   * @param createdBy who made them, as a reference of an actor; undefined: anybody
   * @throws DomainError invalid_cursor
   */
  list(createdBy: string | undefined, request: PageRequest): Promise<Page<ApiKey>> {
    return this.paginator.page<ApiKey>(
      'api_keys',
      { createdBy },
      request,
      ({ createdAt, id }) => [createdAt.toISOString(), id],
      (after, limit) =>
        this.database.query(listKeys, [after?.[0] ?? null, after?.[1] ?? null, limit, createdBy ?? null]),
    );
  }

  /**
   * Ends a key: the next call with it is refused.
   *
   * @throws DomainError api_key_not_found, also when it was revoked before
   */
  async revoke(id: string): Promise<void> {
    await this.database.transaction(async () => {
      const revoked = await this.database.queryOne(revokeKey, [id, this.clock.now()]);
      if (!revoked) throw new DomainError(usersErrors.api_key_not_found);
    });
  }

  recognizes(token: string): boolean {
    return looksLikeApiKey(token);
  }

  async verify(token: string): Promise<Actor> {
    const id = apiKeyIdIn(token);
    const now = this.clock.now();
    const key =
      id === undefined
        ? undefined
        : await this.database.queryOne<ApiKey & { secretHash: Buffer }>(readKey, [id, now]);
    if (!key || !timingSafeEqual(key.secretHash, hashOfToken(token))) {
      throw new DomainError(securityErrors.invalid_token);
    }
    await this.noteUse(key, now);
    return { kind: 'key', keyId: key.id, scopes: key.scopes };
  }

  private async noteUse({ id, lastUsedAt }: ApiKey, now: Date): Promise<void> {
    const stale = staleSince(lastUsedAt, now);
    if (stale) await this.database.query(noteUse, [id, now, stale]);
  }
}
