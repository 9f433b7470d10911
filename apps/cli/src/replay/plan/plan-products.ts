import type { PlannedProduct } from './replay-plan.js';
import type { ReplayNames } from './replay-names.js';
import type { TradeRow } from './trade-row.js';

/** The products of a plan, and the way from a sold row to its product. */
export interface PlannedCatalog {
  /** By stock code, then by price. */
  readonly products: readonly PlannedProduct[];
  /** @throws Error for a row that was not among the sold ones */
  productOf(row: TradeRow): PlannedProduct;
}

interface PricePoint {
  readonly stockCode: string;
  readonly unitPriceMinor: number;
  rowCount: number;
  quantity: number;
}

/** Makes one product of each price at which a stock code is sold. */
export function planProducts(soldRows: readonly TradeRow[], names: ReplayNames): PlannedCatalog {
  const byPricePoint = new Map<string, PlannedProduct>();
  const byStockCode = Map.groupBy(soldRows, (row) => row.stockCode);
  for (const stockCode of [...byStockCode.keys()].sort()) {
    const rows = byStockCode.get(stockCode) ?? [];
    const name = mostFrequentDescription(rows) ?? stockCode;
    const [main, ...others] = pricePointsOf(rows);
    if (main === undefined) continue;
    const products = [
      toProduct(main, stockCode, name, names),
      ...others.map((point) => toProduct(point, `${stockCode}@${point.unitPriceMinor}`, name, names)),
    ].sort((a, b) => a.unitPriceMinor - b.unitPriceMinor);
    for (const product of products) byPricePoint.set(pricePointKey(product), product);
  }
  return {
    products: [...byPricePoint.values()],
    productOf(row) {
      const product = byPricePoint.get(pricePointKey(row));
      if (product === undefined) throw new Error(`No product is planned for row ${row.rowNumber}.`);
      return product;
    },
  };
}

/** The prices of one stock code, the one with most rows first; of several such, the lowest. */
function pricePointsOf(rows: readonly TradeRow[]): PricePoint[] {
  const points = new Map<number, PricePoint>();
  for (const { stockCode, unitPriceMinor, quantity } of rows) {
    const point = points.get(unitPriceMinor) ?? { stockCode, unitPriceMinor, rowCount: 0, quantity: 0 };
    point.rowCount += 1;
    point.quantity += quantity;
    points.set(unitPriceMinor, point);
  }
  return [...points.values()].sort((a, b) => b.rowCount - a.rowCount || a.unitPriceMinor - b.unitPriceMinor);
}

function toProduct(point: PricePoint, sku: string, name: string, names: ReplayNames): PlannedProduct {
  const { stockCode, unitPriceMinor, quantity } = point;
  if (!Number.isSafeInteger(quantity))
    throw new RangeError(`More of ${sku} is sold than can be counted exactly.`);
  const receipt = { quantity, idempotencyKey: names.receiptKey(stockCode, unitPriceMinor) };
  return { sku, name, stockCode, unitPriceMinor, receipt };
}

/** Of several equally frequent ones the first in the file. */
function mostFrequentDescription(rows: readonly TradeRow[]): string | null {
  const counts = new Map<string, number>();
  for (const { description } of rows) {
    if (description !== '') counts.set(description, (counts.get(description) ?? 0) + 1);
  }
  let best: string | null = null;
  let bestCount = 0;
  for (const [description, count] of counts) {
    if (count > bestCount) [best, bestCount] = [description, count];
  }
  return best;
}

function pricePointKey(point: { stockCode: string; unitPriceMinor: number }): string {
  return `${point.stockCode}@${point.unitPriceMinor}`;
}
