import fc from 'fast-check';
import { planTrade } from './plan-trade.js';
import type { ReplayPlan } from './replay-plan.js';
import { intentOf } from './row-outcome.js';
import { aTradeFile } from './testing/trade-builders.js';
import { rowAmountMinor, type TradeRow } from './trade-row.js';

/** Few customers, codes and prices, so that purchases and cancellations meet often. */
const anyRow: fc.Arbitrary<Partial<TradeRow>> = fc.record({
  invoiceNo: fc.constantFrom('600001', '600002', '600003', 'C600004', 'C600005', 'C600006', 'A600007'),
  stockCode: fc.constantFrom('60010', '60010', '60010', '60020', 'D'),
  description: fc.constantFrom('', 'LANTERN', 'PAPER LANTERN'),
  quantity: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: -9, max: 9 })),
  invoicedAt: fc.constantFrom(...['01', '02', '03', '04'].map((day) => `2010-12-${day}T10:00:00.000Z`)),
  unitPriceMinor: fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(100, 150, 199, 1) },
    fc.constantFrom(0, -100),
  ),
  customerId: fc.constantFrom('20001', '20001', '20002', null),
  country: fc.constantFrom('United Kingdom', 'United Kingdom', 'France'),
});

/** Sales and cancellations of one code at one price by few customers, each row an invoice of its own. */
const oneCodeTrade = fc
  .array(fc.tuple(fc.integer({ min: -9, max: 9 }), fc.constantFrom('20001', '20002')), { maxLength: 30 })
  .map((rows) =>
    rows
      .filter(([quantity]) => quantity !== 0)
      .map(([quantity, customerId], at) => ({
        invoiceNo: `${quantity < 0 ? 'C' : ''}${600_001 + at}`,
        quantity,
        customerId,
      })),
  );

const anyTrade = fc.array(anyRow, { maxLength: 40 });

function check(predicate: (plan: ReplayPlan, rowOf: (rowNumber: number) => TradeRow) => void): void {
  fc.assert(
    fc.property(anyTrade, (partialRows) => {
      const file = aTradeFile(partialRows);
      predicate(planTrade(file), (rowNumber) => {
        const row = file.rows[rowNumber - 1];
        if (row === undefined) throw new Error(`The plan names row ${rowNumber}, which does not exist.`);
        return row;
      });
    }),
    { numRuns: 400 },
  );
}

const sum = (amounts: readonly number[]) => amounts.reduce((total, amount) => total + amount, 0);

