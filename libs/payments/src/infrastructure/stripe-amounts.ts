/**
 * Where Stripe counts in hundredths that ISO 4217 no longer gives the currency: aurar and cents of the shilling are
 * gone, but Stripe's amounts still have them. https://docs.stripe.com/currencies#special-cases
 */
const STRIPE_UNITS_PER_MINOR_UNIT: Readonly<Record<string, number>> = { ISK: 100, UGX: 100 };

/**
 * An amount as Stripe counts it: in its smallest unit, which for nearly all currencies is ours.
 *
 * @param amount minor units of `currency` by ISO 4217
 */
export function toStripeAmount(amount: number, currency: string): number {
  return amount * (STRIPE_UNITS_PER_MINOR_UNIT[currency] ?? 1);
}

/** The amount in minor units by ISO 4217 that Stripe counts as `amount`. */
export function fromStripeAmount(amount: number, currency: string): number {
  return amount / (STRIPE_UNITS_PER_MINOR_UNIT[currency] ?? 1);
}
