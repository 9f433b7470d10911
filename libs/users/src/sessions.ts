import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type Actor, type AssuranceLevel, Clock, DomainError, newId } from '#kernel';
import { Config } from '#platform/config';
import { Database, statement } from '#platform/database';
import { Authentication, type LiveSessions } from '#platform/security';
import { hashOf, type RefreshToken, RefreshTokenCodec } from './refresh-token.js';
import { currentOrigin } from './session-origin.js';
import { type User, USER_COLUMNS } from './user.row.js';
import { usersErrors } from './users.errors.js';

/** How long a replaced refresh token still works: for a lost answer, and for two tabs that refresh at once. */
const REUSE_GRACE_MS = 10_000;

/** Replacements that a session remembers the time of; more within the grace is no browser with a few tabs. */
const REMEMBERED_REPLACEMENTS = 32;

/** Ended sessions are kept this long for whoever asks what happened. */
const ENDED_RETENTION_DAYS = 30;

const insertSession = statement(
  'users.insert_session',
  `INSERT INTO users.sessions (id, user_id, token_hash, created_at, last_used_at, expires_at, aal, amr,
                               address, network, user_agent)
   SELECT $1, u.id, $3, $4, $4, $5, $7, $8, $9, $10, $11 FROM users.users u
    WHERE u.id = $2 AND ($6::text IS NULL OR u.password_hash = $6) AND u.deleted_at IS NULL FOR SHARE
   RETURNING id`,
);
const rotateSession = statement(
  'users.rotate_session',
  `UPDATE users.sessions s
      SET token_hash = $3, generation = s.generation + 1, last_used_at = $4, expires_at = $5,
          replaced_at = (s.replaced_at || $4::timestamptz)[cardinality(s.replaced_at) + 2 - ${REMEMBERED_REPLACEMENTS}:]
     FROM users.users u
    WHERE s.id = $1 AND s.token_hash = $2 AND s.revoked_at IS NULL AND s.expires_at > $4
      AND u.id = s.user_id AND u.deleted_at IS NULL
   RETURNING s.aal, s.amr, ${USER_COLUMNS}`,
);
const raiseSession = statement(
  'users.raise_session',
  `UPDATE users.sessions SET aal = 2, amr = amr || ARRAY(
            SELECT method FROM unnest($4::text[]) WITH ORDINALITY AS new (method, place)
             WHERE method <> ALL (amr) ORDER BY place),
          token_hash = $5, generation = 0, replaced_at = '{}'
    WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL AND expires_at > $3 RETURNING aal, amr`,
);
const lowerSession = statement(
  'users.lower_session',
  `UPDATE users.sessions SET aal = 1, amr = '{pwd}' WHERE id = $1 AND user_id = $2`,
);
const readLiveSession = statement(
  'users.read_live_session',
  `SELECT s.token_hash AS "tokenHash", s.generation, s.replaced_at AS "replacedAt", s.aal, s.amr,
          ${USER_COLUMNS}
     FROM users.sessions s JOIN users.users u ON u.id = s.user_id
    WHERE s.id = $1 AND s.revoked_at IS NULL AND s.expires_at > $2 AND u.deleted_at IS NULL`,
);
const checkLive = statement(
  'users.check_live_session',
  `SELECT FROM users.sessions s JOIN users.users u ON u.id = s.user_id
    WHERE s.id = $1 AND s.revoked_at IS NULL AND s.expires_at > $2
      AND u.id = $3 AND u.role = $4 AND s.aal >= $5 AND u.deleted_at IS NULL`,
);
const revokeSession = statement(
  'users.revoke_session',
  'UPDATE users.sessions SET revoked_at = $2, revoked_reason = $3 WHERE id = $1 AND revoked_at IS NULL',
);
const revokeSessionOfUser = statement(
  'users.revoke_session_of_user',
  `UPDATE users.sessions SET revoked_at = $3, revoked_reason = 'revoked'
    WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL AND expires_at > $3 RETURNING id`,
);
const revokeSessionsOfUser = statement(
  'users.revoke_sessions_of_user',
  `UPDATE users.sessions SET revoked_at = $2, revoked_reason = 'revoked'
    WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2 AND ($3::uuid IS NULL OR id <> $3)`,
);
const deleteSessionsOfUser = statement(
  'users.delete_sessions_of_user',
  'DELETE FROM users.sessions WHERE user_id = $1',
);
const pruneSessions = statement(
  'users.prune_sessions',
  `DELETE FROM users.sessions WHERE id IN (
     SELECT id FROM users.sessions
      WHERE least(revoked_at, expires_at) < $1::timestamptz - interval '${ENDED_RETENTION_DAYS} days'
      LIMIT $2 FOR UPDATE SKIP LOCKED)
   RETURNING id`,
);

