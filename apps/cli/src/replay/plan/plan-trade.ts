import { countryCodeOf } from './country-codes.js';
import { groupInvoices, type Invoice } from './invoices.js';
import { PurchaseMemory, PurchasesOfFile, type RefundMatch } from './match-refunds.js';
import type { TradeFile } from './parse-trade.js';
import { sumPence } from './pence.js';
import { type PlannedCatalog, planProducts } from './plan-products.js';
import { ReplayNames } from './replay-names.js';
import type {
  PlannedBuyer,
  PlannedCustomer,
  PlannedOrder,
  PlannedRefund,
  RefundAllocation,
  ReplayPlan,
  RowResult,
} from './replay-plan.js';
import { intentOf, type RowOutcome, unmatchedOutcome } from './row-outcome.js';
import { rowAmountMinor, type TradeRow } from './trade-row.js';

/** The most lines that the API takes in one order. A longer invoice becomes several orders. */
export const MAX_LINES_PER_ORDER = 1000;

/** Decides for every row of a file what becomes of it, and what is therefore to be done. Pure. */
export function planTrade(file: TradeFile): ReplayPlan {
  const soldRows = file.rows.filter((row) => intentOf(row).kind === 'sale');
  const planner = new TradePlanner(soldRows, new ReplayNames(file.digest));
  const invoices = groupInvoices(file.rows);
  for (const invoice of invoices) planner.addInvoice(invoice);
  const { catalog, orders } = planner;
  return {
    digest: file.digest,
    fileRowCount: file.rowCount,
    fileTotalMinor: file.totalMinor,
    products: catalog.products,
    customers: [...planner.customers.values()],
    orders,
    rows: [...planner.rows, ...file.malformed.map(malformedResult)].sort((a, b) => a.rowNumber - b.rowNumber),
    notes: {
      malformed: file.malformed,
      roundedPrices: file.roundedPrices,
      mergedStockCodes: file.mergedStockCodes,
      invoicesOverSeveralTimes: distinct(
        invoices.filter((it) => it.hasSeveralTimes).map((it) => it.invoiceNo),
      ),
      splitInvoices: [...planner.partCounts].filter(([, parts]) => parts > 1).map(([invoiceNo]) => invoiceNo),
      countriesWithoutCode: distinct(
        orders.filter((order) => order.countryCode === null).map((order) => order.country),
      ).sort(),
    },
  };
}

/** An order that can still get refunds. */
type OpenOrder = PlannedOrder & { readonly refunds: PlannedRefund[] };

/** Takes the invoices in the order of their time, so that a cancellation sees exactly the purchases before it. */
class TradePlanner {
  readonly catalog: PlannedCatalog;
  readonly orders: OpenOrder[] = [];
  readonly customers = new Map<string, PlannedCustomer>();
  readonly rows: RowResult[] = [];
  readonly partCounts = new Map<string, number>();
  private readonly memory = new PurchaseMemory<OpenOrder>();
  private readonly purchases: PurchasesOfFile;

  constructor(
    soldRows: readonly TradeRow[],
    private readonly names: ReplayNames,
  ) {
    this.catalog = planProducts(soldRows, names);
    this.purchases = new PurchasesOfFile(soldRows);
  }

  addInvoice(invoice: Invoice): void {
    const sales: TradeRow[] = [];
    const cancellations: TradeRow[] = [];
    for (const row of invoice.rows) {
      const intent = intentOf(row);
      if (intent.kind === 'sale') sales.push(row);
      else if (intent.kind === 'cancellation') cancellations.push(row);
      else this.finishRow(invoice, row, intent.outcome, 0, 0);
    }
    for (const part of chunk(sales, MAX_LINES_PER_ORDER)) this.addOrder(invoice, part);
    if (cancellations.length > 0) this.addCancellations(invoice, cancellations);
  }

