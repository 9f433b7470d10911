import { Injectable } from '@nestjs/common';
import { Clock, newId } from '#kernel';
import { Database, Notifications, statement } from '#platform/database';
import type { CloudEvent } from '#platform/messaging';
import type { Verdict } from '../domain/retry-schedule.js';
import type { Attempt, Target } from './webhook-sender.js';

/** Some webhook is to be sent at once. */
export const WEBHOOKS_DUE = 'steelyard_webhooks_due';

/** Beyond this nobody is sending a webhook that was begun: it is begun again. Longer than any call may take. */
const LEASE_MS = 60_000;

/** Under way to one endpoint at once, from all processes together: a slow partner takes no more than this. */
const MAX_PER_ENDPOINT = 4;

const NEW_ROWS = `SELECT id, "endpointId", "eventId", "eventType", event, 'pending', $2, $2
     FROM json_to_recordset($1::json) AS row (id uuid, "endpointId" uuid, "eventId" uuid, "eventType" text, event json)`;
const INSERT = `INSERT INTO webhooks.deliveries AS d
     (id, endpoint_id, event_id, event_type, event, status, next_attempt_at, created_at)`;

const enqueueDeliveries = statement(
  'webhooks.enqueue_deliveries',
  `${INSERT} ${NEW_ROWS} ON CONFLICT ON CONSTRAINT deliveries_once DO NOTHING`,
);
const resendDeliveries = statement(
  'webhooks.resend_deliveries',
  `${INSERT} ${NEW_ROWS}
   ON CONFLICT ON CONSTRAINT deliveries_once DO UPDATE
     SET status = 'pending', tries = 0, next_attempt_at = excluded.next_attempt_at, completed_at = NULL
     WHERE d.status <> 'pending'
   RETURNING 1`,
);
// Each endpoint's first before any endpoint's second, counting what is under way: who waits for a slow partner's
// answers fills no queue but its own. Whoever else claims at the same time skips what is locked here.
const claimDeliveries = statement(
  'webhooks.claim_deliveries',
  `WITH busy AS (
     SELECT endpoint_id, count(*)::int AS count FROM webhooks.deliveries WHERE leased_until > $1 GROUP BY endpoint_id),
   due AS (
     SELECT next.id FROM webhooks.endpoints e LEFT JOIN busy ON busy.endpoint_id = e.id
      CROSS JOIN LATERAL (
        SELECT id, next_attempt_at, coalesce(busy.count, 0) + row_number() OVER (ORDER BY next_attempt_at, id) AS place
          FROM (SELECT id, next_attempt_at FROM webhooks.deliveries
                 WHERE endpoint_id = e.id AND status = 'pending' AND next_attempt_at <= $1
                   AND (leased_until IS NULL OR leased_until <= $1)
                 ORDER BY next_attempt_at, id LIMIT greatest(0, ${MAX_PER_ENDPOINT} - coalesce(busy.count, 0))) first) next
      WHERE e.status = 'active' AND (e.paused_until IS NULL OR e.paused_until <= $1)
      ORDER BY next.place, next.next_attempt_at LIMIT $3),
   claimed AS (
     SELECT id FROM webhooks.deliveries
      WHERE id IN (SELECT id FROM due) AND status = 'pending' AND next_attempt_at <= $1
        AND (leased_until IS NULL OR leased_until <= $1)
        FOR UPDATE SKIP LOCKED)
   UPDATE webhooks.deliveries d SET leased_until = $2
     FROM claimed, webhooks.endpoints e WHERE d.id = claimed.id AND e.id = d.endpoint_id
   RETURNING d.id, d.event, d.tries, d.leased_until AS "leasedUntil", e.id AS "endpointId", e.url, e.secret,
             e.previous_secret AS "previousSecret", e.previous_secret_until AS "previousSecretUntil"`,
);
const countUntried = statement(
  'webhooks.count_untried',
  `SELECT count(*)::int AS count FROM (
     SELECT FROM webhooks.deliveries WHERE endpoint_id = $1 AND status = 'pending' AND tries = 0 LIMIT $2) untried`,
);
const retryDelivery = statement(
  'webhooks.retry_delivery',
  `UPDATE webhooks.deliveries SET status = 'pending', tries = 0, next_attempt_at = $2, completed_at = NULL
    WHERE id = $1 AND (leased_until IS NULL OR leased_until <= $2)`,
);
const recordAttempt = statement(
  'webhooks.record_attempt',
  `WITH recorded AS (
     UPDATE webhooks.deliveries
        SET status = $3, tries = tries + 1, attempts = attempts + 1, leased_until = NULL,
            next_attempt_at = coalesce($4, next_attempt_at), completed_at = $5
      WHERE id = $1 AND leased_until = $2 RETURNING id, attempts)
   INSERT INTO webhooks.attempts (delivery_id, number, attempted_at, duration_ms, status_code, failure, response)
   SELECT id, attempts, $6, $7, $8, $9, $10 FROM recorded RETURNING number`,
);

