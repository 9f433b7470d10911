import { createHmac } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock, deriveKeys, DomainError, newId } from '#kernel';
import { Config } from '#platform/config';
import { Database, statement } from '#platform/database';
import { type Page, type PageRequest, Paginator } from '#platform/http';
import { MailQueue } from '#platform/mail';
import { securityErrors } from '#platform/security';
import { accountMails } from '../account-mail-kinds.js';
import { staleSince } from '../last-use.js';
import type { Recipient } from '../letter.js';
import { type User, USER_COLUMNS } from '../user.row.js';
import { usersErrors } from '../users.errors.js';

/** No access token lives longer; after that no token from before the end of a link is left. */
const ENDED_KEPT_DAYS = 30;

const findUser = statement(
  'users.by_external_identity',
  `SELECT ${USER_COLUMNS}, i.id AS "identityId", i.tokens_since AS "tokensSince", i.last_used_at AS "lastUsedAt"
     FROM users.external_identities i JOIN users.users u ON u.id = i.user_id
    WHERE i.issuer = $1 AND i.subject = $2 AND u.deleted_at IS NULL`,
);
const insertLink = statement(
  'users.insert_external_identity',
  `INSERT INTO users.external_identities (id, issuer, subject, user_id, linked_at, last_used_at, tokens_since)
   VALUES ($1, $2, $3, $4, $5, $5, $6)`,
);
const noteUse = statement(
  'users.note_external_identity_use',
  `UPDATE users.external_identities SET last_used_at = $2
    WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)`,
);
const listLinks = statement(
  'users.list_external_identities',
  `SELECT id, issuer, subject, linked_at AS "linkedAt", last_used_at AS "lastUsedAt" FROM users.external_identities
    WHERE user_id = $1 AND ($2::timestamptz IS NULL OR (linked_at, id) < ($2, $3::uuid))
    ORDER BY linked_at DESC, id DESC LIMIT $4`,
);
const deleteLinks = statement(
  'users.delete_external_identities',
  `DELETE FROM users.external_identities WHERE user_id = $1 AND ($2::uuid IS NULL OR id = $2)
   RETURNING issuer, subject`,
);
const rememberEnded = statement(
  'users.remember_ended_identity',
  `INSERT INTO users.ended_identities (identity_hash, ended_at) VALUES ($1, $2)
   ON CONFLICT (identity_hash) DO UPDATE SET ended_at = excluded.ended_at`,
);
const readEnded = statement(
  'users.read_ended_identity',
  `SELECT max(ended_at) AS "endedAt" FROM users.ended_identities WHERE identity_hash = ANY($1::bytea[])`,
);
const pruneEnded = statement(
  'users.prune_ended_identities',
  `DELETE FROM users.ended_identities WHERE identity_hash IN (
     SELECT identity_hash FROM users.ended_identities
      WHERE ended_at < $1::timestamptz - interval '${ENDED_KEPT_DAYS} days' LIMIT $2 FOR UPDATE SKIP LOCKED)
   RETURNING identity_hash`,
);

/** Somebody as an outside identity provider knows them: the `iss` and `sub` of their tokens. */
export interface ExternalIdentity {
  readonly issuer: string;
  readonly subject: string;
}

/** Whose link it is, and who is told of it. */
type Owner = Pick<User, 'id'> & Recipient;

/** A link as its owner sees it. */
export interface LinkedIdentity extends ExternalIdentity {
  readonly id: string;
  readonly linkedAt: Date;
  /** To the minute; null where the last use was before it was noted. */
  readonly lastUsedAt: Date | null;
}

/** What a link says of itself to whoever comes by it. */
interface LinkState {
  readonly identityId: string;
  readonly tokensSince: Date | null;
  readonly lastUsedAt: Date | null;
}

/** Which users the people are whom outside identity providers know. */
@Injectable()
export class IdentityLinks {
  /** The first hashes; the others stand for secrets that were rotated away. */
  private readonly hashKeys: readonly [Buffer, ...Buffer[]];

  constructor(
    private readonly database: Database,
    private readonly paginator: Paginator,
    private readonly mails: MailQueue,
    private readonly clock: Clock,
    config: Config,
  ) {
    this.hashKeys = deriveKeys(config.appSecrets, 'erased identities');
  }