/** How somebody came in: how sure it is who they are, and by which methods they did (RFC 8176). */
export interface Assurance {
  readonly aal: AssuranceLevel;
  readonly amr: readonly string[];
}

interface LiveSession extends User, Assurance {
  readonly tokenHash: Buffer;
  readonly generation: number;
  /** When the latest tokens before the active one were replaced, newest last. */
  readonly replacedAt: readonly Date[];
}

/** What a session gives its client: its assurance, and the refresh token to go on with. */
export interface SessionGrant extends Assurance {
  readonly sessionId: string;
  readonly refreshToken: string;
}

/** Log-ins and their refresh tokens. See `RefreshTokenCodec` for what a token is. */
@Injectable()
export class Sessions implements LiveSessions, OnModuleInit {
  private readonly codec: RefreshTokenCodec;
  private readonly lifetimeMs: number;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly authentication: Authentication,
    config: Config,
  ) {
    this.codec = new RefreshTokenCodec(config.appSecrets);
    this.lifetimeMs = config.settings.REFRESH_TOKEN_TTL_SECONDS * 1000;
  }

  onModuleInit(): void {
    this.authentication.lookUpSessionsIn(this);
  }

  async isLive({ sessionId, userId, role, aal }: Extract<Actor, { kind: 'user' }>): Promise<boolean> {
    const values = [sessionId, this.clock.now(), userId, role, aal];
    return (await this.database.queryOne(checkLive, values)) !== undefined;
  }

  /**
   * Opens a session for a user who has just come in. It waits for a change of the password that is under way, so that
   * none that was begun with the old one outlives it.
   *
   * @param passwordHash what the password was verified against; null where something else let the user in
   * @throws DomainError invalid_credentials when the password has changed meanwhile, or the user is gone
   */
  async open(userId: string, passwordHash: string | null, { aal, amr }: Assurance): Promise<SessionGrant> {
    const now = this.clock.now();
    const token = this.codec.first(newId());
    const { address, network, userAgent } = currentOrigin();
    const opened = await this.database.queryOne(insertSession, [
      token.sessionId,
      userId,
      hashOf(token),
      now,
      this.expiryFrom(now),
      passwordHash,
      aal,
      amr,
      ...[address, network, userAgent],
    ]);
    if (!opened) throw new DomainError(usersErrors.invalid_credentials);
    return grantOf(token, { aal, amr });
  }

  /**
   * Raises a session to two factors, by the method of the second one, which is noted behind those before it. Its
   * refresh tokens of before are good for nothing from now on, not for a moment: a copy of one has proven less.
   *
   * @returns its first token of a new line; undefined where there is no such session, as those of an outside identity
   *   provider, which keeps its own
   */
  async raise(sessionId: string, userId: string, method: string): Promise<SessionGrant | undefined> {
    const token = this.codec.first(sessionId);
    const values = [sessionId, userId, this.clock.now(), [method, 'mfa'], hashOf(token)];
    const raised = await this.database.queryOne<Assurance>(raiseSession, values);
    return raised && grantOf(token, raised);
  }

  /** Leaves a session the password alone, which its user has just proven, for they have no second factor any more. */
  async lower(sessionId: string, userId: string): Promise<void> {
    await this.database.query(lowerSession, [sessionId, userId]);
  }

  /**
   * Replaces the active refresh token by its successor. Of any number of calls at once with one token the first
   * replaces it; the others, and whoever repeats the call within the grace, get the token that is active by then.
   *
   * @throws DomainError invalid_refresh_token; refresh_token_reused for a token that was replaced longer ago, which
   *   may mean that a copy of it was stolen, so the session ends for everybody who holds one of its tokens
   */
  async rotate(text: string): Promise<SessionGrant & { user: User }> {
    const token = this.codec.parse(text);
    if (!token) throw new DomainError(usersErrors.invalid_refresh_token);
    const now = this.clock.now();
    const successor = this.codec.atGeneration(token, token.generation + 1);
    const session = await this.database.queryOne<User & Assurance>(rotateSession, [
      token.sessionId,
      hashOf(token),
      hashOf(successor),
      now,
      this.expiryFrom(now),
    ]);
    return session ? grantTo(session, successor) : this.answerRepeated(token, now);
  }

  /** Ends the session of a refresh token. Without effect for a token that opens none. */
  async close(text: string): Promise<void> {
    const token = this.codec.parse(text);
    const now = this.clock.now();
    const session = token && (await this.sessionOf(token, now));
    if (session) await this.database.query(revokeSession, [token.sessionId, now, 'logged_out']);
  }

  /**
   * Ends one session of a user.
   *
   * @throws DomainError session_not_found, also when the session is somebody else's
   */
  async revoke(sessionId: string, userId: string): Promise<void> {
    const revoked = await this.database.queryOne(revokeSessionOfUser, [sessionId, userId, this.clock.now()]);
    if (!revoked) throw new DomainError(usersErrors.session_not_found);
  }

  /** Ends every session of a user; of those to keep, if any, one. */
  async revokeAll(userId: string, keptSessionId?: string): Promise<void> {
    await this.database.query(revokeSessionsOfUser, [userId, this.clock.now(), keptSessionId ?? null]);
  }

  /** Ends every session of a user and remembers none. */
  async forgetAll(userId: string): Promise<void> {
    await this.database.query(deleteSessionsOfUser, [userId]);
  }

  /** Takes away at most `limit` sessions that ended long ago; how many went. */
  async prune(limit: number): Promise<number> {
    return (await this.database.query(pruneSessions, [this.clock.now(), limit])).length;
  }

  private async answerRepeated(token: RefreshToken, now: Date): Promise<SessionGrant & { user: User }> {
    const session = await this.sessionOf(token, now);
    const active = session && this.activeFrom(token, session);
    if (!active || token.generation >= session.generation) {
      throw new DomainError(usersErrors.invalid_refresh_token);
    }
    const replacedAt = session.replacedAt.at(token.generation - session.generation);
    if (replacedAt && now.getTime() - replacedAt.getTime() <= REUSE_GRACE_MS) {
      return grantTo(session, active);
    }
    await this.database.query(revokeSession, [token.sessionId, now, 'refresh_token_reused']);
    throw new DomainError(usersErrors.refresh_token_reused);
  }

  /** The live session that a token belongs to: it is the active one, or it was issued for this session before. */
  private async sessionOf(token: RefreshToken, now: Date): Promise<LiveSession | undefined> {
    const session = await this.database.queryOne<LiveSession>(readLiveSession, [token.sessionId, now]);
    if (!session) return undefined;
    const isActive = hashOf(token).equals(session.tokenHash);
    return isActive || this.activeFrom(token, session) ? session : undefined;
  }

  /** The active token of a session, as it follows from another that was issued for it; undefined for one that was not. */
  private activeFrom(token: RefreshToken, { generation, tokenHash }: LiveSession): RefreshToken | undefined {
    if (!this.codec.isAuthentic(token)) return undefined;
    return this.codec
      .allAtGeneration(token, generation)
      .find((candidate) => hashOf(candidate).equals(tokenHash));
  }

  private expiryFrom(now: Date): Date {
    return new Date(now.getTime() + this.lifetimeMs);
  }
}

function grantOf({ sessionId, text }: RefreshToken, { aal, amr }: Assurance): SessionGrant {
  return { sessionId, refreshToken: text, aal, amr };
}

function grantTo(session: User & Assurance, token: RefreshToken): SessionGrant & { user: User } {
  return { ...grantOf(token, session), user: session };
}
