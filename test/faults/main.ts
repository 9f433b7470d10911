import { parseArgs } from 'node:util';
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
    schedules: { type: 'string' },
    minutes: { type: 'string' },
    seed: { type: 'string', default: '1' },
  },
});
const totals = new Totals();
if (values.matrix) {
  await runMatrix(
    totals,
    ({ failpoint, flow, behaviour }) =>
      failpoint.includes(values.failpoint) &&
      flow.name.includes(values.flow) &&
      behaviour.includes(values.behaviour),
  );
}
await runSchedules(totals, {
  seed: Number(values.seed),
  schedules: Number(values.schedules ?? (values.minutes === undefined ? FEW_SCHEDULES : Infinity)),
  minutes: Number(values.minutes ?? Infinity),
});
say(totals.toString());
process.exitCode = totals.failed > 0 ? 1 : 0;
