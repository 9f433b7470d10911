import { readTradeFile } from '../plan/parse-trade.js';
import { planTrade } from '../plan/plan-trade.js';
import { type LedgerSnapshot, reconcile, type ReplayExecution } from './reconcile.js';
import type { ReplayPlan } from '../plan/replay-plan.js';

const NO_FAILURES: ReplayExecution = { steps: [], failures: [] };

/** The ledger as it is when everything went to plan. */
function ledgerOf(plan: ReplayPlan): LedgerSnapshot {
  const entry = ({ id, totalMinor }: { id: string; totalMinor: number }) => ({ id, amountMinor: totalMinor });
  return {
    captures: plan.orders.map(entry),
    refunds: plan.orders.flatMap((order) => order.refunds.map(entry)),
    trialBalance: [{ currency: 'GBP', debitMinor: 15_528_179, creditMinor: 15_528_179 }],
  };
}

describe('reconcile', () => {
  let plan: ReplayPlan;
  let ledger: LedgerSnapshot;
  beforeAll(async () => {
    plan = planTrade(await readTradeFile('test/fixtures/online-retail-sample.csv'));
    ledger = ledgerOf(plan);
  });

  const orderOf = (invoiceNo: string) => {
    const order = plan.orders.find((candidate) => candidate.invoiceNo === invoiceNo);
    if (order === undefined) throw new Error(`There is no order of invoice ${invoiceNo}.`);
    return order;
  };

  it('finds nothing to object to when the ledger has what the plan has', () => {
    const report = reconcile(plan, ledger, NO_FAILURES);
    expect(report.problems).toEqual([]);
    expect(report.otherTrade).toEqual({ captures: 0, refunds: 0 });
    for (const cell of report.revenue) {
      expect(cell.ledgerSoldMinor).toBe(cell.soldMinor);
      expect(cell.ledgerRefundedMinor).toBe(cell.refundedMinor);
    }
  });

  it('counts the rows of each outcome, to the sum of the file', () => {
    const { outcomes, fileRowCount, fileTotalMinor } = reconcile(plan, ledger, NO_FAILURES);
    const short = outcomes.map(({ outcome, rows, amountMinor, replayedMinor, notReplayedMinor }) => {
      return [outcome, rows, amountMinor, replayedMinor, notReplayedMinor];
    });
    expect(short).toEqual([
      ['sold', 28, 7_782_725, 7_782_725, 0],
      ['refunded', 8, -7_730_544, -7_730_544, 0],
      ['refund_partially_matched', 1, -21_000, -14_910, -6090],
      ['refund_exceeds_purchases', 2, -693_210, 0, -693_210],
      ['refund_before_purchase', 1, -1800, 0, -1800],
      ['refund_without_purchase', 1, -1050, 0, -1050],
      ['refund_no_customer', 1, -510, 0, -510],
      ['discount_unmatched', 1, -2750, 0, -2750],
      ['fee_unmatched', 3, -1_359_060, 0, -1_359_060],
      ['zero_price', 3, 0, 0, 0],
      ['stock_write_off', 2, 0, 0, 0],
      ['bad_debt_adjustment', 2, 0, 0, 0],
    ]);
    expect([fileRowCount, fileTotalMinor]).toEqual([53, -2_027_199]);
  });

  it('puts orders and refunds under the country and month of their own invoice', () => {
    const { revenue } = reconcile(plan, ledger, NO_FAILURES);
    const short = revenue.map((cell) => {
      return [
        cell.country,
        cell.month,
        cell.ledgerSoldMinor,
        cell.ledgerRefundedMinor,
        cell.notReplayedMinor,
      ];
    });
    expect(short).toEqual([
      ['Australia', '2011-02', 1180, 85, -693_000],
      ['Belgium', '2011-01', 2190, 1095, 0],
      ['Channel Islands', '2011-04', 1185, 0, 0],
      ['Channel Islands', '2011-05', 255, 0, 0],
      ['EIRE', '2010-12', 26_270, 6300, 0],
      ['EIRE', '2011-01', 0, 14_910, -6300],
      ['European Community', '2011-04', 1260, 0, 0],
      ['Germany', '2010-12', 6372, 0, -1800],
      ['Hong Kong', '2010-12', 0, 0, -510],
      ['United Kingdom', '2010-12', 24_445, 1980, -1_362_860],
      ['United Kingdom', '2011-01', 7_718_360, 7_721_084, 0],
      ['United Kingdom', '2011-03', 833, 0, 0],
      ['United Kingdom', '2011-05', 0, 0, 0],
      ['Unspecified', '2011-02', 375, 0, 0],
    ]);
  });

  it('leaves the entries of other trade out and counts them', () => {
    const report = reconcile(
      plan,
      {
        ...ledger,
        captures: [...ledger.captures, { id: 'another order', amountMinor: 999 }],
        refunds: [...ledger.refunds, { id: 'another refund', amountMinor: 99 }],
      },
      NO_FAILURES,
    );
    expect(report.otherTrade).toEqual({ captures: 1, refunds: 1 });
    expect(report.problems).toEqual([]);
  });

  it('adds several captures of one order', () => {
    const [first, ...others] = ledger.captures;
    const halves = first && [
      { ...first, amountMinor: 1 },
      { ...first, amountMinor: first.amountMinor - 1 },
    ];
    expect(
      reconcile(plan, { ...ledger, captures: [...(halves ?? []), ...others] }, NO_FAILURES).problems,
    ).toEqual([]);
  });

  it('names an order that is missing in the ledger, and its country and month', () => {
    const missing = orderOf('600015');
    const captures = ledger.captures.filter(({ id }) => id !== missing.id);
    expect(reconcile(plan, { ...ledger, captures }, NO_FAILURES).problems).toEqual([
      `The order of invoice 600015 (${missing.id}) is 6372 pence in the plan and 0 in the ledger.`,
      'Revenue of Germany in 2010-12 differs between the file and the ledger.',
    ]);
  });

  it('sees a penny too much on an order and on a refund, even where the two cancel out', () => {
    const order = orderOf('600023');
    const [refund] = order.refunds;
    const morePence = ({ id, amountMinor }: { id: string; amountMinor: number }) => ({
      id,
      amountMinor: id === order.id || id === refund?.id ? amountMinor + 1 : amountMinor,
    });
    const { captures, refunds, trialBalance } = ledger;
    const wrong = { captures: captures.map(morePence), refunds: refunds.map(morePence), trialBalance };
    expect(reconcile(plan, wrong, NO_FAILURES).problems).toEqual([
      `The order of invoice 600023 (${order.id}) is 2190 pence in the plan and 2191 in the ledger.`,
      `The refund of invoice C600024 (${refund?.id}) is 1095 pence in the plan and 1096 in the ledger.`,
      'Revenue of Belgium in 2011-01 differs between the file and the ledger.',
    ]);
  });

  it('sees a trial balance that is not zero', () => {
    const trialBalance = [
      { currency: 'EUR', debitMinor: 7, creditMinor: 7 },
      { currency: 'GBP', debitMinor: 7, creditMinor: 10 },
    ];
    expect(reconcile(plan, { ...ledger, trialBalance }, NO_FAILURES).problems).toEqual([
      'The trial balance in GBP is off by -3 minor units.',
    ]);
  });

  it('does not take a missing trial balance for a balanced one', () => {
    expect(reconcile(plan, { ...ledger, trialBalance: [] }, NO_FAILURES).problems).toEqual([
      'The trial balance has no line in GBP.',
    ]);
  });

  it('gives the rows of a refused order and of a refused refund an outcome of their own', () => {
    const failedOrder = orderOf('600030');
    const [, failedRefund] = orderOf('600004').refunds;
    const failures = [
      { subject: 'order' as const, id: failedOrder.id, code: 'insufficient_stock' },
      { subject: 'refund' as const, id: failedRefund?.id ?? '', code: 'refund_exceeds_captured' },
    ];
    const report = reconcile(
      plan,
      {
        ...ledger,
        captures: ledger.captures.filter(({ id }) => id !== failedOrder.id),
        refunds: ledger.refunds.filter(({ id }) => id !== failedRefund?.id),
      },
      { steps: [], failures },
    );
    const short = report.outcomes.map(({ outcome, rows, replayedMinor }) => [outcome, rows, replayedMinor]);
    expect(short).toContainEqual(['sold', 27, 7_781_540]);
    expect(short).toContainEqual(['order_failed', 1, 0]);
    expect(short).toContainEqual(['refund_failed', 1, 0]);
    expect(short.map(([outcome]) => outcome)).not.toContain('refund_partially_matched');
    expect(report.problems).toEqual([
      `The API refused order ${failedOrder.id}: insufficient_stock.`,
      `The API refused refund ${failedRefund?.id}: refund_exceeds_captured.`,
      'Revenue of Channel Islands in 2011-04 differs between the file and the ledger.',
      'Revenue of EIRE in 2011-01 differs between the file and the ledger.',
    ]);
  });

  it('keeps what went through of a row whose refund was refused in part', () => {
    // Row 33 takes 1356 pence from invoice 600017 and 678 from invoice 600001.
    const [, failedRefund] = orderOf('600001').refunds;
    const failures = [
      { subject: 'refund' as const, id: failedRefund?.id ?? '', code: 'gateway_unavailable' },
    ];
    const { outcomes } = reconcile(plan, ledger, { steps: [], failures });
    expect(outcomes.find(({ outcome }) => outcome === 'refund_failed')).toMatchObject({
      rows: 1,
      amountMinor: -2034,
      replayedMinor: -1356,
      notReplayedMinor: -678,
    });
  });

  it('objects to money of an order that was reported as refused', () => {
    const order = orderOf('600030');
    const failures = [{ subject: 'order' as const, id: order.id, code: 'payment_declined' }];
    expect(reconcile(plan, ledger, { steps: [], failures }).problems).toContain(
      `The order of invoice 600030 (${order.id}) is 0 pence in the plan and 1185 in the ledger.`,
    );
  });

  it('objects to outcomes that do not add up to the file', () => {
    const short = { ...plan, fileRowCount: 54, fileTotalMinor: 0 };
    expect(reconcile(short, ledger, NO_FAILURES).problems).toEqual([
      'The file has 54 rows, the outcomes have 53.',
      'The file is worth 0 pence, the outcomes -2027199.',
    ]);
  });
});
