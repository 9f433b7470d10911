import type { PlannedLine } from './replay-plan.js';
import type { PurchaseHistory } from './row-outcome.js';
import type { TradeRow } from './trade-row.js';

/** A share of a cancellation row, found on one line of an earlier order. */
export interface RefundMatch<TOrder> {
  readonly order: TOrder;
  readonly lineIndex: number;
  readonly quantity: number;
  /** `quantity` times the unit price of the cancellation row, in pence. */
  readonly amountMinor: number;
}

interface OpenLine<TOrder> {
  readonly order: TOrder;
  readonly lineIndex: number;
  readonly unitPriceMinor: number;
  quantityLeft: number;
  amountLeftMinor: number;
}

/**
 * Remembers what each customer has bought and finds, for a cancellation, the lines that it takes back.
 *
 * The rules: only purchases recorded before, of the same customer and the same stock code; lines at the row's own
 * unit price before lines at other prices; the latest purchase first. Whole pieces are matched, each at the row's
 * unit price, and never more than the pieces and the money that a line has left: a piece that is cancelled at more
 * than it cost uses up the money of more than one piece.
 */
export class PurchaseMemory<TOrder extends { readonly lines: readonly PlannedLine[] }> {
  /** Latest purchase last. */
  private readonly openLines = new Map<string, OpenLine<TOrder>[]>();

  /** Records an order. Orders must come in the order of their time. */
  recordOrder(customerId: string, order: TOrder): void {
    order.lines.forEach((line, lineIndex) => {
      const { stockCode, unitPriceMinor } = line.product;
      const openLine: OpenLine<TOrder> = {
        order,
        lineIndex,
        unitPriceMinor,
        quantityLeft: line.quantity,
        amountLeftMinor: line.totalMinor,
      };
      const key = purchaseKey(customerId, stockCode);
      const known = this.openLines.get(key);
      if (known === undefined) this.openLines.set(key, [openLine]);
      else known.push(openLine);
    });
  }

  /** Takes back as much of a cancellation row as earlier purchases allow, and keeps it taken. */
  take(customerId: string, row: TradeRow): RefundMatch<TOrder>[] {
    const latestFirst = this.openLines.get(purchaseKey(customerId, row.stockCode))?.toReversed() ?? [];
    const candidates = [
      ...latestFirst.filter((line) => line.unitPriceMinor === row.unitPriceMinor),
      ...latestFirst.filter((line) => line.unitPriceMinor !== row.unitPriceMinor),
    ];
    const matches: RefundMatch<TOrder>[] = [];
    let quantityWanted = -row.quantity;
    for (const line of candidates) {
      const affordable = wholeTimes(line.amountLeftMinor, row.unitPriceMinor);
      const quantity = Math.min(quantityWanted, line.quantityLeft, affordable);
      if (quantity === 0) continue;
      const amountMinor = quantity * row.unitPriceMinor;
      line.quantityLeft -= quantity;
      line.amountLeftMinor -= amountMinor;
      quantityWanted -= quantity;
      matches.push({ order: line.order, lineIndex: line.lineIndex, quantity, amountMinor });
      if (quantityWanted === 0) break;
    }
    return matches;
  }

  /** Says whether the customer has bought the code so far. */
  hasPurchase(customerId: string, stockCode: string): boolean {
    return this.openLines.has(purchaseKey(customerId, stockCode));
  }
}

/** Says who buys what at any time in the file: tells goods bought later from goods never bought. */
export class PurchasesOfFile {
  private readonly keys: ReadonlySet<string>;

  constructor(soldRows: readonly TradeRow[]) {
    const owned = soldRows.filter((row) => row.customerId !== null);
    this.keys = new Set(owned.map((row) => purchaseKey(row.customerId ?? '', row.stockCode)));
  }

  /** Why a cancellation row found nothing, seen from the purchases remembered up to it. */
  historyOf(row: TradeRow, memory: Pick<PurchaseMemory<never>, 'hasPurchase'>): PurchaseHistory {
    if (row.customerId === null) return 'no_customer';
    if (memory.hasPurchase(row.customerId, row.stockCode)) return 'earlier';
    return this.keys.has(purchaseKey(row.customerId, row.stockCode)) ? 'only_later' : 'none';
  }
}

function purchaseKey(customerId: string, stockCode: string): string {
  return `${customerId}\0${stockCode}`;
}

/** How many times `part` fits into `whole`; exact where a division of floats would round. */
function wholeTimes(whole: number, part: number): number {
  return (whole - (whole % part)) / part;
}