  private addOrder(invoice: Invoice, rows: readonly TradeRow[]): void {
    const { invoiceNo, invoicedAt, month, country } = invoice;
    const part = (this.partCounts.get(invoiceNo) ?? 0) + 1;
    this.partCounts.set(invoiceNo, part);
    const lines = rows.map((row) => ({
      rowNumber: row.rowNumber,
      product: this.catalog.productOf(row),
      quantity: row.quantity,
      totalMinor: rowAmountMinor(row),
    }));
    const order: OpenOrder = {
      ...this.names.order(invoiceNo, part, invoicedAt),
      invoiceNo,
      buyer: this.buyerOf(invoice),
      invoicedAt,
      month,
      country,
      countryCode: countryCodeOf(country),
      lines,
      totalMinor: sumPence(lines.map((line) => line.totalMinor)),
      metadata: { invoiceNo, invoiceDate: invoicedAt, country, replay: this.names.label },
      refunds: [],
    };
    this.orders.push(order);
    if (invoice.customerId !== null) this.memory.recordOrder(invoice.customerId, order);
    for (const row of rows) this.finishRow(invoice, row, 'sold', row.quantity, rowAmountMinor(row));
  }

  private buyerOf({ customerId, invoiceNo }: Invoice): PlannedBuyer {
    if (customerId === null) return { kind: 'guest', email: this.names.guestEmail(invoiceNo) };
    const customer = this.customers.get(customerId) ?? this.names.customer(customerId);
    this.customers.set(customerId, customer);
    return { kind: 'customer', customer };
  }

  private addCancellations(invoice: Invoice, rows: readonly TradeRow[]): void {
    const allocationsByOrder = new Map<OpenOrder, RefundAllocation[]>();
    for (const row of rows) {
      const matches = invoice.customerId === null ? [] : this.memory.take(invoice.customerId, row);
      for (const { order, lineIndex, quantity, amountMinor } of matches) {
        const allocations = allocationsByOrder.get(order) ?? [];
        allocations.push({ rowNumber: row.rowNumber, lineIndex, quantity, amountMinor });
        allocationsByOrder.set(order, allocations);
      }
      this.finishCancellation(invoice, row, matches);
    }
    for (const [order, allocations] of allocationsByOrder) this.addRefund(invoice, order, allocations);
  }

  private addRefund(invoice: Invoice, order: OpenOrder, allocations: readonly RefundAllocation[]): void {
    const { invoiceNo, invoicedAt, month, country } = invoice;
    const rowNumber = allocations[0]?.rowNumber ?? 0;
    const amountByLine = new Map<number, number>();
    for (const { lineIndex, amountMinor } of allocations) {
      amountByLine.set(lineIndex, (amountByLine.get(lineIndex) ?? 0) + amountMinor);
    }
    order.refunds.push({
      ...this.names.refund(invoiceNo, invoicedAt, order.id, rowNumber),
      invoiceNo,
      invoicedAt,
      month,
      country,
      reason: `Cancellation invoice ${invoiceNo}`,
      lines: [...amountByLine].map(([lineIndex, amountMinor]) => ({ lineIndex, amountMinor })),
      totalMinor: sumPence(amountByLine.values()),
      allocations,
    });
  }

  private finishCancellation(
    invoice: Invoice,
    row: TradeRow,
    matches: readonly RefundMatch<OpenOrder>[],
  ): void {
    const quantity = matches.reduce((sum, match) => sum + match.quantity, 0);
    const amountMinor = sumPence(matches.map((match) => match.amountMinor));
    if (quantity === 0) {
      const history = this.purchases.historyOf(row, this.memory);
      this.finishRow(invoice, row, unmatchedOutcome(row.stockCode, history), 0, 0);
      return;
    }
    const outcome = quantity === -row.quantity ? 'refunded' : 'refund_partially_matched';
    this.finishRow(invoice, row, outcome, -quantity, -amountMinor);
  }

  private finishRow(
    invoice: Invoice,
    row: TradeRow,
    outcome: RowOutcome,
    replayedQuantity: number,
    replayedMinor: number,
  ): void {
    const { rowNumber, quantity } = row;
    const period = { month: invoice.month, country: invoice.country };
    const amountMinor = rowAmountMinor(row);
    this.rows.push({ rowNumber, outcome, amountMinor, replayedMinor, quantity, replayedQuantity, period });
  }
}

function malformedResult({ rowNumber }: { rowNumber: number }): RowResult {
  const nothing = { amountMinor: 0, replayedMinor: 0, quantity: 0, replayedQuantity: 0 };
  return { rowNumber, outcome: 'malformed', ...nothing, period: null };
}

function chunk<T>(items: readonly T[], size: number): T[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, at) => items.slice(at * size, (at + 1) * size));
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
