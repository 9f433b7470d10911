import { Injectable } from '@nestjs/common';
import { DomainError } from '#kernel';
import { Database, statement } from '../database/index.js';
import { likePattern } from './event-patterns.js';
import type { IntegrationEvent } from './event.js';
import { messagingErrors } from './messaging.errors.js';
import { EVENT_COLUMNS, PRUNED_UP_TO } from './outbox-columns.js';

const readFeed = statement(
  'messaging.read_feed',
  `SELECT feed_position AS position, ${EVENT_COLUMNS}
     FROM platform.outbox
    WHERE feed_position > $1 AND ($4::bigint IS NULL OR feed_position <= $4)
      AND ($2::text[] IS NULL OR type = ANY($2)) ORDER BY feed_position LIMIT $3`,
);
// A range of positions bounds what one look costs, however few events there are of the types.
const readFeedPart = statement(
  'messaging.read_feed_part',
  `SELECT feed_position AS position, ${EVENT_COLUMNS}
     FROM platform.outbox
    WHERE feed_position > $1 AND feed_position <= $2 AND type LIKE ANY($3::text[])
    ORDER BY feed_position LIMIT $4`,
);
const firstFrom = statement(
  'messaging.first_from_position',
  `SELECT feed_position AS position, published_at AS "publishedAt"
     FROM platform.outbox WHERE feed_position >= $1 ORDER BY feed_position LIMIT 1`,
);
const countFeed = statement(
  'messaging.count_feed',
  `SELECT count(*)::int AS count FROM platform.outbox
    WHERE feed_position > $1 AND feed_position <= $1 + $3 AND ($2::text[] IS NULL OR type = ANY($2))`,
);
const readFeedOfAggregate = statement(
  'messaging.read_feed_of_aggregate',
  `SELECT feed_position AS position, ${EVENT_COLUMNS}
     FROM platform.outbox
    WHERE aggregate = $1 AND aggregate_id = $2 AND sequence > $3 AND feed_position IS NOT NULL
    ORDER BY sequence LIMIT $4`,
);
const heldByFeed = statement(
  'messaging.held_by_feed',
  'SELECT id FROM platform.outbox WHERE id = ANY($1::uuid[]) AND feed_position <= $2',
);
// The ids are of the time at which the events happened, so their index is one of time.
const readHappened = statement(
  'messaging.read_happened',
  `SELECT feed_position AS position, ${EVENT_COLUMNS}
     FROM platform.outbox
    WHERE id > $1 AND id < $2 AND occurred_at >= $3 AND occurred_at < $4 AND feed_position IS NOT NULL
    ORDER BY id LIMIT $5`,
);
const feedBounds = statement(
  'messaging.feed_bounds',
  `SELECT greatest(newest.position, pruned.position, 0) AS "end", coalesce(pruned.position, 0) AS "prunedUpTo"
     FROM (SELECT max(feed_position) AS position FROM platform.outbox) newest,
          (SELECT max(position) AS position FROM platform.consumer_positions WHERE consumer = '${PRUNED_UP_TO}') pruned`,
);
/** By how much the id of an event, or when it left, may differ from the time at which it happened. */
const CLOCK_TOLERANCE_MS = 60_000;
/** Positions that one look passes over at most: without a bound, a look for rare types would read all that there is. */
export const MAX_SCANNED_POSITIONS = 50_000;

/** An event with its place in the feed. */
export interface FeedEvent extends IntegrationEvent {
  /** Rises by at least one from event to event, in the order in which they left. */
  readonly position: number;
}

export interface FeedBounds {
  /** The position of the newest event, kept or pruned; 0 where there was none. */
  readonly end: number;
  /** No event up to this position is kept; 0 where none was pruned. */
  readonly prunedUpTo: number;
}

/** What one look at the feed found. */
export interface FeedPart {
  readonly events: FeedEvent[];
  /** Everything up to here was looked at: the place to go on from, whether or not there were events. */
  readonly position: number;
  /** Whether the feed goes on behind that place. */
  readonly hasMore: boolean;
}

/** Where to begin: behind a position, at the end, with what has left since a time, or with the oldest that is kept. */
export type FeedStart = number | 'end' | Date | undefined;

/**
 * The events that have left, in that order, as long as they are kept. Positions become visible in their order, however
 * long a transaction took to commit: who has read up to one has missed nothing before it.
 */
