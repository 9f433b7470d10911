import type { LeftOutCell } from './matrix.js';
import type { CellReport } from './matrix-wave.js';
import { writeReport } from './report.js';

/** Writes the matrix as a table with a row per cell, and as data. */
export async function reportMatrix(
  cells: readonly CellReport[],
  leftOut: readonly LeftOutCell[],
  problems: readonly string[],
): Promise<string> {
  const failed = cells.filter((cell) => cell.problems.length > 0).length;
  const summary = `${cells.length} crashes, ${cells.length - failed} recovered, ${failed} did not; ${leftOut.length} cells not run.`;
  const rows = cells.map((cell) => [
    cell.failpoint,
    cell.flow,
    cell.behaviour,
    cell.held ? 'yes' : 'no',
    cell.toldBefore,
    cell.toldAfter,
    cell.order,
    cell.payment,
    cell.effects.join(', '),
    cell.problems.length === 0 ? 'ok' : cell.problems.join('; '),
  ]);
  const notRun = leftOut.map(({ failpoint, flow, behaviour, reason }) => ({
    failpoint,
    flow: flow.name,
    behaviour,
    reason,
  }));
  const markdown = [
    '# The matrix of crashes',
    '',
    summary,
    ...problems.map((problem) => `\n- ${problem}`),
    '',
    '| failpoint | flow | gateway | held there | told before | told in the end | order | payment | effects at the gateway | |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row.join(' | ')} |`),
    '',
    '## Not run',
    '',
    ...notRun.map(
      ({ failpoint, flow, behaviour, reason }) => `- ${failpoint}, ${flow}, ${behaviour}: ${reason}`,
    ),
    '',
  ].join('\n');
  await writeReport('matrix', markdown, { summary, problems, cells, notRun });
  return summary;
}
