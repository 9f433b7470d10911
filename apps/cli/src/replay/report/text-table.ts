/** A column of a text table. */
export interface TextColumn {
  readonly title: string;
  /** Numbers align right, words left. */
  readonly align: 'left' | 'right';
}

/**
 * Aligns rows of cells under their titles, for a terminal with a fixed-width font.
 *
 * @param footer a last row, set apart by a rule; for totals
 * @returns the lines, without trailing spaces
 */
export function renderTable(
  columns: readonly TextColumn[],
  rows: readonly (readonly string[])[],
  footer?: readonly string[],
): string[] {
  const titles = columns.map((column) => column.title);
  const all = footer === undefined ? [titles, ...rows] : [titles, ...rows, footer];
  const widths = columns.map((_, at) =>
    all.reduce((width, cells) => Math.max(width, (cells[at] ?? '').length), 0),
  );
  const line = (cells: readonly string[]) =>
    columns
      .map(({ align }, at) => {
        const [cell, width] = [cells[at] ?? '', widths[at] ?? 0];
        return align === 'right' ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [line(titles), rule, ...rows.map(line), ...(footer === undefined ? [] : [rule, line(footer)])];
}