  /**
   * The user who an identity is, if it is linked, and that they have come by it.
   *
   * @param iat of the token by which they come, in seconds
   * @throws DomainError invalid_token for one from before the end of an earlier link
   */
  async find({ issuer, subject }: ExternalIdentity, iat: number): Promise<User | undefined> {
    const found = await this.database.queryOne<User & LinkState>(findUser, [issuer, subject]);
    if (!found) return undefined;
    const { identityId, tokensSince, lastUsedAt, ...user } = found;
    requireIssuedAfter(tokensSince, iat);
    const now = this.clock.now();
    const stale = staleSince(lastUsedAt, now);
    if (stale) await this.database.query(noteUse, [identityId, now, stale]);
    return user;
  }

  /**
   * Links an identity that is nobody yet, in the running transaction, and tells the user.
   *
   * @param tokensSince a token that is not from after that opens nothing
   */
  async add(
    { issuer, subject }: ExternalIdentity,
    { id, email, name }: Owner,
    tokensSince: Date | null,
  ): Promise<void> {
    await this.database.query(insertLink, [newId(), issuer, subject, id, this.clock.now(), tokensSince]);
    await this.mails.enqueue(accountMails.identityLinked, id, { email, name, issuer });
  }

  /**
   * The identities that are a user, newest first.
   *
   * @throws DomainError invalid_cursor
   */
  list(userId: string, request: PageRequest): Promise<Page<LinkedIdentity>> {
    return this.paginator.page<LinkedIdentity>(
      'identities',
      { userId },
      request,
      ({ linkedAt, id }) => [linkedAt.toISOString(), id],
      (after, limit) =>
        this.database.query(listLinks, [userId, after?.[0] ?? null, after?.[1] ?? null, limit]),
    );
  }

  /** Every identity that is a user, newest first. */
  all(userId: string): Promise<LinkedIdentity[]> {
    return this.database.query(listLinks, [userId, null, null, null]);
  }

  /**
   * Ends one link of a user, who is told. A token from before links nobody again.
   *
   * @throws DomainError identity_not_found, also when it is somebody else's
   */
  async end(id: string, user: Owner): Promise<void> {
    await this.database.transaction(async () => {
      const ended = await this.delete(user.id, id);
      if (ended.length === 0) throw new DomainError(usersErrors.identity_not_found);
      await this.tell(user, ended);
    });
  }

  /** Ends every link of a user, who is told, in the running transaction. A token from before links nobody again. */
  async endAll(user: Owner): Promise<void> {
    const ended = await this.delete(user.id);
    if (ended.length > 0) await this.tell(user, ended);
  }

  /** Deletes the identities of a user who is erased, in the running transaction. */
  async forget(userId: string): Promise<void> {
    await this.delete(userId);
  }

  /**
   * When the link of an identity, or its person, last came to an end, if that is not long ago. A token from before makes
   * nobody new out of somebody who has just been erased, and links nobody again: whoever wants that logs in again.
   *
   * @param iat of the token by which they come, in seconds
   * @throws DomainError invalid_token for one from before
   */
  async endedBefore(identity: ExternalIdentity, iat: number): Promise<Date | null> {
    const hashes = this.hashKeys.map((key) => hashOf(identity, key));
    const found = await this.database.queryOne<{ endedAt: Date | null }>(readEnded, [hashes]);
    const endedAt = found?.endedAt ?? null;
    requireIssuedAfter(endedAt, iat);
    return endedAt;
  }

  /** Takes away at most `limit` hashes of links that ended long ago; how many went. */
  async prune(limit: number): Promise<number> {
    return (await this.database.query(pruneEnded, [this.clock.now(), limit])).length;
  }

  /** For a while a hash remembers when that was. */
  private async delete(userId: string, id: string | null = null): Promise<ExternalIdentity[]> {
    const now = this.clock.now();
    const ended = await this.database.query<ExternalIdentity>(deleteLinks, [userId, id]);
    for (const identity of ended) {
      await this.database.query(rememberEnded, [hashOf(identity, this.hashKeys[0]), now]);
    }
    return ended;
  }

  private async tell({ id, email, name }: Owner, ended: readonly ExternalIdentity[]): Promise<void> {
    const issuers = [...new Set(ended.map(({ issuer }) => issuer))];
    await this.mails.enqueue(accountMails.identitiesEnded, id, { email, name, issuers });
  }
}

function requireIssuedAfter(end: Date | null, iat: number): void {
  if (end && iat * 1_000 <= end.getTime()) throw new DomainError(securityErrors.invalid_token);
}

/** A plain digest could be searched for an address or a number that somebody uses as a subject. */
function hashOf({ issuer, subject }: ExternalIdentity, key: Buffer): Buffer {
  return createHmac('sha256', key).update(`${issuer}\0${subject}`).digest();
}
