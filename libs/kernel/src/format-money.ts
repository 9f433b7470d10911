import { minorUnitExponent } from './currency.js';
import type { Money } from './money.js';

/** An amount for people to read, with the decimal digits of its currency: `GBP 12.50`, `JPY 1250`, `KWD 1.250`. */
export function formatMoney({ amount, currency }: Money): string {
  const digits = minorUnitExponent(currency);
  const text = String(Math.abs(amount)).padStart(digits + 1, '0');
  const whole = text.slice(0, text.length - digits);
  const fraction = digits === 0 ? '' : `.${text.slice(-digits)}`;
  return `${currency} ${amount < 0 ? '-' : ''}${whole}${fraction}`;
}
