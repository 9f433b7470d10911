import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Outcome } from './run-transport.js';

const DIRECTORY = fileURLToPath(new URL('../../test-reports/events-proof/', import.meta.url));

const COLUMNS: readonly (readonly [string, (outcome: Outcome) => string])[] = [
  ['transport', ({ transport }) => transport],
  ['events', ({ events }) => String(events)],
  ['events/s', ({ drainPerSecond }) => drainPerSecond.toFixed(0)],
  ['p50', ({ p50Ms }) => `${p50Ms.toFixed(0)} ms`],
  ['p99', ({ p99Ms }) => `${p99Ms.toFixed(0)} ms`],
  ['p99 with kills', ({ p99AllMs }) => `${p99AllMs.toFixed(0)} ms`],
  ['killed', ({ kills }) => `${kills.relay} relay, ${kills.consumer} consumer, ${kills.broker} broker`],
  ['duplicates suppressed', ({ suppressed }) => String(suppressed)],
  ['lost', ({ lost }) => String(lost)],
  ['applied twice', ({ appliedTwice }) => String(appliedTwice)],
  ['swapped', ({ swapped }) => String(swapped)],
  ['took', ({ seconds }) => `${seconds.toFixed(0)} s`],
];

const LEGEND = `events/s: how fast a backlog drains. p50, p99: from the commit of the cause to the commit of the consumer at 500
events a second while nothing is killed, and over all events. The broker of postgres is the database server itself.`;

/** What was seen, as a table that people can read as it is. */
export function reportOf(outcomes: readonly Outcome[]): string {
  const rows = [
    COLUMNS.map(([title]) => title),
    ...outcomes.map((outcome) => COLUMNS.map(([, cell]) => cell(outcome))),
  ];
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const [head, ...body] = rows.map(
    (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`,
  );
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [head, rule, ...body, '', LEGEND, ''].join('\n');
}

/** Keeps it for people and for programs. */
export async function writeReport(report: string, outcomes: readonly Outcome[]): Promise<void> {
  await mkdir(DIRECTORY, { recursive: true });
  await writeFile(`${DIRECTORY}transports.md`, report);
  await writeFile(`${DIRECTORY}transports.json`, `${JSON.stringify(outcomes, undefined, 2)}\n`);
}
