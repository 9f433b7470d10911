import {
  intentOf,
  type PurchaseHistory,
  type RowIntent,
  type RowOutcome,
  unmatchedOutcome,
} from './row-outcome.js';
import { aRow } from './testing/trade-builders.js';
import type { TradeRow } from './trade-row.js';

describe('intentOf', () => {
  it.each<[Partial<TradeRow>, RowIntent['kind'] | RowOutcome]>([
    [{}, 'sale'],
    [{ customerId: null }, 'sale'],
    [{ stockCode: 'POST' }, 'sale'],
    [{ stockCode: 'AMAZONFEE' }, 'sale'],
    [{ invoiceNo: 'C600001', quantity: -1 }, 'cancellation'],
    [{ invoiceNo: 'C600001', quantity: -1, stockCode: 'D' }, 'cancellation'],
    [{ invoiceNo: 'C600001', quantity: -1, customerId: null }, 'cancellation'],
    [{ unitPriceMinor: 0 }, 'zero_price'],
    [{ unitPriceMinor: 0, quantity: -1 }, 'stock_write_off'],
    [{ quantity: -1 }, 'negative_without_cancellation'],
    [{ quantity: 0 }, 'zero_quantity'],
    [{ invoiceNo: 'C600001', quantity: 0 }, 'zero_quantity'],
    [{ unitPriceMinor: -1 }, 'negative_price'],
    [{ unitPriceMinor: -1, quantity: -1 }, 'negative_price'],
    [{ invoiceNo: 'C600001', quantity: -1, unitPriceMinor: -1 }, 'negative_price'],
    [{ invoiceNo: 'C600001', quantity: 1 }, 'cancellation_positive_quantity'],
    [{ invoiceNo: 'C600001', quantity: -1, unitPriceMinor: 0 }, 'cancellation_zero_price'],
    [{ invoiceNo: 'A600001', stockCode: 'B', unitPriceMinor: -1_106_206 }, 'bad_debt_adjustment'],
    [{ invoiceNo: 'A600001', stockCode: 'B', unitPriceMinor: 1_106_206 }, 'bad_debt_adjustment'],
  ])('sorts %j as %s', (row, expected) => {
    const intent = intentOf(aRow(row));
    expect(intent.kind === 'skipped' ? intent.outcome : intent.kind).toBe(expected);
  });
});

describe('unmatchedOutcome', () => {
  it.each<[string, PurchaseHistory, RowOutcome]>([
    ['60010', 'no_customer', 'refund_no_customer'],
    ['60010', 'none', 'refund_without_purchase'],
    ['60010', 'only_later', 'refund_before_purchase'],
    ['60010', 'earlier', 'refund_exceeds_purchases'],
    ['POST', 'no_customer', 'refund_no_customer'],
    ['M', 'none', 'refund_without_purchase'],
    ['D', 'none', 'discount_unmatched'],
    ['D', 'no_customer', 'discount_unmatched'],
    ['AMAZONFEE', 'no_customer', 'fee_unmatched'],
    ['BANK CHARGES', 'earlier', 'fee_unmatched'],
    ['S', 'no_customer', 'fee_unmatched'],
    ['CRUK', 'none', 'fee_unmatched'],
  ])('calls an unmatched cancellation of %s with history %s %s', (stockCode, history, outcome) => {
    expect(unmatchedOutcome(stockCode, history)).toBe(outcome);
  });
});
