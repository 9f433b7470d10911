import { Injectable } from '@nestjs/common';
import { Clock } from '#kernel';
import { Database, statement } from '#platform/database';
import { type Page, type PageRequest, Paginator } from '#platform/http';
import type { SessionOrigin } from './session-origin.js';
import type { Assurance } from './sessions.js';

const COLUMNS = `id, created_at AS "createdAt", last_used_at AS "lastUsedAt", expires_at AS "expiresAt", aal, amr,
       user_agent AS "userAgent", address`;

const listAllSessions = statement(
  'users.list_all_sessions',
  `SELECT ${COLUMNS}, revoked_at AS "revokedAt"
     FROM users.sessions WHERE user_id = $1 ORDER BY created_at DESC, id DESC`,
);
const listLiveSessions = statement(
  'users.list_live_sessions',
  `SELECT ${COLUMNS} FROM users.sessions
    WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2
      AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::uuid))
    ORDER BY created_at DESC, id DESC LIMIT $5`,
);

/** A session as its owner sees it. */
export interface SessionSummary extends Assurance, Omit<SessionOrigin, 'network'> {
  readonly id: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
  readonly expiresAt: Date;
}

/** The sessions of a user, for their owner to look at. */
@Injectable()
export class SessionList {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly paginator: Paginator,
  ) {}

  /** Every session of a user that is remembered, newest first: those that have ended, too. */
  async all(userId: string): Promise<(SessionSummary & { readonly revokedAt: Date | null })[]> {
    return this.database.query(listAllSessions, [userId]);
  }

  /**
   * The sessions of a user that have not ended, newest first.
   *
   * @throws DomainError invalid_cursor
   */
  async live(userId: string, request: PageRequest): Promise<Page<SessionSummary>> {
    return this.paginator.page<SessionSummary>(
      'sessions',
      { userId },
      request,
      ({ createdAt, id }) => [createdAt.toISOString(), id],
      (after, limit) =>
        this.database.query(listLiveSessions, [
          userId,
          this.clock.now(),
          after?.[0] ?? null,
          after?.[1] ?? null,
          limit,
        ]),
    );
  }
}
