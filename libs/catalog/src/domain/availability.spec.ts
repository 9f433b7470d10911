import { availabilityOf, LOW_STOCK_MAX } from './availability.js';

describe('availability', () => {
  it.each([
    [0, 'out_of_stock'],
    [1, 'low_stock'],
    [LOW_STOCK_MAX, 'low_stock'],
    [LOW_STOCK_MAX + 1, 'in_stock'],
    [1_000_000_000_000, 'in_stock'],
  ])('of %d available pieces is %s', (available, availability) => {
    expect(availabilityOf(available)).toBe(availability);
  });
});
