import { Injectable } from '@nestjs/common';
import { actorReference, DomainError } from '#kernel';
import { PinoLogger } from 'nestjs-pino';
import { currentActor } from '../context/index.js';
import { Database, statement } from '../database/index.js';
import { invariantErrors } from './invariant.errors.js';

/** Why no money is captured, since when, and who decided it. */
export interface Freeze {
  readonly since: Date;
  readonly reason: string;
  readonly by: string;
}

const currentFreeze = statement(
  'invariants.current_freeze',
  `SELECT frozen_at AS since, reason, frozen_by AS by FROM platform.capture_freezes WHERE lifted_at IS NULL`,
);
const freeze = statement(
  'invariants.freeze_captures',
  `INSERT INTO platform.capture_freezes (reason, frozen_by) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id`,
);
const freezeForBreach = statement(
  'invariants.freeze_captures_for_breach',
  `INSERT INTO platform.capture_freezes (reason, frozen_by)
   SELECT check_id || ' is broken by ' || subject, $2 FROM platform.invariant_breaches
    WHERE check_id = $1 AND resolved_at IS NULL AND excused_at IS NULL ORDER BY found_at, subject LIMIT 1
   ON CONFLICT DO NOTHING RETURNING reason`,
);
const lift = statement(
  'invariants.lift_freeze',
  `UPDATE platform.capture_freezes SET lifted_at = now(), lifted_by = $2, lift_reason = $1
    WHERE lifted_at IS NULL RETURNING id`,
);
const excuseBreaches = statement(
  'invariants.excuse_breaches',
  'UPDATE platform.invariant_breaches SET excused_at = now() WHERE resolved_at IS NULL AND excused_at IS NULL',
);

/** How long a process may go on capturing after another froze the captures. */
const MAX_AGE_MS = 1_000;
const RETRY_AFTER_SECONDS = 60;

/**
 * The brake on money coming in. While it is on nothing new is captured, in no process; what is on its way to the
 * gateway comes to its end, and giving money back stays possible. Only what pays for goods that have left is still
 * captured when its authorization is about to end: it would be lost.
 */
@Injectable()
export class CaptureFreeze {
  private known: { readonly freeze: Freeze | undefined; readonly readAt: number } | undefined;

  constructor(
    private readonly database: Database,
    private readonly logger: PinoLogger,
  ) {
    logger.setContext(CaptureFreeze.name);
  }

  /** @throws DomainError captures_frozen while the captures are frozen, as known within the last second */
  async requireNone(): Promise<void> {
    const isFresh = this.known && performance.now() - this.known.readAt < MAX_AGE_MS;
    const inForce = isFresh ? this.known?.freeze : await this.current();
    if (inForce) {
      throw new DomainError(invariantErrors.captures_frozen, { retryAfterSeconds: RETRY_AFTER_SECONDS });
    }
  }

  /** The freeze in force, as it is now. */
  async current(): Promise<Freeze | undefined> {
    const readAt = performance.now();
    const inForce = await this.database.queryOne<Freeze>(currentFreeze);
    this.known = { freeze: inForce, readAt };
    return inForce;
  }

  /** Freezes by hand. Freezing what is frozen changes nothing. */
  async freeze(reason: string): Promise<void> {
    const by = actorReference(currentActor());
    const isNew = await this.database.transaction(() => this.database.queryOne(freeze, [reason, by]));
    if (isNew) this.logger.error({ reason, by }, 'The captures are frozen');
    await this.current();
  }

  /** Freezes when a breach of this check is open that nobody has excused. */
  async freezeForBreachOf(checkId: string): Promise<void> {
    const by = actorReference(currentActor());
    const frozen = await this.database.queryOne<{ reason: string }>(freezeForBreach, [checkId, by]);
    if (!frozen) return;
    this.logger.error({ reason: frozen.reason, by }, 'The captures are frozen');
    await this.current();
  }

  /** Lifts the freeze. The breaches that are open now are known to whoever lifts it and do not freeze again. */
  async lift(reason: string): Promise<void> {
    const by = actorReference(currentActor());
    const lifted = await this.database.transaction(async () => {
      const ended = await this.database.queryOne(lift, [reason, by]);
      if (ended) await this.database.query(excuseBreaches);
      return ended !== undefined;
    });
    if (lifted) this.logger.warn({ reason, by }, 'The captures go on');
    await this.current();
  }
}
