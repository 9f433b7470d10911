import { setTimeout as delay } from 'node:timers/promises';
import type { Postgres } from '../../test/events-proof/postgres.js';
import { EventStage } from '../../test/events-proof/event-stage.js';

const AGGREGATES = 1_000;
const PER_SECOND = 1_000;
const SAMPLE_MS = 15_000;
const MEGABYTE = 1_048_576;

/** How large the outbox and the inbox are at one moment. */
export interface Size {
  readonly seconds: number;
  readonly outboxRows: number;
  readonly outboxMegabytes: number;
  readonly deadRows: number;
  readonly inboxMegabytes: number;
}

const MEASURE = `
  SELECT (SELECT count(*) FROM platform.outbox)::int AS "outboxRows",
         pg_total_relation_size('platform.outbox')::float8 / ${MEGABYTE} AS "outboxMegabytes",
         (SELECT n_dead_tup FROM pg_stat_user_tables WHERE relid = 'platform.outbox'::regclass)::int AS "deadRows",
         pg_total_relation_size('platform.inbox')::float8 / ${MEGABYTE} AS "inboxMegabytes"`;

/**
 * What becomes of the tables while 1,000 events happen in a second, are applied, and are kept for as many seconds as
 * says `EVENTS_RETENTION_DAYS` in days elsewhere.
 *
 * @param seconds how long that goes on
 * @param keptSeconds how long an event is kept; the inbox keeps its id twice as long
 */
export async function measureGrowth(
  postgres: Postgres,
  seconds: number,
  keptSeconds: number,
): Promise<Size[]> {
  const stage = await EventStage.open('postgres', postgres, AGGREGATES, 'growth');
  try {
    await stage.start('consumer');
    await stage.start('relay');
    const pruner = await stage.start('pruner', [String(keptSeconds)]);
    const startedAt = performance.now();
    const sizes: Size[] = [];
    const events = stage.publisher.publish(1, (seconds * PER_SECOND) / AGGREGATES, PER_SECOND);
    while (performance.now() - startedAt < seconds * 1_000) {
      await delay(SAMPLE_MS);
      const { rows } = await stage.sql.query<Omit<Size, 'seconds'>>(MEASURE);
      sizes.push({ seconds: (performance.now() - startedAt) / 1_000, ...rows[0]! });
    }
    await events;
    await pruner.end('SIGTERM');
    return sizes;
  } finally {
    await stage.close();
  }
}
