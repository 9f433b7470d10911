import { sumPence } from '../pence.js';
import type { TradeFile } from '../parse-trade.js';
import { rowAmountMinor, type TradeRow } from '../trade-row.js';

/** A sale of six pieces to a customer; a test names what matters to it. */
export function aRow(overrides: Partial<TradeRow> = {}): TradeRow {
  return {
    rowNumber: 1,
    invoiceNo: '600001',
    stockCode: '60010',
    description: 'PAPER LANTERN',
    quantity: 6,
    invoicedAt: '2010-12-01T08:26:00.000Z',
    unitPriceMinor: 255,
    customerId: '20001',
    country: 'United Kingdom',
    ...overrides,
  };
}

/** A file of these rows, numbered in their order. */
export function aTradeFile(
  rows: readonly Partial<TradeRow>[],
  overrides: Partial<TradeFile> = {},
): TradeFile {
  const numbered = rows.map((row, at) => aRow({ rowNumber: at + 1, ...row }));
  return {
    digest: 'ab'.repeat(32),
    rowCount: numbered.length,
    totalMinor: sumPence(numbered.map(rowAmountMinor)),
    rows: numbered,
    malformed: [],
    roundedPrices: [],
    mergedStockCodes: [],
    ...overrides,
  };
}
