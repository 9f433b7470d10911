import { Injectable } from '@nestjs/common';
import { runAsSystem } from '../context/index.js';
import { Database, Notifications } from '../database/index.js';
import { defineFailpoint } from '../failpoints/index.js';
import { Metrics } from '../telemetry/index.js';
import { EVENTS_PUBLISHED } from './channels.js';
import { EventBus } from './event-bus.js';
import { Outbox } from './outbox.js';
import { EventTransport } from './transports/event-transport.js';

/** Of each round; the rest is left to the rounds of other relays, here and in other processes. */
const SHARDS_PER_ROUND = 4;
const BATCH_SIZE = 500;

/** Where a crash can fall while events are relayed, in the order in which they are passed. */
const failpoints = {
  /** The events are read, none is handed over yet. */
  read: defineFailpoint('messaging.relay.read'),
  /** They are handed over, and not marked as published yet. */
  delivered: defineFailpoint('messaging.relay.delivered'),
  /** They are marked, and that is not committed yet. */
  marked: defineFailpoint('messaging.relay.marked'),
  /** All is committed. */
  published: defineFailpoint('messaging.relay.published'),
};

/**
 * Hands committed events to the transport, in order per aggregate. Any number of relays share the work: each takes
 * shards of the aggregates for as long as one transaction lasts. One that dies in the middle loses nothing, and what
 * it had handed over and not marked is handed over again.
 */
@Injectable()
export class OutboxRelay {
  constructor(
    private readonly database: Database,
    private readonly outbox: Outbox,
    private readonly transport: EventTransport,
    private readonly bus: EventBus,
    private readonly notifications: Notifications,
    private readonly metrics: Metrics,
  ) {}

  /** Relays one batch and returns how many events that were; 0 when there was nothing that nobody else relays. */
  async relayBatch(): Promise<number> {
    return runAsSystem('relay', async () => {
      const published = await this.database.transaction(() => this.relay());
      if (published > 0) {
        await failpoints.published.reach();
        this.notifications.announce(EVENTS_PUBLISHED);
      }
      return published;
    });
  }

  private async relay(): Promise<number> {
    const shards = await this.outbox.lockShards(SHARDS_PER_ROUND);
    if (shards.length === 0) return 0;
    const events = await this.outbox.unpublished(shards, BATCH_SIZE);
    if (events.length === 0) return 0;
    await failpoints.read.reach();
    try {
      // Or it would be handed over before a consumer that starts a moment later is there to get it. That stays so
      // when this transaction fails: what it hands over now may be gone for whoever begins only then.
      await this.database.outside(() => this.transport.register(this.bus.consumers));
      await this.transport.publish(events);
    } catch (error) {
      this.metrics.countRelayed(this.transport.name, 'failed', events.length);
      throw error;
    }
    await failpoints.delivered.reach();
    await this.outbox.markPublished(events.map(({ id }) => id));
    await failpoints.marked.reach();
    this.metrics.countRelayed(this.transport.name, 'published', events.length);
    return events.length;
  }
}
