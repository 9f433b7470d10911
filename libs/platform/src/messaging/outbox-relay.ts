import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { runAsSystem } from '../context/index.js';
import { Database, statement } from '../database/index.js';
import { defineFailpoint } from '../failpoints/index.js';
import { type Consumer, EventBus } from './event-bus.js';
import type { IntegrationEvent } from './event.js';

/** Only one relay works at a time, so the events of an aggregate reach their consumers in order. */
const RELAY_LOCK = 7_305_809;
const BATCH_SIZE = 500;
/** A batch that brings only held-back events is followed by the next, so that they do not stand before the others. */
const MAX_BATCHES = 20;
/** The relay's own transaction waits while consumers work, and PostgreSQL ends one that waits too long. */
const BUDGET_MS = 5_000;

/** Where a crash can fall while events are relayed, in the order in which they are passed. */
const failpoints = {
  /** The events are read, none is delivered yet. */
  read: defineFailpoint('messaging.relay.read'),
  /** They are delivered, and not marked as published yet. */
  delivered: defineFailpoint('messaging.relay.delivered'),
  /** They are marked, and that is not committed yet. */
  marked: defineFailpoint('messaging.relay.marked'),
  /** All is committed. */
  published: defineFailpoint('messaging.relay.published'),
};

/** An event with its place in the outbox. */
type StoredEvent = IntegrationEvent & { readonly position: number };

const tryRelayLock = statement(
  'messaging.try_relay_lock',
  'SELECT pg_try_advisory_xact_lock($1::bigint) AS acquired',
);
const unpublishedEvents = statement(
  'messaging.unpublished_events',
  `SELECT id, position, type, aggregate, aggregate_id AS "aggregateId", sequence::int, occurred_at AS "occurredAt", data
     FROM platform.outbox WHERE published_at IS NULL AND position > $2 ORDER BY position LIMIT $1`,
);
const markPublished = statement(
  'messaging.mark_published',
  'UPDATE platform.outbox SET published_at = now() WHERE id = ANY($1::uuid[])',
);
const claimInInbox = statement(
  'messaging.claim_in_inbox',
  'INSERT INTO platform.inbox (consumer, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING event_id',
);

/**
 * Hands committed events to this process's consumers. Each consumer applies an event in one transaction with its
 * inbox row, so an event that is delivered again has no second effect.
 */
@Injectable()
export class OutboxRelay {
  constructor(
    private readonly database: Database,
    private readonly bus: EventBus,
    private readonly logger: PinoLogger,
  ) {
    logger.setContext(OutboxRelay.name);
  }

  /** Relays one batch and returns how many events it published; 0 when there was nothing or another relay works. */
  async relayBatch(): Promise<number> {
    return runAsSystem('relay', async () => {
      const published = await this.database.transaction(async () => {
        const lock = await this.database.queryOne<{ acquired: boolean }>(tryRelayLock, [RELAY_LOCK]);
        if (!lock?.acquired) return 0;
        const delivered = await this.deliverFirst();
        if (delivered.length === 0) return 0;
        await failpoints.delivered.reach();
        await this.database.query(markPublished, [delivered]);
        await failpoints.marked.reach();
        return delivered.length;
      });
      if (published > 0) await failpoints.published.reach();
      return published;
    });
  }

  /** Delivers the first batch of which anything can be delivered, and returns the ids of its delivered events. */
  private async deliverFirst(): Promise<string[]> {
    const heldBack = new Set<string>();
    const deadline = performance.now() + BUDGET_MS;
    let position = 0;
    for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
      const events = await this.database.query<StoredEvent>(unpublishedEvents, [BATCH_SIZE, position]);
      if (events.length > 0) await failpoints.read.reach();
      const delivered = await this.deliverAll(events, heldBack, deadline);
      const last = events.at(-1);
      if (delivered.length > 0 || last === undefined || events.length < BATCH_SIZE) return delivered;
      position = last.position;
    }
    return [];
  }

  /** An event whose consumer fails holds back the later events of its aggregate, and nothing else. */
  private async deliverAll(
    events: readonly StoredEvent[],
    heldBack: Set<string>,
    deadline: number,
  ): Promise<string[]> {
    const delivered: string[] = [];
    for (const event of events) {
      if (performance.now() > deadline) break;
      if (heldBack.has(event.aggregateId)) continue;
      try {
        for (const consumer of this.bus.consumers) {
          if (consumer.types.includes(event.type)) await this.deliver(consumer, event);
        }
        delivered.push(event.id);
      } catch (error) {
        heldBack.add(event.aggregateId);
        this.logger.error(
          { err: error, event_id: event.id, event_type: event.type },
          'An event was not consumed',
        );
      }
    }
    return delivered;
  }

  private async deliver(consumer: Consumer, event: IntegrationEvent): Promise<void> {
    await this.database.separateTransaction(async () => {
      const claimed = await this.database.queryOne(claimInInbox, [consumer.name, event.id]);
      if (claimed) await consumer.apply(event);
    });
  }
}
