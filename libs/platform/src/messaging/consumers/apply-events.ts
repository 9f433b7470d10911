import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { currentContext, runAsSystem, runInContext } from '../../context/index.js';
import { Database, statement } from '../../database/index.js';
import { defineFailpoint } from '../../failpoints/index.js';
import { Metrics } from '../../telemetry/index.js';
import { type Consumer, EventBus } from '../event-bus.js';
import type { IntegrationEvent } from '../event.js';
import { FirstBatches } from './first-batches.js';
import { type ClaimedEvent, MAX_ATTEMPTS, ParkedEvents } from './parked-events.js';

/** Where a crash can fall while a consumer works. */
const failpoints = {
  /** The events are claimed in the inbox and applied, and nothing of that is committed. */
  applied: defineFailpoint('messaging.consumer.applied'),
  /** It is committed, and the transport does not know it yet. */
  committed: defineFailpoint('messaging.consumer.committed'),
};

const claimInInbox = statement(
  'messaging.claim_in_inbox',
  `INSERT INTO platform.inbox (consumer, event_id) SELECT $1, unnest($2::uuid[])
   ON CONFLICT DO NOTHING RETURNING event_id AS id`,
);
const pruneInbox = statement(
  'messaging.prune_inbox',
  `DELETE FROM platform.inbox WHERE (consumer, event_id) IN (
     SELECT consumer, event_id FROM platform.inbox WHERE applied_at < now() - $1 * interval '1 second'
      ORDER BY applied_at LIMIT $2)
   RETURNING 1`,
);

/**
 * Applies events to a consumer: each once, in the transaction that writes it into the inbox. One that cannot be
 * applied is parked, and holds up nothing but its own aggregate.
 */
@Injectable()
export class ApplyEvents {
  constructor(
    private readonly database: Database,
    private readonly parked: ParkedEvents,
    private readonly firstBatches: FirstBatches,
    private readonly bus: EventBus,
    private readonly metrics: Metrics,
    private readonly logger: PinoLogger,
  ) {
    logger.setContext(ApplyEvents.name);
  }

  /**
   * Applies events that a transport brought, in their order. When it resolves, each is applied, or was before, or is
   * parked; when it fails, the database did not answer, and they are to be brought again.
   */
  async execute(consumer: Consumer, events: readonly IntegrationEvent[]): Promise<void> {
    const startedAt = performance.now();
    await runAsSystem(consumer.name, async () => {
      if (await this.firstBatches.begin(consumer.name, events)) await this.parkAll(consumer, events);
      else await this.applyOrPark(consumer, events);
      this.metrics.observeConsumed(consumer.name, performance.now() - startedAt);
      await failpoints.committed.reach();
      await this.firstBatches.end(consumer.name);
    });
  }

  /** Tries the parked event that is due longest; returns whether there was one. */
  async retryOne(): Promise<boolean> {
    const claimed = await this.parked.claimDue(this.bus.consumers.map(({ name }) => name));
    const consumer = this.bus.consumers.find(({ name }) => name === claimed?.consumer);
    if (!claimed || !consumer) return false;
    await runAsSystem(consumer.name, async () => {
      try {
        // It is counted before each try, so whoever was to make the last one is gone.
        if (claimed.attempts > MAX_ATTEMPTS) throw new Error('The process ended during the last try.');
        await this.database.transaction(async () => {
          if (!(await this.parked.lock(claimed))) return;
          await this.claimAndApply(consumer, [claimed.event]);
          await this.parked.release(claimed);
        });
      } catch (error) {
        await this.noteFailure(claimed, error);
      }
    });
    return true;
  }

  /** Forgets events that were applied longer ago than any transport brings them again; returns how many. */
  async pruneInbox(olderThanSeconds: number, limit: number): Promise<number> {
    return (await this.database.query(pruneInbox, [olderThanSeconds, limit])).length;
  }

  private async applyOrPark(consumer: Consumer, events: readonly IntegrationEvent[]): Promise<void> {
    try {
      await this.applyTogether(consumer, events);
    } catch (error) {
      // One of them cannot be applied: which one shows when each is tried alone.
      const [first, ...others] = events;
      if (first && others.length === 0) await this.park(consumer, first, error);
      else for (const event of events) await this.applyAlone(consumer, event);
    }
  }

  private async applyAlone(consumer: Consumer, event: IntegrationEvent): Promise<void> {
    try {
      await this.applyTogether(consumer, [event]);
    } catch (error) {
      await this.park(consumer, event, error);
    }
  }

  private async applyTogether(consumer: Consumer, events: readonly IntegrationEvent[]): Promise<void> {
    await this.database.separateTransaction(async () => {
      const behind = await this.parked.behindParked(consumer.name, events);
      if (behind.length > 0) await this.parked.park(consumer.name, behind);
      this.metrics.countConsumed(consumer.name, 'parked', behind.length);
      const free = behind.length === 0 ? events : events.filter((event) => !behind.includes(event));
      await this.claimAndApply(consumer, free);
      await failpoints.applied.reach();
    });
  }

  private async claimAndApply(consumer: Consumer, events: readonly IntegrationEvent[]): Promise<void> {
    if (events.length === 0) return;
    const ids = events.map(({ id }) => id);
    const rows = await this.database.query<{ id: string }>(claimInInbox, [consumer.name, ids]);
    // An event that was handed over again may be here twice, and is one row: the first of them takes the claim.
    const claimed = new Set(rows.map(({ id }) => id));
    for (const event of events)
      if (claimed.delete(event.id)) await runTraced(event, () => consumer.apply(event));
    this.metrics.countConsumed(consumer.name, 'applied', rows.length);
    this.metrics.countConsumed(consumer.name, 'duplicate', events.length - rows.length);
  }

  private async park(consumer: Consumer, event: IntegrationEvent, error: unknown): Promise<void> {
    await this.database.separateTransaction(() => this.parked.park(consumer.name, [event], error));
    this.metrics.countConsumed(consumer.name, 'parked', 1);
    runTraced(event, () =>
      this.logger.error(
        { err: error, consumer: consumer.name, event_id: event.id, event_type: event.type },
        'An event could not be applied; it is tried again, and those of its aggregate wait behind it',
      ),
    );
  }

  /** Puts events aside untried: a try of what is parked is counted before it is made. */
  private async parkAll(consumer: Consumer, events: readonly IntegrationEvent[]): Promise<void> {
    const parked = await this.database.separateTransaction(() => this.parked.park(consumer.name, events));
    this.metrics.countConsumed(consumer.name, 'parked', parked);
    this.metrics.countConsumed(consumer.name, 'duplicate', events.length - parked);
    if (parked === 0) return;
    this.logger.warn(
      { consumer: consumer.name, event_id: events[0]?.id, events: parked },
      'A process ended while it applied these events, from this one on, or lost them to this one; now each is tried alone',
    );
  }

  private async noteFailure(claimed: ClaimedEvent, error: unknown): Promise<void> {
    const isDead = await this.parked.noteFailure(claimed, error);
    if (!isDead) return;
    const { consumer, event } = claimed;
    this.metrics.countConsumed(consumer, 'dead', 1);
    runTraced(event, () =>
      this.logger.error(
        { err: error, consumer, event_id: event.id, event_type: event.type },
        'An event was given up: it is a dead letter until somebody has it tried again',
      ),
    );
  }
}

/** Runs `fn` in the trace of what caused the event: what it publishes belongs to it, and so do its lines in the log. */
function runTraced<T>({ traceparent }: IntegrationEvent, fn: () => T): T {
  return runInContext({ ...currentContext(), traceparent }, fn);
}
