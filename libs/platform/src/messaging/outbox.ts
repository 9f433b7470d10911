import { Injectable } from '@nestjs/common';
import { Database, statement } from '../database/index.js';
import type { IntegrationEvent } from './event.js';
import { EVENT_COLUMNS, PRUNED_UP_TO } from './outbox-columns.js';

/** An aggregate's events are all of one shard; shards are relayed apart from each other. A power of two. */
const SHARDS = 16;
/** The same expression as in the index `outbox_unpublished_by_shard`. */
const SHARD = `(get_byte(uuid_send(aggregate_id), 15) & ${SHARDS - 1})`;
/** Any constant that nothing else locks by: the first key of the advisory locks of shards. */
const SHARD_LOCKS = 7_305_809;

// Only what has something to relay is locked, and nothing is waited for.
const lockShards = statement(
  'messaging.lock_shards',
  `SELECT shard FROM (SELECT (n + $1::int) % ${SHARDS} AS shard FROM generate_series(0, ${SHARDS - 1}) n) shards
    WHERE CASE WHEN EXISTS (SELECT FROM platform.outbox WHERE published_at IS NULL AND ${SHARD} = shard)
               THEN pg_try_advisory_xact_lock(${SHARD_LOCKS}, shard) ELSE false END
    LIMIT $2`,
);
const unpublishedEvents = statement(
  'messaging.unpublished_events',
  `SELECT ${EVENT_COLUMNS}
     FROM unnest($1::int[]) AS s,
          LATERAL (SELECT * FROM platform.outbox
                    WHERE published_at IS NULL AND ${SHARD} = s ORDER BY position LIMIT $2) events
    ORDER BY position LIMIT $2`,
);
const markPublished = statement(
  'messaging.mark_published',
  `UPDATE platform.outbox o
      SET published_at = clock_timestamp(), feed_position = numbered.feed_position
     FROM (SELECT id, nextval('platform.feed_position') AS feed_position
             FROM unnest($1::uuid[]) WITH ORDINALITY AS published (id, n) ORDER BY n) numbered
    WHERE o.id = numbered.id`,
);
// Whoever has not read what is pruned must be told: how far that goes is written down with it.
const pruneOutbox = statement(
  'messaging.prune_outbox',
  `WITH gone AS (DELETE FROM platform.outbox WHERE feed_position IN (
          SELECT feed_position FROM platform.outbox
           WHERE feed_position IS NOT NULL AND published_at < now() - $1 * interval '1 second'
             AND feed_position < (SELECT min(feed_position) + $2 FROM platform.outbox WHERE feed_position IS NOT NULL)
             AND ($3::bigint IS NULL OR feed_position <= $3))
          RETURNING feed_position),
        noted AS (INSERT INTO platform.consumer_positions AS place (consumer, position)
          SELECT '${PRUNED_UP_TO}', max(feed_position) FROM gone HAVING count(*) > 0
          ON CONFLICT (consumer) DO UPDATE SET position = greatest(place.position, excluded.position))
   SELECT 1 FROM gone`,
);
const outboxState = statement(
  'messaging.outbox_state',
  `SELECT count(*)::int AS pending,
          coalesce(extract(epoch FROM now() - min(occurred_at)), 0)::float8 AS "oldestSeconds"
     FROM platform.outbox WHERE published_at IS NULL`,
);

/** What is in the outbox and has not left. */
export interface OutboxState {
  readonly pending: number;
  readonly oldestSeconds: number;
}

/** The events that modules appended, of which each leaves once its transaction has committed. */
@Injectable()
export class Outbox {
  constructor(private readonly database: Database) {}

  /**
   * Takes shards that have events to relay and that nobody else works on, until the running transaction ends.
   *
   * @param count how many at most
   */
  async lockShards(count: number): Promise<number[]> {
    // Not the same ones first each time, so that of several relays none waits for the other's.
    const first = Math.floor(Math.random() * SHARDS);
    const rows = await this.database.query<{ shard: number }>(lockShards, [first, count]);
    return rows.map(({ shard }) => shard);
  }

  /** Events of these shards that have not left, the oldest first. */
  unpublished(shards: readonly number[], limit: number): Promise<IntegrationEvent[]> {
    return this.database.query<IntegrationEvent>(unpublishedEvents, [shards, limit]);
  }

  /**
   * Writes down that events have left, and gives them their places in the feed. Positions are given out under one
   * lock until the commit, so whoever has read the feed up to a position has missed none before it.
   */
  async markPublished(ids: readonly string[]): Promise<void> {
    await this.database.lock('events', 'feed');
    await this.database.query(markPublished, [ids]);
  }

  /**
   * Deletes events that left longer ago than this, at most so many, and none behind a position in the feed where one is
   * given; returns how many.
   */
  async prune(olderThanSeconds: number, limit: number, upTo?: number): Promise<number> {
    return (await this.database.query(pruneOutbox, [olderThanSeconds, limit, upTo ?? null])).length;
  }

  async state(): Promise<OutboxState> {
    const state = await this.database.queryOne<OutboxState>(outboxState);
    return state ?? { pending: 0, oldestSeconds: 0 };
  }
}
