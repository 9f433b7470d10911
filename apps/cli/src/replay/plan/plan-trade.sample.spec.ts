import { readTradeFile } from './parse-trade.js';
import { planTrade } from './plan-trade.js';
import type { ReplayPlan } from './replay-plan.js';

/** What is refunded of each order line, as [invoice of the order, line, pence] per refund request. */
const refundLines = ({ orders }: ReplayPlan) =>
  orders.flatMap((order) =>
    order.refunds.map((refund) =>
      refund.lines.map(({ lineIndex, amountMinor }) => [order.invoiceNo, lineIndex, amountMinor]),
    ),
  );

describe('planTrade over the sample file', () => {
  let sample: ReplayPlan;
  beforeAll(async () => {
    sample = planTrade(await readTradeFile('test/fixtures/online-retail-sample.csv'));
  });

  it('gives every row its outcome', () => {
    const rowsByOutcome = Map.groupBy(sample.rows, (row) => row.outcome);
    const numbers = [...rowsByOutcome].map(([outcome, rows]) => [outcome, rows.map((row) => row.rowNumber)]);
    expect(Object.fromEntries(numbers)).toEqual({
      sold: [
        ...[1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 25, 26, 27, 30, 31, 32],
        ...[38, 40, 42, 43, 44, 47, 49, 50, 53],
      ],
      refunded: [15, 29, 33, 34, 35, 39, 41, 45],
      refund_partially_matched: [36],
      refund_exceeds_purchases: [37, 46],
      refund_before_purchase: [24],
      refund_without_purchase: [19],
      refund_no_customer: [23],
      discount_unmatched: [16],
      fee_unmatched: [20, 21, 22],
      zero_price: [4, 28, 48],
      stock_write_off: [17, 18],
      bad_debt_adjustment: [51, 52],
    });
  });

  it('splits a cancellation that is matched in part into what is refunded and what is not', () => {
    // 66 pieces are left at 2.10; the 11.10 spent on pieces at 1.85 pay for five more at 2.10.
    expect(sample.rows[35]).toMatchObject({
      outcome: 'refund_partially_matched',
      quantity: -100,
      replayedQuantity: -71,
      amountMinor: -21_000,
      replayedMinor: -14_910,
    });
  });

  it('orders what the invoices sold', () => {
    expect(sample.orders.map(({ invoiceNo, totalMinor }) => [invoiceNo, totalMinor])).toEqual([
      ['600001', 6222],
      ['600003', 13_767],
      ['600004', 26_270],
      ['600005', 340],
      ['600015', 6372],
      ['600017', 4116],
      ['600021', 7_718_360],
      ['600023', 2190],
      ['600025', 1095],
      ['600026', 85],
      ['600034', 375],
      ['600028', 833],
      ['600029', 1260],
      ['600030', 1185],
      ['600033', 255],
    ]);
  });

  it('refunds what the cancellations take back, one request per order', () => {
    expect(refundLines(sample)).toEqual([
      [['600001', 1, 1980]],
      [['600001', 2, 678]],
      [
        ['600004', 2, 5040],
        ['600004', 1, 1260],
      ],
      [
        ['600004', 1, 3780],
        ['600004', 0, 10_080],
        ['600004', 3, 1050],
      ],
      [
        ['600017', 0, 1356],
        ['600017', 1, 690],
      ],
      [['600021', 0, 7_718_360]],
      [['600023', 0, 1095]],
      [['600026', 0, 85]],
    ]);
  });

  it('registers the customers that have an order, and receives what is sold', () => {
    expect(sample.customers.map(({ customerNo }) => customerNo)).toEqual([
      '20001',
      '20002',
      '20003',
      '20005',
      '20006',
      '20007',
      '20008',
    ]);
    const stock = sample.products.map(({ sku, unitPriceMinor, receipt }) => [
      sku,
      unitPriceMinor,
      receipt.quantity,
    ]);
    expect(stock).toEqual([
      ['60010A', 210, 6],
      ['60010A@255', 255, 6],
      ['60010A@506', 506, 1],
      ['60020', 165, 12],
      ['60020@336', 336, 2],
      ['60030', 339, 13],
      ['60040@185', 185, 6],
      ['60040', 210, 96],
      ['60050', 85, 4],
      ['60060', 106, 12],
      ['60060@125', 125, 12],
      ['60080', 104, 74_215],
      ['60090', 1095, 3],
      ['60100', 126, 10],
      ['60100@395', 395, 3],
      ['60110', 255, 1],
      ['BANK CHARGES', 1500, 1],
      ['C2', 5000, 1],
      ['DOT', 12_250, 1],
      ['GIFT_0001_10', 833, 1],
      ['M', 85, 1],
      ['M@125', 125, 3],
      ['POST', 1800, 2],
    ]);
  });

  it('notes the decisions that it took', () => {
    expect(sample.notes).toMatchObject({
      malformed: [],
      roundedPrices: [{ rowNumber: 48 }, { rowNumber: 49 }],
      mergedStockCodes: ['60010A', 'M'],
      invoicesOverSeveralTimes: ['600004', 'C600018'],
      splitInvoices: [],
      countriesWithoutCode: ['Channel Islands', 'European Community', 'Unspecified'],
    });
  });
});
