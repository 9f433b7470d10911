import { Injectable } from '@nestjs/common';
import { runAsSystem } from '#platform/context';
import { Database } from '#platform/database';
import { EventFeed, type IntegrationEvent } from '#platform/messaging';
import { ZodError } from 'zod';
import { type Movement, movementsOf, SALES_EVENTS } from './movements.js';
import { SalesStore } from './sales.store.js';

const PAGE_SIZE = 500;
/** Of more events than these that cannot be read, it is this version that is wrong, and not the events. */
const MAX_UNREADABLE = 1_000;

/** What a rebuild has done so far. */
export interface RebuildProgress {
  /** Events of the feed that were counted anew. */
  readonly replayed: number;
  /** Events that were taken over as they had been counted, because the feed does not hold them. */
  readonly kept: number;
  /** The ids of events that cannot be read, whose new figures are those of before, where they had any. */
  readonly unreadable: readonly string[];
}

/**
 * Counts the sales anew from the events that are kept, while they go on being counted, and shows the new figures when
 * they are complete. What is older than the feed stays as it was counted.
 */
@Injectable()
export class RebuildSales {
  constructor(
    private readonly database: Database,
    private readonly feed: EventFeed,
    private readonly store: SalesStore,
  ) {}

  /**
   * @param onProgress told after each page of events
   * @throws Error when another rebuild, which began later, has come to its end first, or when more than a thousand
   *   events cannot be read; nothing has changed then
   */
  async execute(onProgress: (progress: RebuildProgress) => void = () => undefined): Promise<RebuildProgress> {
    return runAsSystem('sales.rebuild', async () => {
      const generation = await this.store.newGeneration();
      const rebuild = new Rebuild(generation, this.feed, this.store, onProgress);
      try {
        await rebuild.replay();
        await rebuild.keepWhatIsNotInTheFeed(await this.store.current());
        // What has come meanwhile; nothing is counted before the new figures are the current ones.
        await this.database.transaction(async () => {
          const current = await this.store.holdCurrentAlone();
          if (current > generation) throw new Error('A rebuild that began later has ended first.');
          await rebuild.replay();
          await rebuild.keepWhatIsNotInTheFeed(current);
          await this.store.switchTo(generation);
        });
      } catch (error) {
        await this.store.drop(generation, generation);
        throw error;
      }
      await this.store.drop(0, generation - 1);
      return rebuild.progress;
    });
  }
}

class Rebuild {
  private position = 0;
  private replayed = 0;
  private kept = 0;
  private readonly unreadable = new Set<string>();

  constructor(
    private readonly generation: number,
    private readonly feed: EventFeed,
    private readonly store: SalesStore,
    private readonly onProgress: (progress: RebuildProgress) => void,
  ) {}

  get progress(): RebuildProgress {
    return { replayed: this.replayed, kept: this.kept, unreadable: [...this.unreadable] };
  }

  /** Counts what the feed holds after the events that were counted before, to its end. */
  async replay(): Promise<void> {
    for (;;) {
      const events = await this.feed.after(this.position, PAGE_SIZE, SALES_EVENTS);
      const last = events.at(-1);
      if (!last) return;
      const movements = events.map((event) => this.read(event));
      await this.store.add(
        this.generation,
        movements.flatMap((read) => read ?? []),
      );
      this.position = last.position;
      this.replayed += movements.filter((read) => read !== undefined).length;
      this.onProgress(this.progress);
    }
  }

  /**
   * Takes over what `current` has counted of events that are gone from the feed, were not in it when it was replayed, or
   * cannot be read any more. What has come into the feed since counts as not in it: counting it as well adds nothing.
   */
  async keepWhatIsNotInTheFeed(current: number): Promise<void> {
    let after: string | undefined;
    for (;;) {
      const ids = await this.store.missing(current, this.generation, after, PAGE_SIZE);
      after = ids.at(-1);
      if (after === undefined) return;
      const counted = new Set(await this.feed.holds(ids, this.position));
      const kept = ids.filter((id) => !counted.has(id) || this.unreadable.has(id));
      await this.store.copy(current, this.generation, kept);
      this.kept += kept.length;
      this.onProgress(this.progress);
    }
  }

  /** One event that nobody can read must not keep all the others from being counted. */
  private read(event: IntegrationEvent): Movement[] | undefined {
    try {
      return movementsOf(event);
    } catch (error) {
      if (!(error instanceof ZodError)) throw error;
      this.unreadable.add(event.id);
      if (this.unreadable.size > MAX_UNREADABLE) {
        throw new Error(`More than ${MAX_UNREADABLE} events cannot be read.`, { cause: error });
      }
      return undefined;
    }
  }
}
