import type { TradeRow } from './trade-row.js';

/**
 * Everything that can become of a row, in the order in which the report lists it, each with the sentence that the
 * report prints. A row has exactly one outcome.
 */
export const ROW_OUTCOMES = {
  sold: 'a line of an order',
  refunded: 'cancelled, and refunded in full against earlier purchases',
  refund_partially_matched:
    'cancelled; only some of the pieces are found among earlier purchases and refunded',
  refund_exceeds_purchases:
    'cancelled; earlier purchases of the code exist, but nothing of them is left to refund',
  refund_before_purchase: 'cancelled; the customer buys the code only later in the file',
  refund_without_purchase:
    'cancelled; the customer never buys the code in the file, presumably before it begins',
  refund_no_customer: 'cancelled without a customer: whose purchase it was is not known',
  discount_unmatched: 'a discount (D) booked as a cancellation: it takes back no line',
  fee_unmatched: "the seller's own cost (fees, samples) booked as a cancellation: no customer paid it",
  zero_price: 'handed out at a price of zero: there is nothing to pay',
  stock_write_off: 'negative quantity at no price outside a cancellation: stock written off or corrected',
  negative_without_cancellation: 'negative quantity at a price outside a cancellation',
  cancellation_zero_price: 'cancelled at a price of zero: there is nothing to refund',
  cancellation_positive_quantity: 'a positive quantity on a cancellation',
  negative_price: 'a price below zero',
  bad_debt_adjustment: 'an accounting adjustment (invoice number A…), no sale',
  zero_quantity: 'a quantity of zero',
  malformed: 'a row that cannot be understood',
  order_failed: 'a line of an order that the API refused',
  refund_failed: 'a refund of which the API refused at least a part',
} as const;

/** The name of what became of a row. */
export type RowOutcome = keyof typeof ROW_OUTCOMES;

/** What a row asks for by itself, before anybody has looked for the purchase that a cancellation belongs to. */
export type RowIntent =
  | { readonly kind: 'sale' }
  | { readonly kind: 'cancellation' }
  | { readonly kind: 'skipped'; readonly outcome: RowOutcome };

/** Codes of rows that take money back without taking back a thing: a discount on trade as a whole. */
const DISCOUNT_CODES: ReadonlySet<string> = new Set(['D']);

/**
 * The seller's own costs: Amazon's fees, bank charges, samples, and the share for a charity. Booked as
 * cancellations, they are money that left the house and no customer's purchase.
 */
const FEE_CODES: ReadonlySet<string> = new Set(['AMAZONFEE', 'BANK CHARGES', 'CRUK', 'S']);

/**
 * Sorts a row by its own content alone. Codes that are no goods (POST, DOT, M, …) are sold like any product when
 * their quantity and price are positive: that is revenue, whatever was sold.
 */
export function intentOf(row: TradeRow): RowIntent {
  const isCancellation = row.invoiceNo.startsWith('C');
  if (row.invoiceNo.startsWith('A')) return skipped('bad_debt_adjustment');
  if (row.quantity === 0) return skipped('zero_quantity');
  if (row.unitPriceMinor < 0) return skipped('negative_price');
  if (isCancellation && row.quantity > 0) return skipped('cancellation_positive_quantity');
  if (isCancellation && row.unitPriceMinor === 0) return skipped('cancellation_zero_price');
  if (isCancellation) return { kind: 'cancellation' };
  if (row.quantity < 0 && row.unitPriceMinor === 0) return skipped('stock_write_off');
  if (row.quantity < 0) return skipped('negative_without_cancellation');
  if (row.unitPriceMinor === 0) return skipped('zero_price');
  return { kind: 'sale' };
}

/** What is known about the purchases that a cancellation row found nothing left in. */
export type PurchaseHistory = 'no_customer' | 'earlier' | 'only_later' | 'none';

/** Names the class of a cancellation row for which nothing at all is refunded. */
export function unmatchedOutcome(stockCode: string, history: PurchaseHistory): RowOutcome {
  if (DISCOUNT_CODES.has(stockCode)) return 'discount_unmatched';
  if (FEE_CODES.has(stockCode)) return 'fee_unmatched';
  switch (history) {
    case 'no_customer':
      return 'refund_no_customer';
    case 'earlier':
      return 'refund_exceeds_purchases';
    case 'only_later':
      return 'refund_before_purchase';
    case 'none':
      return 'refund_without_purchase';
  }
}

function skipped(outcome: RowOutcome): RowIntent {
  return { kind: 'skipped', outcome };
}