describe('any plan', () => {
  it('gives each row exactly one outcome', () => {
    check((plan) => {
      expect(plan.rows.map((row) => row.rowNumber)).toEqual(plan.rows.map((_, at) => at + 1));
      expect(plan.rows.length).toBe(plan.fileRowCount);
    });
  });

  it('has every sold row as exactly one line of an order, at its quantity and price', () => {
    check((plan, rowOf) => {
      const lines = plan.orders.flatMap((order) => order.lines);
      const sold = plan.rows.filter((row) => row.outcome === 'sold').map((row) => row.rowNumber);
      expect(lines.map((line) => line.rowNumber).sort((a, b) => a - b)).toEqual(sold);
      for (const { rowNumber, quantity, product, totalMinor } of lines) {
        const row = rowOf(rowNumber);
        expect(intentOf(row).kind).toBe('sale');
        expect({ quantity, code: product.stockCode, price: product.unitPriceMinor, totalMinor }).toEqual({
          quantity: row.quantity,
          code: row.stockCode,
          price: row.unitPriceMinor,
          totalMinor: rowAmountMinor(row),
        });
      }
    });
  });

  it('accounts for the whole file: orders less refunds, and what is left out by name', () => {
    check((plan) => {
      const orderedMinor = sum(plan.orders.map((order) => order.totalMinor));
      const refundedMinor = sum(
        plan.orders.flatMap((order) => order.refunds.map((refund) => refund.totalMinor)),
      );
      const leftOutMinor = sum(plan.rows.map((row) => row.amountMinor - row.replayedMinor));
      expect(orderedMinor - refundedMinor + leftOutMinor).toBe(plan.fileTotalMinor);
      expect(sum(plan.rows.map((row) => row.replayedMinor))).toBe(orderedMinor - refundedMinor);
    });
  });

  it('never refunds more than a line has, in money or in pieces', () => {
    check((plan) => {
      for (const order of plan.orders) {
        const allocations = order.refunds.flatMap((refund) => refund.allocations);
        order.lines.forEach((line, at) => {
          const taken = allocations.filter((allocation) => allocation.lineIndex === at);
          expect(sum(taken.map((it) => it.amountMinor))).toBeLessThanOrEqual(line.totalMinor);
          expect(sum(taken.map((it) => it.quantity))).toBeLessThanOrEqual(line.quantity);
        });
      }
    });
  });

  it('requests of a line exactly what the rows take from it, and names a line once per request', () => {
    check((plan) => {
      for (const refund of plan.orders.flatMap((order) => order.refunds)) {
        expect(new Set(refund.lines.map((line) => line.lineIndex)).size).toBe(refund.lines.length);
        expect(sum(refund.lines.map((line) => line.amountMinor))).toBe(refund.totalMinor);
        for (const { lineIndex, amountMinor } of refund.lines) {
          const pieces = refund.allocations.filter((it) => it.lineIndex === lineIndex);
          expect(sum(pieces.map((it) => it.amountMinor))).toBe(amountMinor);
          expect(amountMinor).toBeGreaterThan(0);
        }
      }
    });
  });

  it('refunds only the same customer, the same code, and what was bought before, at the price of the row', () => {
    check((plan, rowOf) => {
      for (const order of plan.orders) {
        for (const refund of order.refunds) {
          expect(refund.invoicedAt >= order.invoicedAt).toBe(true);
          for (const { rowNumber, lineIndex, quantity, amountMinor } of refund.allocations) {
            const [cancelled, line] = [rowOf(rowNumber), order.lines[lineIndex]];
            expect(line?.product.stockCode).toBe(cancelled.stockCode);
            expect(order.buyer).toMatchObject({
              kind: 'customer',
              customer: { customerNo: cancelled.customerId },
            });
            expect(amountMinor).toBe(quantity * cancelled.unitPriceMinor);
          }
        }
      }
    });
  });

  it('takes back of each cancellation row what its result says, and never more than it asks for', () => {
    check((plan) => {
      const allocations = plan.orders.flatMap((order) =>
        order.refunds.flatMap((refund) => refund.allocations),
      );
      for (const row of plan.rows.filter((it) => it.outcome !== 'sold')) {
        const own = allocations.filter((allocation) => allocation.rowNumber === row.rowNumber);
        expect(sum(own.map((it) => it.quantity)) + row.replayedQuantity).toBe(0);
        expect(sum(own.map((it) => it.amountMinor)) + row.replayedMinor).toBe(0);
        if (row.outcome === 'refunded') expect(row.replayedQuantity).toBe(row.quantity);
        else if (row.outcome === 'refund_partially_matched') {
          expect(row.replayedQuantity).toBeLessThan(0);
          expect(row.replayedQuantity).toBeGreaterThan(row.quantity);
        } else expect(row.replayedQuantity).toBe(0);
      }
    });
  });

  it('refunds as much as a running balance per customer allows', () => {
    fc.assert(
      fc.property(oneCodeTrade, (rows) => {
        const balances = new Map<string, number>();
        const expected = rows.map(({ quantity, customerId }) => {
          const balance = balances.get(customerId) ?? 0;
          const moved = Math.max(quantity, -balance);
          balances.set(customerId, balance + moved);
          return moved + 0;
        });
        const replayed = planTrade(aTradeFile(rows)).rows.map((row) => row.replayedQuantity);
        expect(replayed).toEqual(expected);
      }),
    );
  });

  it('receives exactly what is sold of each product', () => {
    check((plan) => {
      const lines = plan.orders.flatMap((order) => order.lines);
      for (const product of plan.products) {
        const sold = lines.filter((line) => line.product.sku === product.sku).map((line) => line.quantity);
        expect(product.receipt.quantity).toBe(sum(sold));
      }
    });
  });

  it('uses no id, key, SKU or price point twice', () => {
    check((plan) => {
      const refunds = plan.orders.flatMap((order) => order.refunds);
      const receipts = plan.products.map((product) => product.receipt);
      const named = [...plan.customers, ...plan.orders, ...refunds];
      const pricePoints = plan.products.map((product) => `${product.stockCode} ${product.unitPriceMinor}`);
      for (const names of [
        named.map((it) => it.id),
        [...named, ...receipts].map((it) => it.idempotencyKey),
        plan.products.map((product) => product.sku.toLowerCase()),
        pricePoints,
      ]) {
        expect(new Set(names).size).toBe(names.length);
      }
    });
  });

  it('is the same plan when it is made again', () => {
    fc.assert(
      fc.property(anyTrade, (rows) => {
        expect(planTrade(aTradeFile(rows))).toEqual(planTrade(aTradeFile(rows)));
      }),
      { numRuns: 50 },
    );
  });
});
