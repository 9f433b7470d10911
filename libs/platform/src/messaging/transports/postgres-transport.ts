import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Database, Notifications } from '../../database/index.js';
import { PollingLoop } from '../../jobs/index.js';
import { EVENTS_PUBLISHED } from '../channels.js';
import { EventFeed, MAX_SCANNED_POSITIONS } from '../event-feed.js';
import { BATCH_SIZE, SWEEP_MS } from './bounds.js';
import { ConsumerPositions } from './consumer-positions.js';
import {
  type ConsumerGroup,
  type EventHandler,
  EventTransport,
  type Subscription,
} from './event-transport.js';

/** A group that is behind by more positions is so far behind that the exact number tells nothing more. */
const MOST_COUNTED = 100_000;
/** A group that is not for what comes moves on all the same, this often or every batch of events. */
const SKIP_MS = 60_000;

/**
 * Events through PostgreSQL itself: the outbox is the log. Nothing has to be handed over; a consumer reads the feed
 * from where it is. One process at a time reads for a consumer, and the next takes over as soon as it is gone.
 */
@Injectable()
export class PostgresTransport extends EventTransport {
  readonly name = 'postgres';
  private readonly registered = new Set<string>();

  constructor(
    private readonly database: Database,
    private readonly positions: ConsumerPositions,
    private readonly feed: EventFeed,
    private readonly notifications: Notifications,
    private readonly logger: PinoLogger,
  ) {
    super();
  }

  async register(groups: readonly ConsumerGroup[]): Promise<void> {
    for (const { name } of groups) {
      if (this.registered.has(name)) continue;
      await this.positions.start(name, await this.feed.end());
      this.registered.add(name);
    }
  }

  publish(): Promise<void> {
    return Promise.resolve();
  }

  async subscribe(group: ConsumerGroup, handle: EventHandler): Promise<Subscription> {
    await this.register([group]);
    const reading = { movedAt: performance.now() };
    const loop = new PollingLoop(
      { name: `consume ${group.name}`, pollMs: SWEEP_MS, round: () => this.consume(group, reading, handle) },
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

  async lag({ name, types }: ConsumerGroup): Promise<number> {
    const position = await this.positions.of(name);
    return position === undefined ? 0 : this.feed.count(position, MOST_COUNTED, wanted(types));
  }

  override feedReadUpTo(groups: readonly ConsumerGroup[]): Promise<number | undefined> {
    return this.positions.lowest(groups.map(({ name }) => name));
  }

  async check(): Promise<void> {
    // What it needs is asked for as the database.
  }

  async close(): Promise<void> {
    // It has nothing of its own.
  }

  /** Handles the next events and moves on. What they change commits apart, before that. */
  private async consume(
    { name, types }: ConsumerGroup,
    reading: { movedAt: number },
    handle: EventHandler,
  ): Promise<number> {
    return this.database.transaction(async () => {
      const position = await this.positions.lock(name);
      if (position === undefined) return 0;
      // Asked for first: whatever is there up to the end is in what is read next.
      const { end, prunedUpTo } = await this.feed.bounds();
      if (prunedUpTo > position) this.reportGap(name, position, prunedUpTo);
      const upTo = Math.max(position, Math.min(end, position + MAX_SCANNED_POSITIONS));
      const events = await this.feed.after(position, BATCH_SIZE, wanted(types), upTo);
      if (events.length > 0) await handle(events);
      const last = events.length === BATCH_SIZE ? events.at(-1) : undefined;
      const lookedUpTo = last?.position ?? upTo;
      const isWorthIt =
        lookedUpTo - position >= BATCH_SIZE ||
        (lookedUpTo > position && performance.now() - reading.movedAt >= SKIP_MS);
      if (events.length > 0 || isWorthIt) {
        await this.positions.moveTo(name, lookedUpTo);
        reading.movedAt = performance.now();
      }
      return lookedUpTo < end ? Math.max(events.length, 1) : events.length;
    });
  }

  /** Pruning leaves alone what a known consumer has not read; one that no worker knew for long is not known. */
  private reportGap(consumer: string, position: number, prunedUpTo: number): void {
    this.logger.error(
      { consumer, position, pruned_up_to: prunedUpTo },
      'Events were pruned before a consumer has read them; it goes on with those that are left',
    );
  }
}

function wanted(types: ConsumerGroup['types']): readonly string[] | undefined {
  return types === 'all' ? undefined : types;
}
