import {
  add,
  allocate,
  type Currency,
  DomainError,
  MAX_AMOUNT_MINOR,
  type Money,
  moneyErrors,
  multiply,
  proportionOf,
  sum,
} from '#kernel';
import { orderErrors } from './order.errors.js';

/** What is added to the price of the goods. */
export interface PricingPolicy {
  /** Flat charge per order, in minor units. */
  readonly shippingFlatMinor: number;
  /** Tax on goods and shipping: 2000 is 20 %. */
  readonly taxBasisPoints: number;
}

export interface LineToPrice {
  readonly unitPrice: Money;
  readonly quantity: number;
}

export interface PricedLine {
  readonly total: Money;
  /** The line's share of the order's total, with shipping and tax: what can be refunded for it. */
  readonly allocated: Money;
}

export interface PricedOrder {
  readonly currency: Currency;
  readonly lines: readonly PricedLine[];
  readonly subtotal: Money;
  readonly shipping: Money;
  readonly tax: Money;
  readonly total: Money;
}

/**
 * Freezes what an order costs. The lines' allocations sum to the total to the minor unit.
 *
 * @throws DomainError mixed_currencies, amount_out_of_range
 */
export function priceOrder(lines: readonly LineToPrice[], policy: PricingPolicy): PricedOrder {
  const [first] = lines;
  if (!first) throw new Error('An order has at least one line.');
  const { currency } = first.unitPrice;
  if (lines.some(({ unitPrice }) => unitPrice.currency !== currency)) {
    throw new DomainError(orderErrors.mixed_currencies, {
      extensions: { currencies: [...new Set(lines.map(({ unitPrice }) => unitPrice.currency))] },
    });
  }
  const totals = lines.map(({ unitPrice, quantity }) => multiply(unitPrice, quantity));
  const subtotal = sum(totals, currency);
  const shipping: Money = { amount: policy.shippingFlatMinor, currency };
  const tax = proportionOf(add(subtotal, shipping), policy.taxBasisPoints);
  const total = add(add(subtotal, shipping), tax);
  if (total.amount > MAX_AMOUNT_MINOR) throw new DomainError(moneyErrors.amount_out_of_range);
  const allocations = allocate(
    total,
    totals.map(({ amount }) => amount),
  );
  return {
    currency,
    lines: totals.map((lineTotal, index) => ({
      total: lineTotal,
      allocated: allocations[index] ?? lineTotal,
    })),
    subtotal,
    shipping,
    tax,
    total,
  };
}

/**
 * The part of a line's allocation that is for the pieces from `from` to `to` of its `quantity`. Whatever the pieces,
 * the parts of all of them sum to the allocation.
 */
export function shareOfPieces(allocatedMinor: number, quantity: number, from: number, to: number): number {
  const upTo = (pieces: number) => (BigInt(allocatedMinor) * BigInt(pieces)) / BigInt(quantity);
  return Number(upTo(to) - upTo(from));
}
