/**
 * `npm run bench`: measures, and writes bench/report.md and bench/report.json; fails when a bar is missed. Its figures
 * need a quiet machine.
 */
import { parseArgs } from 'node:util';
import { isTransport, type TransportName, WITHOUT } from '../test/events-proof/brokers.js';
import { Postgres } from '../test/events-proof/postgres.js';
import { say } from '../test/faults/report.js';
import { measureGrowth } from './events/growth.js';
import { type Latency, measureLatency } from './events/latency.js';
import { missedBars, reportOf, writeReport } from './report.js';

const { values } = parseArgs({
  options: {
    transports: { type: 'string', default: Object.keys(WITHOUT).join(',') },
    rounds: { type: 'string', default: '3' },
    // 0: the growth of the tables is left out.
    'growth-seconds': { type: 'string', default: '240' },
    'kept-seconds': { type: 'string', default: '30' },
  },
});
const rounds = Number(values.rounds);
const growthSeconds = Number(values['growth-seconds']);
const keptSeconds = Number(values['kept-seconds']);
if (!(rounds > 0 && growthSeconds >= 0 && keptSeconds > 0)) {
  throw new Error('--rounds and --kept-seconds take numbers above 0, --growth-seconds one from 0 on.');
}
const names = values.transports.split(',').filter((name) => name !== '');
const unknown = names.filter((name) => !isTransport(name));
if (unknown.length > 0) throw new Error(`There are no transports ${unknown.join(', ')}.`);
const transports = names.filter(isTransport);

// Servers that run end with this process, when it comes to its exit.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

const latencies = new Map<TransportName, Latency[]>();
const postgres = await Postgres.start();
try {
  // In turn, so that whatever else the machine does meets all of them.
  for (let round = 1; round <= rounds; round += 1) {
    for (const transport of transports.filter((name) => WITHOUT[name] === undefined)) {
      const latency = await measureLatency(transport, postgres, round);
      say(`${transport}, round ${round}: ${JSON.stringify(latency)}`);
      latencies.set(transport, [...(latencies.get(transport) ?? []), latency]);
    }
  }
  const sizes = growthSeconds > 0 ? await measureGrowth(postgres, growthSeconds, keptSeconds) : [];
  const measured = {
    measuredAt: new Date().toISOString(),
    latencies: [...latencies].map(([transport, all]) => ({ transport, rounds: all })),
    notRun: transports.flatMap((name) => (WITHOUT[name] === undefined ? [] : `${name}: ${WITHOUT[name]}`)),
    growth: growthSeconds > 0 ? { keptSeconds, sizes } : undefined,
  };
  const report = reportOf(measured);
  await writeReport(report, measured);
  say(`\n${report}`);
  for (const bar of missedBars(measured)) {
    say(`MISSED: ${bar}`);
    process.exitCode = 1;
  }
} finally {
  await postgres.stop();
}
// What a client of a broker may still wait for is of no interest.
process.exit();
