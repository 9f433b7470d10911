import { allocate, type Currency, money } from '#kernel';

export const LEDGER_ACCOUNTS = [
  'gateway_clearing',
  'sales',
  'sales_refunds',
  'shipping',
  'tax_payable',
  'disputes',
  'fees',
] as const;
export type LedgerAccount = (typeof LEDGER_ACCOUNTS)[number];

/** One side of an entry, in minor units: debits positive, credits negative. */
export interface Posting {
  readonly account: LedgerAccount;
  readonly amount: number;
}

export const LEDGER_ENTRY_KINDS = [
  'capture',
  'refund',
  'refund_reversal',
  'dispute',
  'dispute_reversal',
] as const;

/** A movement of money with its balanced postings, written in the transaction of its cause. */
export interface LedgerEntry {
  readonly kind: (typeof LEDGER_ENTRY_KINDS)[number];
  /** The operation that moved the money; null when a dispute did. */
  readonly operationId: string | null;
  readonly disputeId: string | null;
  readonly postings: readonly Posting[];
}

/** What an amount is for, in minor units. */
export interface Composition {
  readonly goods: number;
  readonly shipping: number;
  readonly tax: number;
}

export function totalOf({ goods, shipping, tax }: Composition): number {
  return goods + shipping + tax;
}

export function plus(left: Composition, right: Composition): Composition {
  return {
    goods: left.goods + right.goods,
    shipping: left.shipping + right.shipping,
    tax: left.tax + right.tax,
  };
}

export function minus(left: Composition, right: Composition): Composition {
  return {
    goods: left.goods - right.goods,
    shipping: left.shipping - right.shipping,
    tax: left.tax - right.tax,
  };
}

/**
 * Takes `amount` out of what is left of a composition, in proportion to it. No part is ever overdrawn, and taking
 * everything takes each part exactly, whatever pieces were taken before.
 */
export function take(amount: number, left: Composition, currency: Currency): Composition {
  const [goods = 0, shipping = 0, tax = 0] = allocate(money(amount, currency), [
    left.goods,
    left.shipping,
    left.tax,
  ]).map((part) => part.amount);
  return { goods, shipping, tax };
}

/** Money came in: the gateway owes it to us, and it is sales, shipping and tax. */
export function captureEntry(operationId: string, captured: Composition): LedgerEntry {
  return entry({ kind: 'capture', operationId, disputeId: null }, [
    { account: 'gateway_clearing', amount: totalOf(captured) },
    { account: 'sales', amount: -captured.goods },
    { account: 'shipping', amount: -captured.shipping },
    { account: 'tax_payable', amount: -captured.tax },
  ]);
}

/** Money went back: the reverse, with goods on their own account so that gross sales stay visible. */
export function refundEntry(operationId: string, refunded: Composition): LedgerEntry {
  return entry({ kind: 'refund', operationId, disputeId: null }, refundPostings(refunded));
}

/** A refund has come back: the customer's bank would not take it. */
export function refundReversalEntry(operationId: string, refunded: Composition): LedgerEntry {
  return entry(
    { kind: 'refund_reversal', operationId, disputeId: null },
    refundPostings(refunded).map(({ account, amount }) => ({ account, amount: -amount })),
  );
}

/** The bank took money because a customer complained; it may come back. */
export function disputeEntry(disputeId: string, amount: number): LedgerEntry {
  return entry({ kind: 'dispute', operationId: null, disputeId }, [
    { account: 'disputes', amount },
    { account: 'gateway_clearing', amount: -amount },
  ]);
}

/** The bank gave disputed money back. */
export function disputeReversalEntry(disputeId: string, amount: number): LedgerEntry {
  return entry({ kind: 'dispute_reversal', operationId: null, disputeId }, [
    { account: 'gateway_clearing', amount },
    { account: 'disputes', amount: -amount },
  ]);
}

function refundPostings(refunded: Composition): Posting[] {
  return [
    { account: 'gateway_clearing', amount: -totalOf(refunded) },
    { account: 'sales_refunds', amount: refunded.goods },
    { account: 'shipping', amount: refunded.shipping },
    { account: 'tax_payable', amount: refunded.tax },
  ];
}

function entry(cause: Omit<LedgerEntry, 'postings'>, postings: readonly Posting[]): LedgerEntry {
  return { ...cause, postings: postings.filter(({ amount }) => amount !== 0) };
}
