import { checkInvariants } from './check-invariants.js';
import { type Cell, type Matrix, pack, planMatrix } from './matrix.js';
import { reportMatrix } from './matrix-report.js';
import { type CellReport, NEVER_HELD, runWave } from './matrix-wave.js';
import { say } from './report.js';
import { Rig } from './rig.js';
import type { Totals } from './totals.js';

/** Every cell of a wave may hold a connection inside its transaction. */
const SETTINGS = { DATABASE_POOL_MAX: '150', GATEWAY_TIMEOUT_MS: '1000' };

const FIRST_PRICE_MINOR = 1_003;

/** A machine with other work may answer a call before it gets to its place: then nothing was shown, and it is run again. */
const MOST_ROUNDS = 3;

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
    const waves = matrix.waves.map((wave) => ({ wave, round: 1 }));
    for (const [index, { wave, round }] of waves.entries()) {
      const startedAt = performance.now();
      await rig.caller.staySignedIn();
      const report = await runWave(rig, wave, products);
      const shown = report.cells.filter((cell) => round === MOST_ROUNDS || !hasShownNothing(cell));
      const again = wave.filter((_cell, place) => !shown.includes(report.cells[place]!));
      waves.push(...pack(again).map((next) => ({ wave: next, round: round + 1 })));
      cells.push(...shown);
      // What is wrong stays wrong: it belongs to the wave that has shown it first.
      const news = report.problems.filter((problem) => !problems.includes(problem));
      problems.push(...news);
      const failed = shown.filter((cell) => cell.problems.length > 0);
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      say(
        `matrix: kill ${index + 1} of ${waves.length}, ${wave.length} crashes, ${failed.length} did not recover (${seconds} s)`,
      );
      for (const cell of again)
        say(`  once more: ${cell.failpoint}, ${cell.flow.name}, gateway: ${cell.behaviour}`);
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

/** Whether nothing is wrong with it but that it did not get to its place before the kill. */
function hasShownNothing({ problems }: CellReport): boolean {
  return problems.length === 1 && problems[0] === NEVER_HELD;
}

/** No cell may be missing. */
function holesOf({ uncovered, unknown }: Matrix): string[] {
  return [
    ...uncovered.map((name) => `No flow passes the failpoint ${name}: add it to a row of flows.ts.`),
    ...unknown.map((name) => `A flow claims to pass ${name}, and there is no such failpoint.`),
  ];
}
