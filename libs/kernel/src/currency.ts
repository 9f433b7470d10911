/**
 * Minor-unit exponents by ISO 4217 code: how many decimal digits the currency's smallest unit has.
 * Source: ISO 4217, list one. Currencies with two digits, the common case, are listed too, because an unknown
 * code must be refused rather than guessed.
 */
const MINOR_UNIT_EXPONENTS = {
  AED: 2, AUD: 2, BGN: 2, BHD: 3, BRL: 2, CAD: 2, CHF: 2, CLP: 0, CNY: 2, COP: 2, CZK: 2, DKK: 2, EGP: 2, EUR: 2,
  GBP: 2, HKD: 2, HUF: 2, IDR: 2, ILS: 2, INR: 2, ISK: 0, JOD: 3, JPY: 0, KRW: 0, KWD: 3, MAD: 2, MXN: 2, MYR: 2,
  NOK: 2, NZD: 2, OMR: 3, PHP: 2, PLN: 2, QAR: 2, RON: 2, RSD: 2, SAR: 2, SEK: 2, SGD: 2, THB: 2, TND: 3, TRY: 2,
  TWD: 2, UAH: 2, UGX: 0, USD: 2, VND: 0, ZAR: 2,
} as const; // prettier-ignore

/** An ISO 4217 code that this system can hold money in. */
export type Currency = keyof typeof MINOR_UNIT_EXPONENTS;

/** Every supported currency code, in alphabetical order. */
export const CURRENCIES = Object.keys(MINOR_UNIT_EXPONENTS) as [Currency, ...Currency[]];

/** How many decimal digits the minor unit of `currency` has: JPY 0, GBP 2, KWD 3. */
export function minorUnitExponent(currency: Currency): number {
  return MINOR_UNIT_EXPONENTS[currency];
}
