import type { TradeRow } from './trade-row.js';

/**
 * The rows of one invoice that belong to one customer and one country. In the data at hand that is the whole
 * invoice; should a file mix them, each share becomes an invoice of its own here, because an order has one buyer.
 */
export interface Invoice {
  readonly invoiceNo: string;
  readonly customerId: string | null;
  readonly country: string;
  /** In the order of the file; an invoice need not be one block there. */
  readonly rows: readonly TradeRow[];
  /** RFC 3339; the earliest among the rows, which can differ by a minute while an invoice is typed. */
  readonly invoicedAt: string;
  /** `2010-12` */
  readonly month: string;
  readonly hasSeveralTimes: boolean;
}

/** Gathers rows into invoices, earliest first; invoices of one time keep the order of the file. */
export function groupInvoices(rows: readonly TradeRow[]): Invoice[] {
  const groups = Map.groupBy(rows, (row) => `${row.invoiceNo}\0${row.customerId ?? ''}\0${row.country}`);
  return [...groups.values()].map(toInvoice).sort(byTimeThenRow);
}

function toInvoice(rows: readonly TradeRow[]): Invoice {
  const [first] = rows;
  if (first === undefined) throw new Error('An invoice has at least one row.');
  const { invoiceNo, customerId, country } = first;
  // All times have one format and one zone, so that text compares as time does.
  const invoicedAt = rows.reduce(
    (earliest, row) => (row.invoicedAt < earliest ? row.invoicedAt : earliest),
    first.invoicedAt,
  );
  const hasSeveralTimes = rows.some((row) => row.invoicedAt !== invoicedAt);
  return { invoiceNo, customerId, country, rows, invoicedAt, month: invoicedAt.slice(0, 7), hasSeveralTimes };
}

function byTimeThenRow(a: Invoice, b: Invoice): number {
  if (a.invoicedAt !== b.invoicedAt) return a.invoicedAt < b.invoicedAt ? -1 : 1;
  return (a.rows[0]?.rowNumber ?? 0) - (b.rows[0]?.rowNumber ?? 0);
}
