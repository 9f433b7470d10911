import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { TransportName } from '../test/events-proof/brokers.js';
import type { Size } from './events/growth.js';
import type { Latency } from './events/latency.js';

const DIRECTORY = fileURLToPath(new URL('.', import.meta.url));
const GIGABYTE = 1_073_741_824;

/** W6: for the transport that everybody has, medians of the rounds. */
const MAX_P99_MS = 150;
const MIN_DRAIN_PER_SECOND = 3_000;
/** Tables that are pruned as fast as they fill grow no more once pruning has come round: the last third by the second. */
const MAX_GROWTH = 1.3;

/** All that was measured, with every round. */
export interface Measured {
  readonly measuredAt: string;
  readonly latencies: readonly { transport: TransportName; rounds: readonly Latency[] }[];
  readonly notRun: readonly string[];
  readonly growth: { keptSeconds: number; sizes: readonly Size[] } | undefined;
}

const LATENCY_COLUMNS: readonly (readonly [string, keyof Latency, string])[] = [
  ['p50', 'p50Ms', ' ms'],
  ['p99', 'p99Ms', ' ms'],
  ['drain, events/s', 'drainPerSecond', ''],
  ['CPU of the relay, µs/event', 'relayCpuMicros', ''],
  ['CPU of the consumer, µs/event', 'consumerCpuMicros', ''],
];

/** What was measured, for people. */
export function reportOf({ measuredAt, latencies, notRun, growth }: Measured): string {
  const [cpu] = cpus();
  return [
    '# Benchmark',
    `Measured at ${measuredAt} on ${cpus().length} cores (${cpu?.model.trim() ?? 'unknown'}), ${(totalmem() / GIGABYTE).toFixed(0)} GiB, Node ${process.version}. Made by \`npm run bench\`; every round is in report.json.`,
    '## W6: from the commit of a cause to the commit of its consumer',
    `Steady at 2,000 events a second, each in a transaction of its own: what 500 orders a second make; then the drain of 20,000 events that waited. One relay, one consumer, a durable PostgreSQL and the broker share the machine with whoever has the events happen. The medians of the rounds, and the least and the most in brackets. Bars, for postgres: p99 ≤ ${MAX_P99_MS} ms, drain ≥ ${MIN_DRAIN_PER_SECOND.toLocaleString('en')} events a second.`,
    tableOf([
      ['transport', ...LATENCY_COLUMNS.map(([title]) => title)],
      ...latencies.map(({ transport, rounds }) => [
        transport,
        ...LATENCY_COLUMNS.map(([, member, unit]) => spread(rounds.map((round) => round[member])) + unit),
      ]),
    ]),
    ...notRun.map((line) => `Not run: ${line}.`),
    ...(growth ? growthOf(growth) : ['Not run: the growth of the tables.']),
  ].join('\n\n');
}

/** What is slower or grows more than it may. */
export function missedBars({ latencies, growth }: Measured): string[] {
  const rounds = latencies.find(({ transport }) => transport === 'postgres')?.rounds ?? [];
  const p99 = rounds.length > 0 ? medianOf(rounds.map(({ p99Ms }) => p99Ms)) : 0;
  const drain = rounds.length > 0 ? medianOf(rounds.map(({ drainPerSecond }) => drainPerSecond)) : Infinity;
  const sizes = growth?.sizes ?? [];
  const third = Math.floor(sizes.length / 3);
  const most = (part: readonly Size[]) => Math.max(...part.map(({ outboxMegabytes }) => outboxMegabytes));
  const grown = third > 0 ? most(sizes.slice(-third)) / most(sizes.slice(third, 2 * third)) : 1;
  return [
    ...(p99 > MAX_P99_MS ? [`postgres: p99 is ${p99.toFixed(0)} ms, above ${MAX_P99_MS} ms`] : []),
    ...(drain < MIN_DRAIN_PER_SECOND
      ? [`postgres: drains ${drain.toFixed(0)} events a second, less than ${MIN_DRAIN_PER_SECOND}`]
      : []),
    ...(grown > MAX_GROWTH ? [`the outbox grew by a factor of ${grown.toFixed(2)} in the last third`] : []),
  ];
}

function growthOf({ keptSeconds, sizes }: NonNullable<Measured['growth']>): string[] {
  return [
    '## Growth of the tables at 1,000 events a second',
    `Events are applied by one consumer and kept for ${keptSeconds} s, and their ids in the inbox twice as long; a worker prunes once a minute, here it is once a second, so that what stands here after that is all that pruning leaves. Bar: the most of the last third is at most ${MAX_GROWTH} times that of the second.`,
    tableOf([
      ['after', 'rows in the outbox', 'outbox with its indexes', 'dead rows', 'inbox with its indexes'],
      ...sizes.map((size) => [
        `${size.seconds.toFixed(0)} s`,
        String(size.outboxRows),
        `${size.outboxMegabytes.toFixed(0)} MB`,
        String(size.deadRows),
        `${size.inboxMegabytes.toFixed(0)} MB`,
      ]),
    ]),
  ];
}

/** Keeps the report for people and all figures for programs. */
export async function writeReport(report: string, measured: Measured): Promise<void> {
  await mkdir(DIRECTORY, { recursive: true });
  await writeFile(`${DIRECTORY}report.md`, `${report}\n`);
  await writeFile(`${DIRECTORY}report.json`, `${JSON.stringify(measured, undefined, 2)}\n`);
}

/** `12 [10 to 15]`: the median of the rounds, between the least and the most. */
function spread(values: readonly number[]): string {
  const [l, m, h] = [Math.min(...values), medianOf(values), Math.max(...values)].map(Math.round);
  return values.length > 1 ? `${m} [${l} to ${h}]` : String(m);
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function tableOf(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...body.map(line)].join('\n');
}
