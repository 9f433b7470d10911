/** Exact money for the replay: whole pence as integers, never a binary fraction. */

/** A decimal price in pounds, turned into pence. */
export interface ParsedPrice {
  /** Whole pence, negative when the text is. */
  readonly amountMinor: number;
  /** True when the text had a digit other than zero beyond the penny, so that half-up rounding changed it. */
  readonly isRounded: boolean;
}

const DECIMAL = /^(-?)(\d{1,12})(?:\.(\d{1,12}))?$/;

/**
 * Reads a decimal price in pounds ("2.55", "7.5", "18", "0.001") and rounds it half-up to the penny
 * (half away from zero for a negative price). Works on the digits, so no price is ever a float.
 *
 * @returns null when the text is no plain decimal of at most twelve digits on either side of the point.
 */
export function parsePence(text: string): ParsedPrice | null {
  const match = DECIMAL.exec(text);
  if (match === null) return null;
  const [, sign = '', pounds = '', fraction = ''] = match;
  const pennies = fraction.slice(0, 2).padEnd(2, '0');
  const beyondThePenny = fraction.slice(2);
  const roundUp = beyondThePenny >= '5' ? 1 : 0;
  const magnitude = Number(pounds) * 100 + Number(pennies) + roundUp;
  return {
    // A price that rounds to nothing is plain zero, not the negative zero of IEEE 754.
    amountMinor: sign === '-' && magnitude > 0 ? -magnitude : magnitude,
    isRounded: /[1-9]/.test(beyondThePenny),
  };
}

/** Adds amounts in pence. @throws RangeError when the sum is no longer exact in a JavaScript number. */
export function sumPence(amountsMinor: Iterable<number>): number {
  let sum = 0;
  for (const amountMinor of amountsMinor) sum += amountMinor;
  if (!Number.isSafeInteger(sum)) throw new RangeError(`The sum of amounts left the safe integers: ${sum}.`);
  return sum;
}

/** Pence as pounds for people: 123456 → "1,234.56", -5 → "-0.05". */
export function formatPence(amountMinor: number): string {
  const digits = Math.abs(amountMinor).toString().padStart(3, '0');
  const pounds = digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, ',');
  return `${amountMinor < 0 ? '-' : ''}${pounds}.${digits.slice(-2)}`;
}
