import type { Pool } from 'pg';
import { CONSUMER } from './proof-event.js';

/** What the database tells once everything is at rest. */
export interface Verdict {
  readonly events: number;
  /** Of them, how many no transport ever brought. */
  readonly undelivered: number;
  /** Of them, how many were not applied. */
  readonly lost: number;
  readonly appliedTwice: number;
  /** Events that came for the first time, or were applied, before one of their aggregate that happened earlier. */
  readonly swapped: number;
  /** Aggregates whose sequence has a gap in the outbox. */
  readonly gaps: number;
  /** Events that were brought although they had been applied; each of them was left alone. */
  readonly suppressed: number;
  readonly parked: number;
  /** From the commit of the cause to the commit of the consumer, while nothing was killed. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The same over everything, kills included. */
  readonly p99AllMs: number;
  readonly drainPerSecond: number;
}

const JUDGE = `
  WITH latencies AS (
    SELECT a.sequence, 1000 * extract(epoch FROM
             pg_xact_commit_timestamp(d.transaction) - pg_xact_commit_timestamp(a.transaction)) AS ms
      FROM proof.appended a JOIN proof.applied d USING (aggregate_id, sequence)),
  drained AS (
    SELECT count(*) AS events, extract(epoch FROM max(at) - min(at)) AS seconds
      FROM (SELECT pg_xact_commit_timestamp(d.transaction) AS at
              FROM proof.applied d JOIN proof.appended a USING (aggregate_id, sequence)
             WHERE a.sequence > $2) applied),
  first_deliveries AS (
    SELECT aggregate_id, sequence, min(n) AS n FROM proof.deliveries GROUP BY aggregate_id, sequence),
  places AS (
    SELECT sequence, lag(sequence) OVER w AS before FROM first_deliveries
    WINDOW w AS (PARTITION BY aggregate_id ORDER BY n)
    UNION ALL
    SELECT sequence, lag(sequence) OVER w FROM proof.applied WINDOW w AS (PARTITION BY aggregate_id ORDER BY n)
    UNION ALL
    SELECT sequence, lag(sequence) OVER w FROM proof.applied
    WINDOW w AS (PARTITION BY aggregate_id ORDER BY pg_xact_commit_timestamp(transaction), n))
  SELECT (SELECT count(*) FROM platform.outbox)::int AS events,
         (SELECT count(*) FROM platform.outbox WHERE id NOT IN (SELECT event_id FROM proof.deliveries))::int
           AS undelivered,
         (SELECT count(*) FROM platform.outbox WHERE id NOT IN (SELECT event_id FROM proof.applied))::int AS lost,
         (SELECT count(*) - count(DISTINCT event_id) FROM proof.applied)::int AS "appliedTwice",
         (SELECT count(*) FROM places WHERE sequence < before)::int AS swapped,
         (SELECT count(*) FROM (SELECT FROM platform.outbox GROUP BY aggregate, aggregate_id
                                HAVING count(*) <> max(sequence)) gaps)::int AS gaps,
         (SELECT count(*) FROM proof.deliveries WHERE was_applied)::int AS suppressed,
         (SELECT count(*) FROM platform.parked_events WHERE consumer = '${CONSUMER}')::int AS parked,
         (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FROM latencies WHERE sequence <= $1)::float8
           AS "p50Ms",
         (SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY ms) FROM latencies WHERE sequence <= $1)::float8
           AS "p99Ms",
         (SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY ms) FROM latencies)::float8 AS "p99AllMs",
         (SELECT events / greatest(seconds, 0.001) FROM drained)::float8 AS "drainPerSecond"`;

/**
 * Judges a run of one transport by what its database holds.
 *
 * @param phases of each aggregate, the last event while nothing was killed, and the last one before the backlog
 */
export async function judge(sql: Pool, phases: { steady: number; storm: number }): Promise<Verdict> {
  const { rows } = await sql.query<Verdict>(JUDGE, [phases.steady, phases.storm]);
  return rows[0]!;
}

/** How many events have been applied so far, each counted once. */
export async function countApplied(sql: Pool): Promise<number> {
  const { rows } = await sql.query<{ applied: number }>(
    'SELECT count(DISTINCT event_id)::int AS applied FROM proof.applied',
  );
  return rows[0]!.applied;
}

/**
 * What is wrong with a run, in words; empty where nothing is.
 *
 * @param mustRepeat whether something had to come twice: a broker does not know what a dead consumer has committed, while
 *   PostgreSQL keeps the position of a reader with its effects
 */
export function faultsOf(verdict: Verdict, expected: number, mustRepeat: boolean): string[] {
  const { events, undelivered, lost, appliedTwice, swapped, gaps, suppressed, parked } = verdict;
  const faults: [boolean, string][] = [
    [events !== expected, `${events} events happened instead of ${expected}`],
    [gaps > 0, `${gaps} aggregates have a gap in the outbox`],
    [undelivered > 0, `${undelivered} events were never delivered`],
    [lost > 0, `${lost} events are lost`],
    [appliedTwice > 0, `${appliedTwice} events were applied twice`],
    [swapped > 0, `${swapped} events were swapped`],
    [parked > 0, `${parked} events are parked`],
    [
      mustRepeat && suppressed === 0,
      'no event came twice, so nothing shows that the second one has no effect',
    ],
  ];
  return faults.filter(([isWrong]) => isWrong).map(([, words]) => words);
}