@Injectable()
export class EventFeed {
  constructor(private readonly database: Database) {}

  /** Events after a position; of these types, and up to this other position, where they are given. */
  after(position: number, limit: number, types?: readonly string[], upTo?: number): Promise<FeedEvent[]> {
    return this.database.query<FeedEvent>(readFeed, [position, types ?? null, limit, upTo ?? null]);
  }

  /** How many events there are at so many positions after one, of these types where some are named. */
  async count(position: number, positions: number, types?: readonly string[]): Promise<number> {
    const values = [position, types ?? null, positions];
    const row = await this.database.queryOne<{ count: number }>(countFeed, values);
    return row?.count ?? 0;
  }

  /**
   * Reads on from a place, and says how far it has read: not always to the end, even where it found nothing, so that a
   * look for rare types has a bound, too.
   *
   * @param patterns types of events, or what they begin with and `*`
   * @throws DomainError event_cursor_gone when an event after the position may have been pruned, or the feed does not
   *   reach as far, as after a restore: going on would miss something silently
   */
  read(start: FeedStart, limit: number, patterns: readonly string[] = ['*']): Promise<FeedPart> {
    // What is there, and what no longer is, must be told of the same moment.
    return this.database.snapshot(async () => {
      const bounds = await this.bounds();
      const after = await this.positionOf(start, bounds);
      const upTo = Math.min(bounds.end, after + MAX_SCANNED_POSITIONS);
      const types = patterns.map(likePattern);
      const events = await this.database.query<FeedEvent>(readFeedPart, [after, upTo, types, limit]);
      const last = events.at(-1);
      const position = events.length === limit && last ? last.position : upTo;
      return { events, position, hasMore: position < bounds.end };
    });
  }

  /** Events of one aggregate after the one with this sequence. */
  ofAggregate(aggregate: string, id: string, afterSequence: number, limit: number): Promise<FeedEvent[]> {
    return this.database.query<FeedEvent>(readFeedOfAggregate, [aggregate, id, afterSequence, limit]);
  }

  /** Those of these events that are kept and have left, at a position up to this one. */
  async holds(eventIds: readonly string[], upTo: number): Promise<string[]> {
    return (await this.database.query<{ id: string }>(heldByFeed, [eventIds, upTo])).map(({ id }) => id);
  }

  /**
   * Events that happened at `after` or later and before `before`, in that order.
   *
   * @param lastId the event after which to go on, of a call before
   */
  happened(after: Date, before: Date, lastId: string | undefined, limit: number): Promise<FeedEvent[]> {
    const first = lastId ?? firstIdAt(after.getTime() - CLOCK_TOLERANCE_MS);
    const end = firstIdAt(before.getTime() + CLOCK_TOLERANCE_MS);
    return this.database.query<FeedEvent>(readHappened, [first, end, after, before, limit]);
  }

  /** The position of the newest event, kept or pruned; 0 where there was none. */
  async end(): Promise<number> {
    return (await this.bounds()).end;
  }

  private async positionOf(start: FeedStart, bounds: FeedBounds): Promise<number> {
    if (start === undefined) return bounds.prunedUpTo;
    if (start === 'end') return bounds.end;
    if (start instanceof Date) return this.positionBefore(start, bounds);
    if (start < bounds.prunedUpTo || start > bounds.end) {
      throw new DomainError(messagingErrors.event_cursor_gone);
    }
    return start;
  }

  /** The place before all that has happened since a time: events leave in the order of their positions, after they happen. */
  private async positionBefore(time: Date, { end, prunedUpTo }: FeedBounds): Promise<number> {
    const leftSince = new Date(time.getTime() - CLOCK_TOLERANCE_MS);
    let [low, high] = [prunedUpTo + 1, end + 1];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const first = await this.database.queryOne<{ position: number; publishedAt: Date }>(firstFrom, [
        middle,
      ]);
      if (!first || first.publishedAt >= leftSince) high = middle;
      else low = first.position + 1;
    }
    return low - 1;
  }

  /** How far the feed reaches, and up to where it was pruned. */
  async bounds(): Promise<FeedBounds> {
    const bounds = await this.database.queryOne<FeedBounds>(feedBounds);
    return bounds ?? { end: 0, prunedUpTo: 0 };
  }
}

/** The least UUIDv7 of a millisecond. */
function firstIdAt(timeMs: number): string {
  const hex = Math.max(timeMs, 0).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}
