import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Database, Notifications, statement } from '../../database/index.js';
import { PollingLoop } from '../../jobs/index.js';
import { EVENTS_PUBLISHED } from '../channels.js';
import { EventFeed } from '../event-feed.js';
import {
  type ConsumerGroup,
  type EventHandler,
  EventTransport,
  type Subscription,
} from './event-transport.js';

const BATCH_SIZE = 500;
/** A consumer that nobody wakes looks by itself this often. */
const SWEEP_MS = 1_000;

const lockPosition = statement(
  'messaging.lock_consumer_position',
  'SELECT position FROM platform.consumer_positions WHERE consumer = $1 FOR UPDATE SKIP LOCKED',
);
const startAt = statement(
  'messaging.start_consumer',
  `INSERT INTO platform.consumer_positions (consumer, position) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
);
const moveTo = statement(
  'messaging.move_consumer',
  'UPDATE platform.consumer_positions SET position = $2 WHERE consumer = $1',
);

/**
 * Events through PostgreSQL itself: the outbox is the log. Nothing has to be handed over; a consumer reads the feed
 * from where it is. One process at a time reads for a consumer, and the next takes over as soon as it is gone.
 */
@Injectable()
export class PostgresTransport extends EventTransport {
  readonly name = 'postgres';

  constructor(
    private readonly database: Database,
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
    await this.database.query(startAt, [group.name, await this.feed.end()]);
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
      const place = await this.database.queryOne<{ position: number }>(lockPosition, [name]);
      if (!place) return 0;
      const events = await this.feed.after(place.position, BATCH_SIZE, types === 'all' ? undefined : types);
      const last = events.at(-1);
      if (!last) return 0;
      await handle(events);
      await this.database.query(moveTo, [name, last.position]);
      return events.length;
    });
  }
}
