import { type Currency, DomainError, type Money, moneyErrors } from '#kernel';

/**
 * The minor units of an amount that a caller named for a payment in `currency`.
 *
 * @throws DomainError currency_mismatch
 */
export function minorUnits(amount: Money | undefined, currency: Currency): number | undefined {
  if (amount && amount.currency !== currency) {
    throw new DomainError(moneyErrors.currency_mismatch, { detail: `The payment is in ${currency}.` });
  }
  return amount?.amount;
}
