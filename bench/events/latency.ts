import type { TransportName } from '../../test/events-proof/brokers.js';
import type { Postgres } from '../../test/events-proof/postgres.js';
import { cpuMs } from '../cpu.js';
import { EventStage } from '../../test/events-proof/event-stage.js';

const AGGREGATES = 500;
/** A shop with 500 orders a second: an order that is placed and paid is four events. */
const PER_SECOND = 2_000;
/** Of each aggregate: events that warm up, those that are timed, and the backlog of 20,000 events. */
const [WARM_UP, TIMED, BACKLOG] = [6, 66, 106];

/** What one run of W6 has shown. */
export interface Latency {
  /** From the commit of the cause to the commit of the consumer, at 2,000 events a second. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** How fast a backlog of 20,000 events is applied, from the first to the last. */
  readonly drainPerSecond: number;
  /** CPU time of the relay's and of the consumer's process for an event of the backlog. */
  readonly relayCpuMicros: number;
  readonly consumerCpuMicros: number;
}

const MEASURE = `
  WITH timed AS (
    SELECT a.sequence, pg_xact_commit_timestamp(a.transaction) AS happened,
           pg_xact_commit_timestamp(d.transaction) AS applied
      FROM proof.appended a JOIN proof.applied d USING (aggregate_id, sequence)),
  latencies AS (
    SELECT 1000 * extract(epoch FROM applied - happened) AS ms FROM timed WHERE sequence > $1 AND sequence <= $2)
  SELECT (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FROM latencies)::float8 AS "p50Ms",
         (SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY ms) FROM latencies)::float8 AS "p99Ms",
         (SELECT count(*) / extract(epoch FROM max(applied) - min(applied)) FROM timed
           WHERE sequence > $2)::float8 AS "drainPerSecond"`;

/** W6, once: latency at a steady rate, then the drain of a backlog that grew while no relay was there. */
export async function measureLatency(
  transport: TransportName,
  postgres: Postgres,
  round: number,
): Promise<Latency> {
  const stage = await EventStage.open(transport, postgres, AGGREGATES, `w6_${transport}_${round}`);
  try {
    const consumer = await stage.start('consumer');
    const first = await stage.start('relay');
    await stage.publisher.publish(1, WARM_UP, PER_SECOND);
    await stage.publisher.publish(WARM_UP + 1, TIMED, PER_SECOND);
    await stage.settled();
    await first.end('SIGTERM');
    await stage.publisher.import(TIMED + 1, BACKLOG);
    const consumerBefore = await cpuMs(consumer.pid);
    const relay = await stage.start('relay');
    // What it takes to start is no part of an event: the backlog is applied after that, but for its first batches.
    const relayBefore = await cpuMs(relay.pid);
    await stage.settled();
    const events = (BACKLOG - TIMED) * AGGREGATES;
    const perEvent = (after: number, before: number) => ((after - before) * 1_000) / events;
    const relayCpuMicros = perEvent(await cpuMs(relay.pid), relayBefore);
    const consumerCpuMicros = perEvent(await cpuMs(consumer.pid), consumerBefore);
    const { rows } = await stage.sql.query<Omit<Latency, 'relayCpuMicros' | 'consumerCpuMicros'>>(MEASURE, [
      WARM_UP,
      TIMED,
    ]);
    return { ...rows[0]!, relayCpuMicros, consumerCpuMicros };
  } finally {
    await stage.close();
  }
}
