import { Injectable } from '@nestjs/common';
import { Clock, DomainError } from '#kernel';
import { Database, statement } from '../../database/index.js';
import { type Page, type PageRequest, Paginator } from '../../http/index.js';
import { backoffMs } from '../../resilience/index.js';
import { type CloudEvent, fromCloudEvent, toCloudEvent } from '../cloud-event.js';
import type { IntegrationEvent } from '../event.js';
import { messagingErrors } from '../messaging.errors.js';

/** Tries in all before an event is given up: the pauses between them sum to four to nine minutes. */
export const MAX_ATTEMPTS = 10;
const PAUSES = { firstMs: 1_000, longestMs: 300_000 };
/** After this long or up to half as long again, an event whose try nobody has finished is due: whoever tried is gone. */
const CLAIM_MS = 60_000;
/** Kept of what an error says. */
const MAX_ERROR_CHARACTERS = 2_000;

const parkedAggregates = statement(
  'messaging.parked_aggregates',
  `SELECT DISTINCT aggregate, aggregate_id AS "aggregateId" FROM platform.parked_events
    WHERE consumer = $1 AND aggregate_id = ANY($2::uuid[])`,
);
// Whoever takes the first of an aggregate away makes the next one due: until this one is committed, nobody may.
const parkEvents = statement(
  'messaging.park_events',
  `WITH events AS (
     SELECT * FROM json_to_recordset($2::json) AS e
            (id uuid, aggregate text, "aggregateId" uuid, sequence bigint, type text, event jsonb)
      WHERE NOT EXISTS (SELECT FROM platform.inbox WHERE consumer = $1 AND event_id = e.id)),
   firsts AS (
     SELECT first.* FROM (SELECT DISTINCT aggregate, "aggregateId" FROM events) e,
            LATERAL (SELECT aggregate, aggregate_id, sequence FROM platform.parked_events p
                      WHERE p.consumer = $1 AND p.aggregate = e.aggregate AND p.aggregate_id = e."aggregateId"
                      ORDER BY sequence LIMIT 1 FOR SHARE) first)
   INSERT INTO platform.parked_events (consumer, event_id, aggregate, aggregate_id, sequence, type, event, status,
                                       attempts, next_attempt_at, error, parked_at)
   SELECT $1, id, e.aggregate, "aggregateId", e.sequence, type, event,
          CASE WHEN first.sequence < e.sequence
                 OR rank() OVER (PARTITION BY e.aggregate, "aggregateId" ORDER BY e.sequence) > 1
               THEN 'waiting' ELSE 'retrying' END, $3, $4, $5, $6
     FROM events e LEFT JOIN firsts first ON first.aggregate = e.aggregate AND first.aggregate_id = "aggregateId"
   ON CONFLICT DO NOTHING RETURNING 1`,
);
// Of an aggregate only the first is tried, also where an earlier one came later. The others are not even due.
const claimDue = statement(
  'messaging.claim_due_event',
  `WITH due AS (
     SELECT consumer, event_id FROM platform.parked_events p
      WHERE status = 'retrying' AND next_attempt_at <= $1 AND consumer = ANY($2)
        AND sequence = (SELECT min(first.sequence) FROM platform.parked_events first
              WHERE first.consumer = p.consumer AND first.aggregate = p.aggregate
                AND first.aggregate_id = p.aggregate_id)
      ORDER BY next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED)
   UPDATE platform.parked_events p SET attempts = attempts + 1, next_attempt_at = $3
     FROM due WHERE p.consumer = due.consumer AND p.event_id = due.event_id
   RETURNING p.consumer, event, attempts`,
);
const lockClaimed = statement(
  'messaging.lock_claimed_event',
  `SELECT event_id FROM platform.parked_events WHERE consumer = $1 AND event_id = $2 AND attempts = $3 FOR UPDATE`,
);
// The next event of the aggregate becomes due, by a trigger.
const unpark = statement(
  'messaging.unpark_event',
  'DELETE FROM platform.parked_events WHERE consumer = $1 AND event_id = $2',
);
const noteFailure = statement(
  'messaging.note_parked_failure',
  `UPDATE platform.parked_events SET attempts = $4, next_attempt_at = $5, error = $6, status = $7
    WHERE consumer = $1 AND event_id = $2 AND attempts = $3`,
);
const listDead = statement(
  'messaging.list_dead_letters',
  `SELECT consumer, event, attempts, error, parked_at AS "parkedAt",
          (SELECT count(*)::int FROM platform.parked_events behind
            WHERE behind.consumer = p.consumer AND behind.aggregate = p.aggregate
              AND behind.aggregate_id = p.aggregate_id AND behind.sequence > p.sequence) AS "waitingBehind"
     FROM platform.parked_events p
    WHERE status = 'dead' AND ($1::text IS NULL OR consumer = $1) AND ($2::text IS NULL OR type = $2)
      AND ($3::timestamptz IS NULL OR (parked_at, event_id, consumer) < ($3, $4::uuid, $5))
    ORDER BY parked_at DESC, event_id DESC, consumer DESC LIMIT $6`,
);
const redriveDead = statement(
  'messaging.redrive_dead_letters',
  `UPDATE platform.parked_events SET status = 'retrying', attempts = 0, next_attempt_at = $1
    WHERE status = 'dead' AND ($2::text IS NULL OR consumer = $2) AND ($3::text IS NULL OR type = $3)
      AND ($4::uuid[] IS NULL OR event_id = ANY($4))
   RETURNING 1`,
);
const discardDead = statement(
  'messaging.discard_dead_letter',
  `WITH gone AS (DELETE FROM platform.parked_events
                  WHERE consumer = $1 AND event_id = $2 AND status = 'dead' RETURNING consumer, event_id),
        applied AS (INSERT INTO platform.inbox (consumer, event_id) SELECT consumer, event_id FROM gone
                    ON CONFLICT DO NOTHING)
   SELECT event_id FROM gone`,
);
const parkedState = statement(
  'messaging.parked_state',
  `SELECT consumer, count(*) FILTER (WHERE status = 'dead')::int AS dead,
          count(*) FILTER (WHERE status <> 'dead')::int AS retrying
     FROM platform.parked_events GROUP BY consumer`,
);

