import { MAX_LINES_PER_ORDER, planTrade } from './plan-trade.js';
import type { ReplayPlan } from './replay-plan.js';
import { aTradeFile } from './testing/trade-builders.js';
import type { TradeRow } from './trade-row.js';

const plan = (rows: readonly Partial<TradeRow>[]) => planTrade(aTradeFile(rows));
const outcomes = ({ rows }: ReplayPlan) => rows.map((row) => row.outcome);
const day = (date: number) => `2010-12-${String(date).padStart(2, '0')}T10:00:00.000Z`;

/** What is refunded of each order line, as [invoice of the order, line, pence] per refund request. */
const refundLines = ({ orders }: ReplayPlan) =>
  orders.flatMap((order) =>
    order.refunds.map((refund) =>
      refund.lines.map(({ lineIndex, amountMinor }) => [order.invoiceNo, lineIndex, amountMinor]),
    ),
  );

const SALE: Partial<TradeRow> = { quantity: 10, unitPriceMinor: 200, invoicedAt: day(1) };
const CANCELLATION: Partial<TradeRow> = {
  invoiceNo: 'C600009',
  quantity: -4,
  unitPriceMinor: 200,
  invoicedAt: day(9),
};

describe('an order', () => {
  it('carries what its invoice says', () => {
    const { orders } = plan([
      { country: 'EIRE', quantity: 6 },
      { country: 'EIRE', quantity: 2, unitPriceMinor: 100 },
    ]);
    expect(orders).toMatchObject([
      {
        idempotencyKey: 'replay:abababab:order:600001/1',
        invoicedAt: '2010-12-01T08:26:00.000Z',
        month: '2010-12',
        country: 'EIRE',
        countryCode: 'IE',
        buyer: { kind: 'customer', customer: { customerNo: '20001' } },
        totalMinor: 1730,
        lines: [
          { rowNumber: 1, quantity: 6, totalMinor: 1530, product: { sku: '60010@255' } },
          { rowNumber: 2, quantity: 2, totalMinor: 200, product: { sku: '60010' } },
        ],
        metadata: {
          invoiceNo: '600001',
          invoiceDate: '2010-12-01T08:26:00.000Z',
          country: 'EIRE',
          replay: 'replay:abababab',
        },
      },
    ]);
  });

  it('keeps equal lines of an invoice apart', () => {
    expect(plan([{}, {}]).orders).toMatchObject([
      { lines: [{ rowNumber: 1 }, { rowNumber: 2 }], totalMinor: 3060 },
    ]);
  });

  it('of a guest has an address of its own', () => {
    const { orders, customers } = plan([{ customerId: null }, { customerId: null, invoiceNo: '600002' }]);
    expect(orders.map((order) => order.buyer)).toEqual([
      { kind: 'guest', email: 'guest-600001@online-retail.example' },
      { kind: 'guest', email: 'guest-600002@online-retail.example' },
    ]);
    expect(customers).toEqual([]);
  });

  it('is not made of an invoice whose rows are all skipped', () => {
    expect(plan([{ unitPriceMinor: 0 }, { quantity: -1, unitPriceMinor: 0 }])).toMatchObject({
      orders: [],
      products: [],
      customers: [],
    });
  });

  it('gathers an invoice whose rows lie apart and bear several times, under the earliest', () => {
    const { orders, notes } = plan([
      { invoicedAt: '2010-12-31T23:59:00.000Z' },
      { invoiceNo: '600002', invoicedAt: '2011-01-01T00:00:00.000Z' },
      { invoicedAt: '2011-01-01T00:00:00.000Z' },
    ]);
    expect(orders).toMatchObject([
      { invoiceNo: '600001', month: '2010-12', lines: [{ rowNumber: 1 }, { rowNumber: 3 }] },
      { invoiceNo: '600002', month: '2011-01' },
    ]);
    expect(notes.invoicesOverSeveralTimes).toEqual(['600001']);
  });

  it('takes the next part of an invoice that is too long for one', () => {
    const rows = Array.from({ length: MAX_LINES_PER_ORDER + 1 }, () => ({}));
    const { orders, notes } = plan(rows);
    expect(orders.map((order) => [order.lines.length, order.idempotencyKey])).toEqual([
      [MAX_LINES_PER_ORDER, 'replay:abababab:order:600001/1'],
      [1, 'replay:abababab:order:600001/2'],
    ]);
    expect(notes.splitInvoices).toEqual(['600001']);
  });

  it('has one buyer and one country, also where an invoice has several', () => {
    const { orders, notes } = plan([{}, { customerId: null }, { country: 'France' }, {}]);
    expect(orders.map((order) => order.lines.map((line) => line.rowNumber))).toEqual([[1, 4], [2], [3]]);
    expect(new Set(orders.map((order) => order.id)).size).toBe(3);
    expect(notes.splitInvoices).toEqual(['600001']);
  });
});

