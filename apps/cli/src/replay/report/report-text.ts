import { formatPence, sumPence } from '../plan/pence.js';
import type { ReconciliationReport, RevenueCell } from './reconcile.js';
import { renderTable, type TextColumn } from './text-table.js';

/** How many entries of a list the text shows before it says how many more there are. */
const MAX_LISTED = 20;

/** The report for people: plain text, amounts in pounds. @param title names the file */
export function renderReport(report: ReconciliationReport, title: string): string {
  const sections = [
    [`Replay of ${title}`, `SHA-256 ${report.digest}`],
    stepLines(report),
    ['Rows by outcome', ...outcomeTable(report)],
    ['Revenue by country and month (GBP)', ...revenueTable(report.revenue)],
    ['Trial balance', ...trialBalanceTable(report)],
    noteLines(report),
    verdictLines(report),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function stepLines({ execution: { steps } }: ReconciliationReport): string[] {
  if (steps.length === 0) return [];
  const rows = steps.map(({ name, changed, unchanged, failed, durationMs }) => {
    const seconds = durationMs / 1000;
    const perSecond = seconds === 0 ? '' : decimal((changed + unchanged + failed) / seconds);
    return [name, count(changed), count(unchanged), count(failed), decimal(seconds), perSecond];
  });
  const numbers = ['changed', 'unchanged', 'failed', 'seconds', 'per second'];
  const isUnchanged = steps.every((step) => step.changed === 0 && step.failed === 0);
  return [
    'What was done',
    ...renderTable([left('step'), ...numbers.map(right)], rows),
    ...(isUnchanged ? ['Nothing has changed: this file had been replayed before.'] : []),
  ];
}

function outcomeTable({ outcomes, fileRowCount, fileTotalMinor }: ReconciliationReport): string[] {
  const columns = [left('outcome'), right('rows'), right('amount'), right('replayed'), right('not replayed')];
  const rows = outcomes.map((total) => [
    total.outcome,
    count(total.rows),
    formatPence(total.amountMinor),
    formatPence(total.replayedMinor),
    formatPence(total.notReplayedMinor),
    total.meaning,
  ]);
  const footer = [
    'sum',
    count(outcomes.reduce((sum, total) => sum + total.rows, 0)),
    formatPence(sumPence(outcomes.map((total) => total.amountMinor))),
    formatPence(sumPence(outcomes.map((total) => total.replayedMinor))),
    formatPence(sumPence(outcomes.map((total) => total.notReplayedMinor))),
  ];
  return [
    ...renderTable([...columns, left('meaning')], rows, footer),
    `The file: ${count(fileRowCount)} rows, ${formatPence(fileTotalMinor)}.`,
  ];
}

function revenueTable(revenue: readonly RevenueCell[]): string[] {
  const columns = [
    left('country'),
    left('month'),
    right('sold'),
    right('refunded'),
    right('revenue (file)'),
    right('revenue (ledger)'),
    right('difference'),
    right('not replayed'),
  ];
  const total = (part: (cell: RevenueCell) => number) => formatPence(sumPence(revenue.map(part)));
  const amounts = (show: (part: (cell: RevenueCell) => number) => string) => [
    show((cell) => cell.soldMinor),
    show((cell) => cell.refundedMinor),
    show(fileRevenueMinor),
    show(ledgerRevenueMinor),
    show((cell) => ledgerRevenueMinor(cell) - fileRevenueMinor(cell)),
    show((cell) => cell.notReplayedMinor),
  ];
  const rows = revenue.map((cell) => [
    cell.country,
    cell.month,
    ...amounts((part) => formatPence(part(cell))),
  ]);
  return renderTable(columns, rows, ['sum', '', ...amounts(total)]);
}

function trialBalanceTable({ trialBalance, otherTrade }: ReconciliationReport): string[] {
  const rows = trialBalance.map(({ currency, debitMinor, creditMinor }) => {
    return [currency, count(debitMinor), count(creditMinor), count(debitMinor - creditMinor)];
  });
  const columns = [left('currency'), right('debit'), right('credit'), right('difference')];
  return [...renderTable(columns, rows), 'In minor units.', ...otherTradeLines(otherTrade)];
}

function otherTradeLines({ captures, refunds }: ReconciliationReport['otherTrade']): string[] {
  if (captures + refunds === 0) return [];
  const kinds = `${count(captures)} captures, ${count(refunds)} refunds`;
  return [
    `The ledger holds ${count(captures + refunds)} entries of other trade (${kinds}), which are left out above.`,
  ];
}

function noteLines({ notes }: ReconciliationReport): string[] {
  const prices = notes.roundedPrices.map((price) => {
    return `row ${price.rowNumber}, invoice ${price.invoiceNo}: ${price.text} is ${formatPence(price.unitPriceMinor)}`;
  });
  const malformed = notes.malformed.map(({ rowNumber, reason }) => `row ${rowNumber}: ${reason}`);
  const lines = [
    ...note('Malformed rows', malformed),
    ...note('Prices with more than two decimals, rounded half-up to the penny', prices),
    ...note('Stock codes spelt in more than one case, taken as one', notes.mergedStockCodes),
    ...note('Invoices over several times, dated by the earliest', notes.invoicesOverSeveralTimes),
    ...note('Invoices split into several orders', notes.splitInvoices),
    ...note('Countries without an address country', notes.countriesWithoutCode),
  ];
  return lines.length === 0 ? [] : ['Notes', ...lines];
}

function note(title: string, entries: readonly string[]): string[] {
  return entries.length === 0 ? [] : [`- ${title} (${count(entries.length)}): ${capped(entries).join('; ')}`];
}

function verdictLines({ problems }: ReconciliationReport): string[] {
  if (problems.length === 0) return ['Reconciled: the file and the ledger agree to the penny.'];
  return [
    `NOT reconciled, ${count(problems.length)} problems:`,
    ...capped(problems).map((text) => `- ${text}`),
  ];
}

function capped(entries: readonly string[]): readonly string[] {
  if (entries.length <= MAX_LISTED) return entries;
  return [...entries.slice(0, MAX_LISTED), `and ${count(entries.length - MAX_LISTED)} more`];
}

function fileRevenueMinor(cell: RevenueCell): number {
  return cell.soldMinor - cell.refundedMinor;
}

function ledgerRevenueMinor(cell: RevenueCell): number {
  return cell.ledgerSoldMinor - cell.ledgerRefundedMinor;
}

function count(value: number): string {
  return value.toLocaleString('en-GB');
}

function decimal(value: number): string {
  return value.toLocaleString('en-GB', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
}

function left(title: string): TextColumn {
  return { title, align: 'left' };
}

function right(title: string): TextColumn {
  return { title, align: 'right' };
}
