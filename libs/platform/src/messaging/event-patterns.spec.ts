import { matchesAny, patternsOf } from './event-patterns.js';

describe('the patterns of a type', () => {
  it('are everything, its beginnings up to a dot, and itself', () => {
    expect(patternsOf('steelyard.order.placed.v1')).toEqual([
      '*',
      'steelyard.*',
      'steelyard.order.*',
      'steelyard.order.placed.*',
      'steelyard.order.placed.v1',
    ]);
  });

  it.each([
    ['steelyard.order.*', true],
    ['steelyard.orders.*', false],
    ['steelyard.ord*', false],
    ['steelyard.order.placed', false],
    ['steelyard.order.placed.v1', true],
    ['steelyard.order.placed.v1.*', false],
    ['*', true],
  ])('%s: %s', (pattern, matches) => {
    expect(matchesAny('steelyard.order.placed.v1', ['steelyard.user.*', pattern])).toBe(matches);
  });
});
