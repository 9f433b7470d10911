import { backoffMs } from './backoff.js';

describe('the wait before another try', () => {
  it.each([
    [0, 100],
    [1, 200],
    [6, 6_400],
    [7, 10_000],
    [5_000, 10_000],
  ])('after %d failures before this one is %d ms', (failuresBefore, ms) => {
    expect(backoffMs({ firstMs: 100, longestMs: 10_000 }, failuresBefore)).toBe(ms);
  });
});
