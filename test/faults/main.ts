import { parseArgs } from 'node:util';
import { say } from './report.js';
import { runMatrix } from './run-matrix.js';
import { Totals } from './totals.js';

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    failpoint: { type: 'string' },
    flow: { type: 'string' },
    behaviour: { type: 'string' },
  },
});
const totals = new Totals();
await runMatrix(
  totals,
  ({ failpoint, flow, behaviour }) =>
    failpoint.includes(values.failpoint ?? '') &&
    flow.name.includes(values.flow ?? '') &&
    behaviour.includes(values.behaviour ?? ''),
);
say(totals.toString());
process.exitCode = totals.failed > 0 ? 1 : 0;
