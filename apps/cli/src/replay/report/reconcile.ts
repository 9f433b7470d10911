import { sumPence } from '../plan/pence.js';
import type { PlanNotes, PlannedOrder, PlannedRefund, ReplayPlan, RowResult } from '../plan/replay-plan.js';
import { ROW_OUTCOMES, type RowOutcome } from '../plan/row-outcome.js';

/** Money that came in or went back, as the ledger has it: one entry per ledger transaction, in pence (GBP). */
export interface LedgerEntry {
  /** The id of the order for a capture, that of the refund for a refund. */
  readonly id: string;
  /** What was sold, or what of it was refunded: positive for both. */
  readonly amountMinor: number;
}

/** One currency of the ledger's trial balance. */
export interface TrialBalanceLine {
  readonly currency: string;
  readonly debitMinor: number;
  readonly creditMinor: number;
}

/** The ledger after the replay. Entries that the plan does not know belong to other trade and are left out. */
export interface LedgerSnapshot {
  readonly captures: readonly LedgerEntry[];
  readonly refunds: readonly LedgerEntry[];
  readonly trialBalance: readonly TrialBalanceLine[];
}

/** What the execution of a plan met. */
export interface ReplayExecution {
  /** Per kind of thing, in the order of execution. */
  readonly steps: readonly ReplayStep[];
  readonly failures: readonly ReplayFailure[];
}

export interface ReplayStep {
  readonly name: string;
  /** Made by this run. */
  readonly changed: number;
  /** Found as it was, by its id or its idempotency key. */
  readonly unchanged: number;
  readonly failed: number;
  /** Time of the phase that the step belongs to; orders and their refunds share one. */
  readonly durationMs: number;
}

/** What the API refused for good. A refund whose order failed has failed, too. */
export interface ReplayFailure {
  readonly subject: 'customer' | 'order' | 'refund';
  /** The planned id. */
  readonly id: string;
  /** The error code of the answer. */
  readonly code: string;
}

export interface OutcomeTotal {
  readonly outcome: RowOutcome;
  readonly meaning: string;
  readonly rows: number;
  /** What the file says, negative for what goes back. */
  readonly amountMinor: number;
  readonly replayedMinor: number;
  /** `amountMinor` less `replayedMinor`. */
  readonly notReplayedMinor: number;
}

/** Revenue of one country in one month, from the file and from the ledger. Refunds are positive amounts. */
export interface RevenueCell {
  readonly country: string;
  readonly month: string;
  readonly soldMinor: number;
  readonly refundedMinor: number;
  readonly ledgerSoldMinor: number;
  readonly ledgerRefundedMinor: number;
  /** What the file holds beyond sales and matched refunds, class by class named in the outcomes. */
  readonly notReplayedMinor: number;
}

export interface ReconciliationReport {
  readonly digest: string;
  readonly fileRowCount: number;
  readonly fileTotalMinor: number;
  /** The outcomes that occur, in the order of {@link ROW_OUTCOMES}. */
  readonly outcomes: readonly OutcomeTotal[];
  /** By country, then by month. */
  readonly revenue: readonly RevenueCell[];
  readonly trialBalance: readonly TrialBalanceLine[];
  /** Captures and refunds in the ledger that belong to other trade; every amount above is without them. */
  readonly otherTrade: { readonly captures: number; readonly refunds: number };
  readonly execution: ReplayExecution;
  readonly notes: PlanNotes;
  /** Sentences; the replay reconciles when there are none. */
  readonly problems: readonly string[];
}

/**
 * Puts the file beside the ledger. Everything must agree to the penny: the outcomes with the file, each order and
 * each refund with the ledger, each country and month, and the trial balance with zero.
 */
