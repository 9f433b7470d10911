import { createHmac } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock, deriveKeys } from '#kernel';
import { Config } from '#platform/config';
import { Database, statement } from '#platform/database';
import { type User, USER_COLUMNS } from '../user.row.js';

/** No access token lives longer; after that no token from before an erasure is left. */
const ERASED_KEPT_DAYS = 30;

const findUser = statement(
  'users.by_external_identity',
  `SELECT ${USER_COLUMNS} FROM users.external_identities i JOIN users.users u ON u.id = i.user_id
    WHERE i.issuer = $1 AND i.subject = $2 AND u.deleted_at IS NULL`,
);
const insertLink = statement(
  'users.insert_external_identity',
  'INSERT INTO users.external_identities (issuer, subject, user_id, linked_at) VALUES ($1, $2, $3, $4)',
);
const listLinks = statement(
  'users.list_external_identities',
  `SELECT issuer, subject, linked_at AS "linkedAt" FROM users.external_identities
    WHERE user_id = $1 ORDER BY linked_at, issuer, subject`,
);
const deleteLinks = statement(
  'users.delete_external_identities',
  'DELETE FROM users.external_identities WHERE user_id = $1 RETURNING issuer, subject',
);
const rememberErased = statement(
  'users.remember_erased_identity',
  `WITH forgotten AS (
     DELETE FROM users.erased_identities
      WHERE erased_at < $2::timestamptz - interval '${ERASED_KEPT_DAYS} days' AND identity_hash <> $1)
   INSERT INTO users.erased_identities (identity_hash, erased_at) VALUES ($1, $2)
   ON CONFLICT (identity_hash) DO UPDATE SET erased_at = excluded.erased_at`,
);
const readErased = statement(
  'users.read_erased_identity',
  `SELECT max(erased_at) AS "erasedAt" FROM users.erased_identities WHERE identity_hash = ANY($1::bytea[])`,
);

/** Somebody as an outside identity provider knows them: the `iss` and `sub` of their tokens. */
export interface ExternalIdentity {
  readonly issuer: string;
  readonly subject: string;
}

/** Which users the people are whom outside identity providers know. */
@Injectable()
export class IdentityLinks {
  /** The first hashes; the others stand for secrets that were rotated away. */
  private readonly hashKeys: readonly [Buffer, ...Buffer[]];

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    config: Config,
  ) {
    this.hashKeys = deriveKeys(config.appSecrets, 'erased identities');
  }

  /** The user who an identity is, if it was seen before. */
  async find({ issuer, subject }: ExternalIdentity): Promise<User | undefined> {
    return this.database.queryOne<User>(findUser, [issuer, subject]);
  }

  /** Links an identity that is nobody yet, in the running transaction. */
  async add({ issuer, subject }: ExternalIdentity, userId: string): Promise<void> {
    await this.database.query(insertLink, [issuer, subject, userId, this.clock.now()]);
  }

  /** The identities that are a user, oldest first. */
  async of(userId: string): Promise<(ExternalIdentity & { readonly linkedAt: Date })[]> {
    return this.database.query(listLinks, [userId]);
  }

  /** Deletes the identities of a user who is erased. For a while a hash remembers when that was. */
  async forget(userId: string): Promise<void> {
    const now = this.clock.now();
    for (const identity of await this.database.query<ExternalIdentity>(deleteLinks, [userId])) {
      await this.database.query(rememberErased, [hashOf(identity, this.hashKeys[0]), now]);
    }
  }

  /** When the person of an identity was last erased, if that is not long ago. */
  async erasedAt(identity: ExternalIdentity): Promise<Date | undefined> {
    const hashes = this.hashKeys.map((key) => hashOf(identity, key));
    const found = await this.database.queryOne<{ erasedAt: Date | null }>(readErased, [hashes]);
    return found?.erasedAt ?? undefined;
  }
}

/** A plain digest could be searched for an address or a number that somebody uses as a subject. */
function hashOf({ issuer, subject }: ExternalIdentity, key: Buffer): Buffer {
  return createHmac('sha256', key).update(`${issuer}\0${subject}`).digest();
}
