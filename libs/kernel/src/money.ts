import type { Currency } from './currency.js';
import { DomainError, defineErrors } from './domain-error.js';

/** An amount in integer minor units (pence, cents) of one currency. Plain data, so it travels as it is. */
export interface Money {
  readonly amount: number;
  readonly currency: Currency;
}

export const moneyErrors = defineErrors({
  amount_out_of_range: { kind: 'unprocessable', title: 'The amount is too large to be represented exactly' },
  currency_mismatch: { kind: 'unprocessable', title: 'Amounts of different currencies do not combine' },
});

/**
 * Largest price, payment or total of an order, in minor units. A thousand lines of it still sum exactly, and so do
 * the books of nine thousand such orders.
 */
export const MAX_AMOUNT_MINOR = 1_000_000_000_000;

/** Builds an amount; refuses what is not an exactly representable integer. */
export function money(amount: number, currency: Currency): Money {
  if (!Number.isSafeInteger(amount)) {
    throw new DomainError(moneyErrors.amount_out_of_range);
  }
  return { amount, currency };
}

export function zero(currency: Currency): Money {
  return { amount: 0, currency };
}

export function add(left: Money, right: Money): Money {
  requireSameCurrency(left, right);
  return money(left.amount + right.amount, left.currency);
}

/** `unit` times a whole `quantity`. */
export function multiply(unit: Money, quantity: number): Money {
  return money(unit.amount * quantity, unit.currency);
}

/** The sum of `amounts`, zero when there are none. */
export function sum(amounts: Iterable<Money>, currency: Currency): Money {
  let total = zero(currency);
  for (const amount of amounts) total = add(total, amount);
  return total;
}

export function equals(left: Money, right: Money): boolean {
  return left.amount === right.amount && left.currency === right.currency;
}

/**
 * Splits `whole` in proportion to integer `weights` by largest remainder: each part is the exact share rounded
 * down, and the units left over go to the largest remainders, the earlier part first on a tie. The parts always
 * sum to the whole. When every weight is zero the first part takes all.
 */
export function allocate(whole: Money, weights: readonly number[]): Money[] {
  if (weights.length === 0) return [];
  const total = weights.reduce((acc, weight) => acc + BigInt(weight), 0n);
  if (total === 0n) {
    return weights.map((_, index) => (index === 0 ? whole : zero(whole.currency)));
  }
  const sign = whole.amount < 0 ? -1n : 1n;
  const magnitude = BigInt(whole.amount) * sign;
  const shares = weights.map((weight, index) => {
    const exact = magnitude * BigInt(weight);
    return { index, units: exact / total, remainder: exact % total };
  });
  let left = magnitude - shares.reduce((acc, share) => acc + share.units, 0n);
  const byRemainder = [...shares].sort((a, b) =>
    a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1,
  );
  for (const share of byRemainder) {
    if (left === 0n) break;
    share.units += 1n;
    left -= 1n;
  }
  return shares.map((share) => money(Number(share.units * sign), whole.currency));
}

/** `amount` times `basisPoints` / 10,000, rounded half away from zero to the minor unit. */
export function proportionOf(amount: Money, basisPoints: number): Money {
  const scaled = BigInt(amount.amount) * BigInt(basisPoints);
  const sign = scaled < 0n ? -1n : 1n;
  return money(Number(((scaled * sign + 5_000n) / 10_000n) * sign), amount.currency);
}

function requireSameCurrency(left: Money, right: Money): void {
  if (left.currency !== right.currency) {
    throw new DomainError(moneyErrors.currency_mismatch, {
      detail: `${left.currency} and ${right.currency} were combined.`,
    });
  }
}
