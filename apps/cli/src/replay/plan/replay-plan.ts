import type { RoundedPrice } from './parse-trade.js';
import type { RowOutcome } from './row-outcome.js';
import type { MalformedRow } from './trade-row.js';

/**
 * What a replay is going to do, complete and in plain data. Amounts are pence (GBP). Whoever executes it creates
 * the products, receives each product's stock, then works through the orders, each followed by its own refunds in
 * the order given; different orders do not depend on one another, except that a customer registers before the
 * first one.
 *
 * Ids and idempotency keys derive from the content, so that executing a plan twice changes nothing. Customers keep
 * their ids and products their SKUs from file to file, everything else belongs to the one file with this digest.
 */
export interface ReplayPlan {
  /** SHA-256 of the file in hexadecimal. */
  readonly digest: string;
  /** Rows of the file, and what they are worth together in pence: what the outcomes must add up to. */
  readonly fileRowCount: number;
  readonly fileTotalMinor: number;
  readonly products: readonly PlannedProduct[];
  /** The customers with at least one order; who only cancels has nothing to do in the shop. */
  readonly customers: readonly PlannedCustomer[];
  /** Chronological. */
  readonly orders: readonly PlannedOrder[];
  /** What becomes of each row, malformed ones included, by row number. */
  readonly rows: readonly RowResult[];
  readonly notes: PlanNotes;
}

/**
 * A price point: a stock code at one unit price. The catalog has one price per product and the file has many per
 * code, so each price that a code was sold at is a product.
 */
export interface PlannedProduct {
  /** The stock code for the price with most rows (the lowest of several), `<code>@<pence>` for the others. */
  readonly sku: string;
  /** The most frequent description among the code's sold rows, or the code itself. */
  readonly name: string;
  readonly stockCode: string;
  readonly unitPriceMinor: number;
  /** Everything that is ever sold of it, received before the first sale. */
  readonly receipt: { readonly quantity: number; readonly idempotencyKey: string };
}

/** Who buys under a customer number. */
export interface PlannedCustomer {
  readonly id: string;
  /** The number in the file. */
  readonly customerNo: string;
  readonly email: string;
  /** Derived from the customer number by a public rule: good for replayed trade only. */
  readonly password: string;
  readonly name: string;
  readonly idempotencyKey: string;
}

export type PlannedBuyer =
  | { readonly kind: 'customer'; readonly customer: PlannedCustomer }
  | { readonly kind: 'guest'; readonly email: string };

/** An invoice, or a part of one that a single order cannot hold. */
export interface PlannedOrder {
  readonly id: string;
  readonly idempotencyKey: string;
  readonly invoiceNo: string;
  readonly buyer: PlannedBuyer;
  /** RFC 3339; the earliest time among the invoice's rows. */
  readonly invoicedAt: string;
  /** `2010-12`; the month under which the order is reported. */
  readonly month: string;
  /** The country's name as the file spells it; the country under which the order is reported. */
  readonly country: string;
  /** ISO 3166-1 alpha-2 for the shipping address; null where the name stands for no single country. */
  readonly countryCode: string | null;
  /** In the order of the file. The API answers with its lines in this order. */
  readonly lines: readonly PlannedLine[];
  /** The sum of the lines: the `expectedTotal` of the order and the amount captured. */
  readonly totalMinor: number;
  readonly metadata: Readonly<Record<string, string>>;
  /** To be requested one after the other, in this order, once the order is captured. */
  readonly refunds: readonly PlannedRefund[];
}

export interface PlannedLine {
  readonly rowNumber: number;
  readonly product: PlannedProduct;
  readonly quantity: number;
  readonly totalMinor: number;
}

/** What one cancellation invoice takes back of one order: one refund request. */
export interface PlannedRefund {
  readonly id: string;
  readonly idempotencyKey: string;
  /** The cancellation's number, `C536379`. */
  readonly invoiceNo: string;
  readonly invoicedAt: string;
  /** The month and the country of the cancellation, under which the refund is reported. */
  readonly month: string;
  readonly country: string;
  readonly reason: string;
  /** One entry per order line; `lineIndex` counts in the order's `lines`. */
  readonly lines: readonly { readonly lineIndex: number; readonly amountMinor: number }[];
  readonly totalMinor: number;
  /** How the lines come about, piece by piece: which cancellation row takes what from which line. */
  readonly allocations: readonly RefundAllocation[];
}

/** The pieces that one cancellation row takes back from one order line, at the row's own unit price. */
export interface RefundAllocation {
  readonly rowNumber: number;
  readonly lineIndex: number;
  readonly quantity: number;
  readonly amountMinor: number;
}

/** What becomes of one row. */
export interface RowResult {
  readonly rowNumber: number;
  readonly outcome: RowOutcome;
  /** Quantity times price as the file has it, negative for what goes back; 0 for a malformed row. */
  readonly amountMinor: number;
  /** The part of `amountMinor` that reaches the ledger: all of it, none, or what a cancellation could match. */
  readonly replayedMinor: number;
  readonly quantity: number;
  /** The part of `quantity` that belongs to `replayedMinor`. */
  readonly replayedQuantity: number;
  /** Month and country of the row's invoice; null for a malformed row. */
  readonly period: { readonly month: string; readonly country: string } | null;
}

/** Decisions that the report states, each with what it touched. */
export interface PlanNotes {
  readonly malformed: readonly MalformedRow[];
  readonly roundedPrices: readonly RoundedPrice[];
  readonly mergedStockCodes: readonly string[];
  /** Invoices whose rows carry more than one time; the earliest counts. */
  readonly invoicesOverSeveralTimes: readonly string[];
  /** Invoices that became several orders: more lines than one order holds, or more than one customer or country. */
  readonly splitInvoices: readonly string[];
  /** Country names without an address country. */
  readonly countriesWithoutCode: readonly string[];
}