/** An event that is tried again by whoever has claimed it. */
export interface ClaimedEvent {
  readonly consumer: string;
  readonly event: IntegrationEvent;
  /** How often it was tried, with this time. */
  readonly attempts: number;
}

/** An event that a consumer could not apply however often it tried. */
export interface DeadLetter {
  readonly consumer: string;
  readonly event: CloudEvent;
  readonly attempts: number;
  readonly error: string | null;
  readonly parkedAt: Date;
  /** Later events of the same aggregate that wait for it. */
  readonly waitingBehind: number;
}

/** Which dead letters are meant: those to which everything that is given applies. */
export interface DeadLetterFilters {
  readonly consumer?: string | undefined;
  readonly type?: string | undefined;
  readonly eventIds?: readonly string[] | undefined;
}

/**
 * What consumers could not apply: tried again after growing pauses, then given up until somebody says otherwise. Later
 * events of the same aggregate wait behind, in order; those of all others go on.
 */
@Injectable()
export class ParkedEvents {
  constructor(
    private readonly database: Database,
    private readonly paginator: Paginator,
    private readonly clock: Clock,
  ) {}

  /** Of these events, those whose aggregate has an event here already. */
  async behindParked(consumer: string, events: readonly IntegrationEvent[]): Promise<IntegrationEvent[]> {
    const ids = [...new Set(events.map(({ aggregateId }) => aggregateId))];
    const rows = await this.database.query<Pick<IntegrationEvent, 'aggregate' | 'aggregateId'>>(
      parkedAggregates,
      [consumer, ids],
    );
    if (rows.length === 0) return [];
    const parked = new Set(rows.map(aggregateOf));
    return events.filter((event) => parked.has(aggregateOf(event)));
  }

  /**
   * Puts events aside that cannot be applied now; those that were applied already, or are here, stay as they are.
   *
   * @param failure why the first try failed; absent for events that were not tried
   * @returns how many it has put aside
   */
  async park(consumer: string, events: readonly IntegrationEvent[], failure?: unknown): Promise<number> {
    const now = this.clock.now();
    const attempts = failure === undefined ? 0 : 1;
    const next = failure === undefined ? now : new Date(now.getTime() + pauseMs(attempts));
    const rows = events.map((event) => ({ ...event, event: toCloudEvent(event) }));
    const error = failure === undefined ? null : textOf(failure);
    const values = [consumer, JSON.stringify(rows), attempts, next, error, now];
    return (await this.database.query(parkEvents, values)).length;
  }

