import { checkInvariants } from './check-invariants.js';
import { type Cell, type Matrix, planMatrix } from './matrix.js';
import { reportMatrix } from './matrix-report.js';
import { type CellReport, runWave } from './matrix-wave.js';
import { say } from './report.js';
import { Rig } from './rig.js';
import type { Totals } from './totals.js';

/** Every cell of a wave may hold a connection inside its transaction. */
const SETTINGS = { DATABASE_POOL_MAX: '150', GATEWAY_TIMEOUT_MS: '1000' };

const FIRST_PRICE_MINOR = 1_003;

/** Crashes at every failpoint in every flow while the gateway does everything it can do wrong. */
export async function runMatrix(totals: Totals, isWanted: (cell: Cell) => boolean): Promise<void> {
  const matrix = planMatrix(isWanted);
  const problems = holesOf(matrix);
  const cells: CellReport[] = [];
  const rig = await Rig.start(SETTINGS);
  try {
    const most = Math.max(...matrix.waves.map(({ length }) => length));
    const prices = Array.from({ length: most }, (_, index) => FIRST_PRICE_MINOR + 7 * index);
    const products = await Promise.all(prices.map((price) => rig.product(price, 1_000_000)));
    for (const [index, wave] of matrix.waves.entries()) {
      const startedAt = performance.now();
      await rig.caller.staySignedIn();
      const report = await runWave(rig, wave, products);
      cells.push(...report.cells);
      // What is wrong stays wrong: it belongs to the wave that has shown it first.
      const news = report.problems.filter((problem) => !problems.includes(problem));
      problems.push(...news);
      const failed = report.cells.filter((cell) => cell.problems.length > 0);
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      say(
        `matrix: kill ${index + 1} of ${matrix.waves.length}, ${wave.length} crashes, ${failed.length} did not recover (${seconds} s)`,
      );
      for (const cell of failed) {
        say(
          `  ${cell.failpoint}, ${cell.flow}, gateway: ${cell.behaviour}: ${cell.problems.join('; ')} [${cell.effects.join(', ')}]`,
        );
      }
      for (const problem of news) say(`  ${problem}`);
    }
    totals.invariants('matrix', await checkInvariants(rig));
  } finally {
    await rig.stop();
  }
  totals.passed += cells.filter((cell) => cell.problems.length === 0).length;
  totals.failed += cells.filter((cell) => cell.problems.length > 0).length + problems.length;
  say(`matrix: ${await reportMatrix(cells, matrix.leftOut, problems)}`);
  for (const problem of problems) say(`matrix: ${problem}`);
}

/** No cell may be missing. */
function holesOf({ uncovered, unknown }: Matrix): string[] {
  return [
    ...uncovered.map((name) => `No flow passes the failpoint ${name}: add it to a row of flows.ts.`),
    ...unknown.map((name) => `A flow claims to pass ${name}, and there is no such failpoint.`),
  ];
}