/** An event for one endpoint. */
export interface NewDelivery {
  readonly endpointId: string;
  readonly event: CloudEvent;
}

/** What this process alone may send, until the lease ends. */
export interface ClaimedDelivery extends Target {
  readonly id: string;
  readonly event: CloudEvent;
  /** How often it was tried since it was last asked for. */
  readonly tries: number;
  readonly leasedUntil: Date;
}

/** What is to be sent to whom, and by whom at the moment. */
@Injectable()
export class DeliveryQueue {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly notifications: Notifications,
  ) {}

  /** Has events sent; of an event that an endpoint has got before, nothing happens. */
  async enqueue(deliveries: readonly NewDelivery[]): Promise<void> {
    await this.database.query(enqueueDeliveries, this.rowsOf(deliveries));
    this.wakeWorkers();
  }

  /** Has events sent, also those that the endpoint has got before; returns for how many that was not so already. */
  async resend(deliveries: readonly NewDelivery[]): Promise<number> {
    const rows = await this.database.query(resendDeliveries, this.rowsOf(deliveries));
    this.wakeWorkers();
    return rows.length;
  }

  /** How many wait for their first try since they were asked for; counts to `limit`. */
  async countUntried(endpointId: string, limit: number): Promise<number> {
    return (await this.database.queryOne<{ count: number }>(countUntried, [endpointId, limit]))?.count ?? 0;
  }

  /** Has a delivery sent at once, whatever became of it; from then on it is as if it were new. */
  async retry(id: string): Promise<void> {
    await this.database.query(retryDelivery, [id, this.clock.now()]);
    this.wakeWorkers();
  }

  /** Takes what is due, fairly among endpoints. */
  claim(limit: number): Promise<ClaimedDelivery[]> {
    const now = this.clock.now();
    const leasedUntil = new Date(now.getTime() + LEASE_MS);
    return this.database.query<ClaimedDelivery>(claimDeliveries, [now, leasedUntil, limit]);
  }

  /** Writes down what came of a claimed one; returns whether the claim still held. */
  async record({ id, leasedUntil }: ClaimedDelivery, attempt: Attempt, verdict: Verdict): Promise<boolean> {
    const now = this.clock.now();
    const isPending = verdict.status === 'retrying';
    const values = [
      ...[id, leasedUntil, isPending ? 'pending' : verdict.status],
      isPending ? new Date(now.getTime() + verdict.pauseMs) : null,
      isPending ? null : now,
      ...[attempt.attemptedAt, attempt.durationMs, attempt.statusCode, attempt.failure, attempt.response],
    ];
    return (await this.database.queryOne(recordAttempt, values)) !== undefined;
  }

  /** Once the running transaction has committed. */
  private wakeWorkers(): void {
    this.database.afterCommit(() => this.notifications.announce(WEBHOOKS_DUE));
  }

  private rowsOf(deliveries: readonly NewDelivery[]): unknown[] {
    const rows = deliveries.map(({ endpointId, event }) => ({
      ...{ id: newId(), endpointId, eventId: event.id, eventType: event.type, event },
    }));
    return [JSON.stringify(rows), this.clock.now()];
  }
}