export function reconcile(
  plan: ReplayPlan,
  ledger: LedgerSnapshot,
  execution: ReplayExecution,
): ReconciliationReport {
  const refunds = plan.orders.flatMap((order) => order.refunds);
  const captures = attribute(plan.orders, ledger.captures);
  const refundEntries = attribute(refunds, ledger.refunds);
  const outcomes = totalOutcomes(applyFailures(plan, execution.failures));
  const revenue = compareRevenue(plan, refunds, captures.amountById, refundEntries.amountById);
  return {
    digest: plan.digest,
    fileRowCount: plan.fileRowCount,
    fileTotalMinor: plan.fileTotalMinor,
    outcomes,
    revenue,
    trialBalance: ledger.trialBalance,
    otherTrade: { captures: captures.others, refunds: refundEntries.others },
    execution,
    notes: plan.notes,
    problems: [
      ...outcomeProblems(plan, outcomes),
      ...execution.failures.map(({ subject, id, code }) => `The API refused ${subject} ${id}: ${code}.`),
      ...entryProblems('order', plan.orders, captures.amountById, execution.failures),
      ...entryProblems('refund', refunds, refundEntries.amountById, execution.failures),
      ...revenueProblems(revenue),
      ...trialBalanceProblems(plan, ledger.trialBalance),
    ],
  };
}

interface Attribution {
  readonly amountById: ReadonlyMap<string, number>;
  /** How many entries are not planned. */
  readonly others: number;
}

function attribute(
  planned: readonly { readonly id: string }[],
  entries: readonly LedgerEntry[],
): Attribution {
  const amountById = new Map(planned.map(({ id }) => [id, 0]));
  let others = 0;
  for (const { id, amountMinor } of entries) {
    const known = amountById.get(id);
    if (known === undefined) others += 1;
    else amountById.set(id, sumPence([known, amountMinor]));
  }
  return { amountById, others };
}

/** What became of the rows in the end: a refused order or refund takes its rows along. */
function applyFailures(plan: ReplayPlan, failures: readonly ReplayFailure[]): readonly RowResult[] {
  if (failures.length === 0) return plan.rows;
  const failedIds = failedIdsOf(failures);
  const failedOrderRows = new Set<number>();
  const failedRefundMinorByRow = new Map<number, number>();
  for (const order of plan.orders) {
    if (failedIds.order.has(order.id)) for (const line of order.lines) failedOrderRows.add(line.rowNumber);
    for (const refund of order.refunds) {
      if (!failedIds.refund.has(refund.id)) continue;
      for (const { rowNumber, amountMinor } of refund.allocations) {
        failedRefundMinorByRow.set(rowNumber, (failedRefundMinorByRow.get(rowNumber) ?? 0) + amountMinor);
      }
    }
  }
  return plan.rows.map((row) => {
    if (failedOrderRows.has(row.rowNumber)) return { ...row, outcome: 'order_failed', replayedMinor: 0 };
    const failedMinor = failedRefundMinorByRow.get(row.rowNumber);
    if (failedMinor === undefined) return row;
    return { ...row, outcome: 'refund_failed', replayedMinor: row.replayedMinor + failedMinor };
  });
}

function failedIdsOf(failures: readonly ReplayFailure[]): Record<'order' | 'refund', ReadonlySet<string>> {
  const idsOf = (subject: 'order' | 'refund') =>
    new Set(failures.filter((failure) => failure.subject === subject).map((failure) => failure.id));
  return { order: idsOf('order'), refund: idsOf('refund') };
}

function totalOutcomes(rows: readonly RowResult[]): OutcomeTotal[] {
  const byOutcome = Map.groupBy(rows, (row) => row.outcome);
  return (Object.keys(ROW_OUTCOMES) as RowOutcome[]).flatMap((outcome) => {
    const members = byOutcome.get(outcome);
    if (members === undefined) return [];
    const amountMinor = sumPence(members.map((row) => row.amountMinor));
    const replayedMinor = sumPence(members.map((row) => row.replayedMinor));
    const notReplayedMinor = amountMinor - replayedMinor;
    const meaning = ROW_OUTCOMES[outcome];
    return [{ outcome, meaning, rows: members.length, amountMinor, replayedMinor, notReplayedMinor }];
  });
}

