import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Database, Notifications } from '../../database/index.js';
import { PollingLoop } from '../../jobs/index.js';
import { EVENTS_PUBLISHED } from '../channels.js';
import { EventFeed } from '../event-feed.js';
import { BATCH_SIZE, SWEEP_MS } from './bounds.js';
import { ConsumerPositions } from './consumer-positions.js';
import {
  type ConsumerGroup,
  type EventHandler,
  EventTransport,
  type Subscription,
} from './event-transport.js';

/**
 * Events through PostgreSQL itself: the outbox is the log. Nothing has to be handed over; a consumer reads the feed
 * from where it is. One process at a time reads for a consumer, and the next takes over as soon as it is gone.
 */
@Injectable()
export class PostgresTransport extends EventTransport {
  readonly name = 'postgres';

  constructor(
    private readonly database: Database,
    private readonly positions: ConsumerPositions,
    private readonly feed: EventFeed,
    private readonly notifications: Notifications,
    private readonly logger: PinoLogger,
  ) {
    super();
  }

  publish(): Promise<void> {
    return Promise.resolve();
  }

  async subscribe(group: ConsumerGroup, handle: EventHandler): Promise<Subscription> {
    await this.positions.start(group.name, await this.feed.end());
    const loop = new PollingLoop(
      { name: `consume ${group.name}`, pollMs: SWEEP_MS, round: () => this.consume(group, handle) },
      this.logger,
    );
    const stopListening = this.notifications.listen(EVENTS_PUBLISHED, () => loop.wake());
    loop.start();
    return {
      stop: async (graceMs) => {
        stopListening();
        await loop.stop(graceMs);
      },
    };
  }

  async check(): Promise<void> {
    // What it needs is asked for as the database.
  }

  async close(): Promise<void> {
    // It has nothing of its own.
  }

  /** Handles the next events and moves on. What they change commits apart, before that. */
  private async consume({ name, types }: ConsumerGroup, handle: EventHandler): Promise<number> {
    return this.database.transaction(async () => {
      const position = await this.positions.lock(name);
      if (position === undefined) return 0;
      const events = await this.feed.after(position, BATCH_SIZE, types === 'all' ? undefined : types);
      const last = events.at(-1);
      if (!last) return 0;
      await handle(events);
      await this.positions.moveTo(name, last.position);
      return events.length;
    });
  }
}
