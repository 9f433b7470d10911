import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { runAsSystem } from '../context/index.js';
import { Notifications } from '../database/index.js';
import { PollingLoop } from '../jobs/index.js';
import { EVENTS_PUBLISHED } from './channels.js';
import { EventFeed } from './event-feed.js';
import { type IntegrationEvent, registeredEvents } from './event.js';

const BATCH_SIZE = 500;
/** A reader that nobody wakes looks by itself this often. */
const SWEEP_MS = 1_000;
const STOP_GRACE_MS = 1_000;

type Follower = (event: IntegrationEvent) => void;

/** The one reader of this process, as long as somebody follows something. */
interface Reader {
  /** Up to where it has read the feed. */
  position: number;
  readonly stop: () => Promise<void>;
}

/**
 * Tells whoever follows an aggregate, in this process, what happens to it as soon as it has left, wherever it happened.
 * However many follow, the process reads the feed once; nothing is kept of it.
 */
@Injectable()
export class LiveEvents implements OnModuleDestroy {
  private readonly followers = new Map<string, Set<Follower>>();
  private reader: Promise<Reader> | undefined;

  constructor(
    private readonly feed: EventFeed,
    private readonly notifications: Notifications,
    private readonly logger: PinoLogger,
  ) {
    logger.setContext(LiveEvents.name);
  }

  /**
   * Has `follower` called with every event of an aggregate that leaves from now on, in order. What had left when this
   * resolves may come as well: whoever reads what there is after it, and goes by the sequence, misses nothing.
   *
   * @returns what ends it
   */
  async follow(aggregate: string, id: string, follower: Follower): Promise<() => void> {
    const key = keyOf({ aggregate, aggregateId: id });
    const followers = this.followers.get(key) ?? new Set();
    this.followers.set(key, followers.add(follower));
    const stop = () => this.unfollow(key, follower);
    try {
      this.reader ??= runAsSystem('live-events', () => this.startReading());
      await this.reader;
      return stop;
    } catch (error) {
      this.reader = undefined;
      stop();
      throw error;
    }
  }

  async onModuleDestroy(): Promise<void> {
    this.followers.clear();
    await this.stopReading();
  }

  private unfollow(key: string, follower: Follower): void {
    const followers = this.followers.get(key);
    followers?.delete(follower);
    if (followers?.size === 0) this.followers.delete(key);
    if (this.followers.size === 0) void this.stopReading();
  }

  private async startReading(): Promise<Reader> {
    const position = await this.feed.end();
    const loop = new PollingLoop(
      { name: 'live-events', pollMs: SWEEP_MS, round: () => this.read(reader) },
      this.logger,
    );
    const stopListening = this.notifications.listen(EVENTS_PUBLISHED, () => loop.wake());
    const reader: Reader = {
      position,
      stop: () => {
        stopListening();
        return loop.stop(STOP_GRACE_MS);
      },
    };
    loop.start();
    return reader;
  }

  private async stopReading(): Promise<void> {
    const reader = this.reader;
    this.reader = undefined;
    // One that could not start has told so to whoever wanted to follow.
    await reader?.then(({ stop }) => stop()).catch(() => undefined);
  }

  /** Tells of the next events. Returns how many there were. */
  private async read(reader: Reader): Promise<number> {
    // In this order: what leaves in between is read now or next time, and never passed over.
    const end = await this.feed.end();
    if (end <= reader.position) return 0;
    const events = await this.feed.after(reader.position, BATCH_SIZE, this.typesFollowed());
    const last = events.at(-1);
    reader.position =
      events.length === BATCH_SIZE && last ? last.position : Math.max(end, last?.position ?? 0);
    for (const event of events) {
      for (const tell of this.followers.get(keyOf(event)) ?? []) tell(event);
    }
    return events.length;
  }

  private typesFollowed(): string[] {
    const aggregates = new Set([...this.followers.keys()].map((key) => key.split(':', 1)[0]));
    return registeredEvents()
      .filter(({ aggregate }) => aggregates.has(aggregate))
      .map(({ type }) => type);
  }
}

function keyOf({ aggregate, aggregateId }: Pick<IntegrationEvent, 'aggregate' | 'aggregateId'>): string {
  return `${aggregate}:${aggregateId}`;
}
