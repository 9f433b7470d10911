import { rungAfter } from './resolution-ladder.js';

const BOUNDS = { settleAfterMs: 1_000, attentionAfterMs: 5_000 };

describe('what to do about an operation whose outcome nobody knows', () => {
  it.each<[number | undefined, string]>([
    [undefined, 'send'],
    [0, 'send'],
    [999, 'send'],
    [1_000, 'ask'],
    [1_999, 'ask'],
    [2_000, 'conclude'],
    [4_999, 'conclude'],
    [5_000, 'ask_once_more'],
    [1_000_000, 'ask_once_more'],
  ])('when it was first sent %s ms ago: %s', (sentForMs, rung) => {
    expect(rungAfter(sentForMs, BOUNDS)).toBe(rung);
  });
});
