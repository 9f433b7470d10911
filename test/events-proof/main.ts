import { parseArgs } from 'node:util';
import { say } from '../faults/report.js';
import { Totals } from '../faults/totals.js';
import { type BrokerName, isBroker, isTransport, type TransportName, WITHOUT } from './brokers.js';
import { runOutage } from './outage.js';
import { Postgres } from './postgres.js';
import { reportOf, writeReport } from './report.js';
import { type Outcome, runTransport } from './run-transport.js';
import { faultsOf } from './verdict.js';

const { values } = parseArgs({
  allowNegative: true,
  options: {
    // Without it: all that can be had here.
    transports: { type: 'string' },
    // Each has 40 events: 20,000 in all.
    aggregates: { type: 'string', default: '500' },
    outage: { type: 'boolean', default: true },
    // Without it: all that can be had here. They are away at the same time, each from a shop of its own.
    'outage-brokers': { type: 'string' },
    'outage-seconds': { type: 'string', default: '60' },
  },
});
const aggregates = Number(values.aggregates);
const outageSeconds = Number(values['outage-seconds']);
if (!(aggregates > 0 && outageSeconds > 0)) {
  throw new Error('--aggregates and --outage-seconds take numbers above 0.');
}

const totals = new Totals();
const outcomes: Outcome[] = [];
const transports = chosen();
if (transports.length > 0) await runTransports();
if (values.outage) {
  await Promise.all(
    outageBrokers().map((name) =>
      proving(`the outage of ${name}`, () => runOutage(name, outageSeconds, totals)),
    ),
  );
}
say(totals.toString());
// What a client of a broker may still wait for is of no interest.
process.exit(totals.failed > 0 ? 1 : 0);

async function runTransports(): Promise<void> {
  const postgres = await Postgres.start();
  try {
    for (const name of transports) await proving(name, () => runAndJudge(name, postgres));
  } finally {
    await postgres.stop();
  }
  const report = reportOf(outcomes);
  await writeReport(report, outcomes);
  say(`\n${report}`);
}

async function runAndJudge(name: TransportName, postgres: Postgres): Promise<void> {
  const outcome = await runTransport(name, postgres, aggregates);
  outcomes.push(outcome);
  const faults = faultsOf(outcome, outcome.expected, isBroker(name));
  say(`${name}: ${faults.length === 0 ? 'ok' : 'BROKEN'} after ${outcome.seconds.toFixed(0)} s`);
  for (const fault of faults) say(`  ${fault}`);
  totals.count(faults.length === 0);
}

/** Whatever does not come to its end is not proven. */
async function proving(what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    say(`${what}: BROKEN\n${String(error)}`);
    totals.count(false);
  }
}

/** Who names a transport would take silence for a proof; of all of them, those that are there run. */
function chosen(): TransportName[] {
  const wanted = named(values.transports);
  if (wanted) return wanted;
  const all = Object.keys(WITHOUT).filter(isTransport);
  for (const name of all) if (WITHOUT[name] !== undefined) say(`Not run: ${name}: ${WITHOUT[name]}.`);
  return all.filter((name) => WITHOUT[name] === undefined);
}

/** Without PostgreSQL there would be no orders. */
function outageBrokers(): BrokerName[] {
  const wanted = named(values['outage-brokers']);
  if (wanted?.includes('postgres')) throw new Error('Without PostgreSQL there are no orders.');
  return (wanted ?? chosen()).filter(isBroker);
}

/** The transports in a list, each of which must be there. */
function named(list: string | undefined): TransportName[] | undefined {
  const names = list?.split(',').filter((name) => name !== '');
  const unknown = names?.filter((name) => !isTransport(name)) ?? [];
  if (unknown.length > 0) throw new Error(`There are no transports ${unknown.join(', ')}.`);
  const wanted = names?.filter(isTransport);
  for (const name of wanted ?? []) {
    if (WITHOUT[name] !== undefined) throw new Error(`${name} cannot be had: ${WITHOUT[name]}.`);
  }
  return wanted;
}
