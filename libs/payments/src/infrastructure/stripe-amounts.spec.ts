import { toStripeAmount } from './stripe-amounts.js';

it.each([
  ['GBP', 1_250, 1_250],
  ['JPY', 500, 500],
  ['KWD', 5_120, 5_120],
  ['ISK', 5, 500],
  ['UGX', 3_700, 370_000],
])('in %s, %d of ours are %d of Stripe', (currency, amount, expected) => {
  expect(toStripeAmount(amount, currency)).toBe(expected);
});
