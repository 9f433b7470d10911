import type { Currency } from './currency.js';
import { formatMoney } from './format-money.js';

describe('an amount for people', () => {
  it.each<[number, Currency, string]>([
    [1250, 'GBP', 'GBP 12.50'],
    [5, 'GBP', 'GBP 0.05'],
    [0, 'GBP', 'GBP 0.00'],
    [-1250, 'GBP', 'GBP -12.50'],
    [1250, 'JPY', 'JPY 1250'],
    [1250, 'KWD', 'KWD 1.250'],
    [7, 'KWD', 'KWD 0.007'],
    [1_000_000_000_000, 'EUR', 'EUR 10000000000.00'],
  ])('%d %s is %s', (amount, currency, text) => {
    expect(formatMoney({ amount, currency })).toBe(text);
  });
});
