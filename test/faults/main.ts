import { parseArgs } from 'node:util';
import { runOutage } from './outage.js';
import { say } from './report.js';
import { runMatrix } from './run-matrix.js';
import { runSchedules } from './run-schedules.js';
import { Totals } from './totals.js';

/** Without arguments: a look at everything, short enough for each change. */
const FEW_SCHEDULES = '10';

const { values } = parseArgs({
  allowNegative: true,
  options: {
    matrix: { type: 'boolean', default: true },
    failpoint: { type: 'string', default: '' },
    flow: { type: 'string', default: '' },
    behaviour: { type: 'string', default: '' },
    outage: { type: 'boolean', default: true },
    schedules: { type: 'string' },
    minutes: { type: 'string' },
    seed: { type: 'string', default: '1' },
  },
});
const schedules = Number(values.schedules ?? (values.minutes === undefined ? FEW_SCHEDULES : Infinity));
const minutes = Number(values.minutes ?? Infinity);
const seed = Number(values.seed);
if (![schedules, minutes, seed].every((number) => number >= 0)) {
  throw new Error('--schedules, --minutes and --seed take numbers.');
}

const totals = new Totals();
// The outage mostly waits, so it costs the matrix nothing.
await Promise.all([
  values.matrix &&
    runMatrix(
      totals,
      ({ failpoint, flow, behaviour }) =>
        failpoint.includes(values.failpoint) &&
        flow.name.includes(values.flow) &&
        behaviour.includes(values.behaviour),
    ),
  values.outage && runOutage(totals),
]);
if (schedules > 0) await runSchedules(totals, { seed, schedules, minutes });
say(totals.toString());
process.exitCode = totals.failed > 0 ? 1 : 0;