describe('a cancellation', () => {
  it('takes back the latest earlier purchase first', () => {
    const rows = [SALE, { ...SALE, invoiceNo: '600002', quantity: 3, invoicedAt: day(2) }, CANCELLATION];
    expect(refundLines(plan(rows))).toEqual([[['600001', 0, 200]], [['600002', 0, 600]]]);
  });

  it('prefers its own price to a later purchase', () => {
    const rows = [
      SALE,
      { ...SALE, invoiceNo: '600002', unitPriceMinor: 150, invoicedAt: day(2) },
      CANCELLATION,
    ];
    expect(refundLines(plan(rows))).toEqual([[['600001', 0, 800]]]);
  });

  it('refunds its own amount where the purchase had another price', () => {
    const result = plan([SALE, { ...CANCELLATION, unitPriceMinor: 150 }]);
    expect(outcomes(result)).toEqual(['sold', 'refunded']);
    expect(refundLines(result)).toEqual([[['600001', 0, 600]]]);
  });

  it('takes whole pieces at its own price out of a line, and no more money than the line had', () => {
    const result = plan([
      { ...SALE, quantity: 4 },
      { ...CANCELLATION, unitPriceMinor: 250 },
    ]);
    expect(refundLines(result)).toEqual([[['600001', 0, 750]]]);
    expect(result.rows[1]).toMatchObject({
      outcome: 'refund_partially_matched',
      quantity: -4,
      replayedQuantity: -3,
      amountMinor: -1000,
      replayedMinor: -750,
    });
  });

  it('takes no more pieces than a line had, however cheap', () => {
    const result = plan([
      { ...SALE, quantity: 2 },
      { ...CANCELLATION, unitPriceMinor: 1 },
    ]);
    expect(result.rows[1]).toMatchObject({ outcome: 'refund_partially_matched', replayedQuantity: -2 });
  });

  it('takes no piece twice, even while money of the line is left', () => {
    const cheap = { ...CANCELLATION, unitPriceMinor: 1, quantity: -2 };
    const result = plan([{ ...SALE, quantity: 3 }, cheap, { ...cheap, invoiceNo: 'C600010' }]);
    expect(result.rows.map((row) => row.replayedQuantity)).toEqual([3, -2, -1]);
  });

  it('finds nothing where earlier cancellations took everything', () => {
    const rows = [{ ...SALE, quantity: 4 }, CANCELLATION, { ...CANCELLATION, invoiceNo: 'C600010' }];
    expect(outcomes(plan(rows))).toEqual(['sold', 'refunded', 'refund_exceeds_purchases']);
  });

  it('makes one request with one entry per line of several rows that take back the same line', () => {
    const result = plan([SALE, CANCELLATION, { ...CANCELLATION, quantity: -2 }]);
    expect(result.orders).toMatchObject([
      {
        refunds: [
          {
            invoiceNo: 'C600009',
            reason: 'Cancellation invoice C600009',
            month: '2010-12',
            lines: [{ lineIndex: 0, amountMinor: 1200 }],
            totalMinor: 1200,
            allocations: [
              { rowNumber: 2, lineIndex: 0, quantity: 4, amountMinor: 800 },
              { rowNumber: 3, lineIndex: 0, quantity: 2, amountMinor: 400 },
            ],
          },
        ],
      },
    ]);
  });

  it('is reported in its own month and country', () => {
    const result = plan([
      SALE,
      { ...CANCELLATION, invoicedAt: '2011-01-04T10:00:00.000Z', country: 'Belgium' },
    ]);
    expect(result.orders).toMatchObject([
      { month: '2010-12', country: 'United Kingdom', refunds: [{ month: '2011-01', country: 'Belgium' }] },
    ]);
    expect(result.rows[1]?.period).toEqual({ month: '2011-01', country: 'Belgium' });
  });

  it('makes a request per country where its rows name several', () => {
    const { orders } = plan([SALE, CANCELLATION, { ...CANCELLATION, country: 'Belgium' }]);
    const refunds = orders.flatMap((order) => order.refunds);
    expect(refunds.map(({ country, totalMinor }) => [country, totalMinor])).toEqual([
      ['United Kingdom', 800],
      ['Belgium', 800],
    ]);
    expect(new Set(refunds.map(({ id }) => id)).size).toBe(2);
  });

  it('in the minute of the purchase counts by the order of the file', () => {
    const sameMinute = { ...CANCELLATION, invoicedAt: day(1) };
    expect(outcomes(plan([SALE, sameMinute]))).toEqual(['sold', 'refunded']);
    expect(outcomes(plan([sameMinute, SALE]))).toEqual(['refund_before_purchase', 'sold']);
  });

  it('counts by time where the file is not in order', () => {
    expect(outcomes(plan([CANCELLATION, SALE]))).toEqual(['refunded', 'sold']);
  });

  it.each<[string, Partial<TradeRow>, string]>([
    ['without a customer', { customerId: null }, 'refund_no_customer'],
    ['of another customer', { customerId: '20002' }, 'refund_without_purchase'],
    ['of another code', { stockCode: '60020' }, 'refund_without_purchase'],
    ['before the purchase', { invoicedAt: '2010-11-30T10:00:00.000Z' }, 'refund_before_purchase'],
    ['that costs more than was paid', { unitPriceMinor: 2001 }, 'refund_exceeds_purchases'],
    ['that is a discount', { stockCode: 'D' }, 'discount_unmatched'],
    ['that is a fee', { stockCode: 'AMAZONFEE', customerId: null }, 'fee_unmatched'],
  ])('%s is not refunded', (_, change, outcome) => {
    const result = plan([SALE, { ...CANCELLATION, ...change }]);
    expect(refundLines(result)).toEqual([]);
    expect(result.rows[1]).toMatchObject({ outcome, replayedMinor: 0, replayedQuantity: 0 });
  });
});

describe('malformed rows', () => {
  it('keep their place and their number', () => {
    const malformed = [{ rowNumber: 2, reason: 'Country is empty' }];
    const file = aTradeFile([{ rowNumber: 1 }, { rowNumber: 3 }], { malformed, rowCount: 3 });
    const result = planTrade(file);
    expect(result.rows.map((row) => [row.rowNumber, row.outcome, row.period === null])).toEqual([
      [1, 'sold', false],
      [2, 'malformed', true],
      [3, 'sold', false],
    ]);
    expect(result.notes.malformed).toEqual(malformed);
  });
});
