import type { Effect } from './records.js';

/** What was captured, given back and disputed in one currency, and what is left of it. */
export interface Totals {
  readonly captured: number;
  /** Refunds that failed do not count. */
  readonly refunded: number;
  /** Disputes that were won do not count. */
  readonly disputed: number;
  readonly net: number;
}

type Sum = Exclude<keyof Totals, 'net'>;

/** Which sum an effect changes, and in which direction; the others move no money. */
const SHARES: Readonly<Partial<Record<Effect['kind'], { readonly sum: Sum; readonly sign: 1 | -1 }>>> = {
  captured: { sum: 'captured', sign: 1 },
  refunded: { sum: 'refunded', sign: 1 },
  refund_failed: { sum: 'refunded', sign: -1 },
  disputed: { sum: 'disputed', sign: 1 },
  dispute_won: { sum: 'disputed', sign: -1 },
};

/** By currency. */
export function totalsOf(effects: readonly Effect[]): Record<string, Totals> {
  const sums: Record<string, Record<Sum, number>> = {};
  for (const { kind, amount, currency } of effects) {
    const ofCurrency = (sums[currency] ??= { captured: 0, refunded: 0, disputed: 0 });
    const share = SHARES[kind];
    if (share) ofCurrency[share.sum] += share.sign * amount;
  }
  return Object.fromEntries(
    Object.entries(sums).map(([currency, sum]) => [
      currency,
      { ...sum, net: sum.captured - sum.refunded - sum.disputed },
    ]),
  );
}