  /**
   * Counts a try of the event that has been due longest, of one of these consumers, before it is made: one that ends
   * its process is counted, too. Nobody else is given it for a minute or a little longer.
   */
  async claimDue(consumers: readonly string[]): Promise<ClaimedEvent | undefined> {
    const now = this.clock.now();
    const row = await this.database.queryOne<Omit<ClaimedEvent, 'event'> & { event: CloudEvent }>(claimDue, [
      now,
      consumers,
      // Not at one time for all that were tried when the process ended: only one of them may have ended it.
      new Date(now.getTime() + CLAIM_MS * (1 + Math.random() / 2)),
    ]);
    return row && { ...row, event: fromCloudEvent(row.event) };
  }

  /** Keeps an event for the running transaction alone; returns whether nobody has claimed it since. */
  async lock({ consumer, event, attempts }: ClaimedEvent): Promise<boolean> {
    return (await this.database.queryOne(lockClaimed, [consumer, event.id, attempts])) !== undefined;
  }

  /** Takes an event out that has been applied; the next of its aggregate is due at once. */
  async release({ consumer, event }: ClaimedEvent): Promise<void> {
    await this.database.query(unpark, [consumer, event.id]);
  }

  /** Writes down how a try failed. Returns whether it was the last. */
  async noteFailure({ consumer, event, attempts }: ClaimedEvent, failure: unknown): Promise<boolean> {
    const isDead = attempts >= MAX_ATTEMPTS;
    const tries = Math.min(attempts, MAX_ATTEMPTS);
    const next = new Date(this.clock.now().getTime() + pauseMs(tries));
    const status = isDead ? 'dead' : 'retrying';
    const values = [consumer, event.id, attempts, tries, next, textOf(failure), status];
    await this.database.query(noteFailure, values);
    return isDead;
  }

  /**
   * What was given up, the newest first.
   *
   * @throws DomainError invalid_cursor
   */
  listDead({ consumer, type }: DeadLetterFilters, request: PageRequest): Promise<Page<DeadLetter>> {
    return this.paginator.page<DeadLetter>(
      'dead_letters',
      { consumer, type },
      request,
      (letter) => [letter.parkedAt.toISOString(), letter.event.id, letter.consumer],
      (after = [], limit) => {
        const [parkedAt = null, eventId = null, ofConsumer = null] = after;
        const values = [consumer ?? null, type ?? null, parkedAt, eventId, ofConsumer, limit];
        return this.database.query<DeadLetter>(listDead, values);
      },
    );
  }

  /** Has dead letters tried again, and returns how many. */
  async redrive({ consumer, type, eventIds }: DeadLetterFilters): Promise<number> {
    const values = [this.clock.now(), consumer ?? null, type ?? null, eventIds ?? null];
    const redriven = await this.database.transaction(() => this.database.query(redriveDead, values));
    return redriven.length;
  }

  /**
   * Gives an event up for good, so that those behind it go on.
   *
   * @throws DomainError dead_letter_not_found
   */
  async discard(consumer: string, eventId: string): Promise<void> {
    await this.database.transaction(async () => {
      if (await this.database.queryOne(discardDead, [consumer, eventId])) return;
      throw new DomainError(messagingErrors.dead_letter_not_found);
    });
  }

  /** How many events are here, by consumer: given up, and tried again or waiting behind another. */
  state(): Promise<{ consumer: string; dead: number; retrying: number }[]> {
    return this.database.query(parkedState);
  }
}

function aggregateOf({ aggregate, aggregateId }: Pick<IntegrationEvent, 'aggregate' | 'aggregateId'>) {
  return `${aggregate}:${aggregateId}`;
}

/** Doubles with each try, and differs by up to half, so that what failed together is not tried together. */
function pauseMs(attempts: number): number {
  return backoffMs(PAUSES, attempts - 1) * (0.5 + Math.random() / 2);
}

function textOf(failure: unknown): string {
  const text = failure instanceof Error ? `${failure.name}: ${failure.message}` : String(failure);
  return text.replaceAll('\u0000', '').slice(0, MAX_ERROR_CHARACTERS);
}
