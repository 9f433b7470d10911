import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { TransportName } from '../test/events-proof/brokers.js';
import type { Size } from './events/growth.js';
import type { Latency } from './events/latency.js';

const DIRECTORY = fileURLToPath(new URL('.', import.meta.url));
const GIGABYTE = 1_073_741_824;

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
    'Steady at 500 events a second, each in a transaction of its own; then the drain of 20,000 events that waited. One relay, one consumer, a durable PostgreSQL and the broker share the machine with whoever has the events happen. The medians of the rounds, and the least and the most in brackets. Bars, for postgres: p99 ≤ 150 ms, drain ≥ 3,000 events a second.',
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

function growthOf({ keptSeconds, sizes }: NonNullable<Measured['growth']>): string[] {
  return [
    '## Growth of the tables at 1,000 events a second',
    `Events are applied by one consumer and kept for ${keptSeconds} s, and their ids in the inbox twice as long: what stands here after that is all that pruning leaves.`,
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
  const sorted = values.toSorted((a, b) => a - b);
  const [least, median, most] = [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
  const [l, m, h] = [least, median, most].map((value) => Math.round(value ?? Number.NaN));
  return sorted.length > 1 ? `${m} [${l} to ${h}]` : String(m);
}

function tableOf(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...body.map(line)].join('\n');
}