type MutableCell = { -readonly [Key in keyof RevenueCell]: RevenueCell[Key] };

function compareRevenue(
  plan: ReplayPlan,
  refunds: readonly PlannedRefund[],
  capturedById: ReadonlyMap<string, number>,
  refundedById: ReadonlyMap<string, number>,
): RevenueCell[] {
  const cells = new Map<string, MutableCell>();
  const cellOf = ({ country, month }: { country: string; month: string }): MutableCell => {
    const key = `${country}\0${month}`;
    const known = cells.get(key);
    if (known !== undefined) return known;
    const cell = { country, month, ...EMPTY_CELL };
    cells.set(key, cell);
    return cell;
  };
  // The file's side comes from its rows and the ledger's side from its entries: two ways that must meet.
  for (const row of plan.rows) {
    if (row.period === null) continue;
    const cell = cellOf(row.period);
    if (row.replayedMinor > 0) cell.soldMinor += row.replayedMinor;
    else cell.refundedMinor -= row.replayedMinor;
    cell.notReplayedMinor += row.amountMinor - row.replayedMinor;
  }
  for (const order of plan.orders) cellOf(order).ledgerSoldMinor += capturedById.get(order.id) ?? 0;
  for (const refund of refunds) cellOf(refund).ledgerRefundedMinor += refundedById.get(refund.id) ?? 0;
  return [...cells.values()].sort(
    (a, b) => compareText(a.country, b.country) || compareText(a.month, b.month),
  );
}

const EMPTY_CELL = {
  soldMinor: 0,
  refundedMinor: 0,
  ledgerSoldMinor: 0,
  ledgerRefundedMinor: 0,
  notReplayedMinor: 0,
};

function outcomeProblems(plan: ReplayPlan, outcomes: readonly OutcomeTotal[]): string[] {
  const rows = outcomes.reduce((sum, total) => sum + total.rows, 0);
  const amountMinor = sumPence(outcomes.map((total) => total.amountMinor));
  return [
    ...(rows === plan.fileRowCount
      ? []
      : [`The file has ${plan.fileRowCount} rows, the outcomes have ${rows}.`]),
    ...(amountMinor === plan.fileTotalMinor
      ? []
      : [`The file is worth ${plan.fileTotalMinor} pence, the outcomes ${amountMinor}.`]),
  ];
}

function entryProblems(
  subject: 'order' | 'refund',
  planned: readonly (PlannedOrder | PlannedRefund)[],
  amountById: ReadonlyMap<string, number>,
  failures: readonly ReplayFailure[],
): string[] {
  const failedIds = failedIdsOf(failures)[subject];
  return planned.flatMap(({ id, invoiceNo, totalMinor }) => {
    const expectedMinor = failedIds.has(id) ? 0 : totalMinor;
    const ledgerMinor = amountById.get(id) ?? 0;
    if (ledgerMinor === expectedMinor) return [];
    const what = `The ${subject} of invoice ${invoiceNo} (${id})`;
    return [`${what} is ${expectedMinor} pence in the plan and ${ledgerMinor} in the ledger.`];
  });
}

function revenueProblems(revenue: readonly RevenueCell[]): string[] {
  return revenue
    .filter(
      (cell) => cell.soldMinor !== cell.ledgerSoldMinor || cell.refundedMinor !== cell.ledgerRefundedMinor,
    )
    .map(
      ({ country, month }) => `Revenue of ${country} in ${month} differs between the file and the ledger.`,
    );
}

function trialBalanceProblems(plan: ReplayPlan, lines: readonly TrialBalanceLine[]): string[] {
  // An empty trial balance would balance, too.
  if (plan.orders.length > 0 && !lines.some((line) => line.currency === 'GBP')) {
    return ['The trial balance has no line in GBP.'];
  }
  return lines
    .filter((line) => line.debitMinor !== line.creditMinor)
    .map(({ currency, debitMinor, creditMinor }) => {
      return `The trial balance in ${currency} is off by ${debitMinor - creditMinor} minor units.`;
    });
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
