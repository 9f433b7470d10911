import fc from 'fast-check';
import { quantitiesByProduct } from './reservation.js';

describe('the lines of an order', () => {
  it('are added up per product', () => {
    const line = fc.record({
      productId: fc.constantFrom('a', 'b', 'c', 'd'),
      quantity: fc.integer({ min: 1, max: 1_000 }),
    });
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const totals = quantitiesByProduct(lines);
        expect(new Set(totals.map(({ productId }) => productId)).size).toBe(totals.length);
        for (const { productId, quantity } of totals) {
          const own = lines.filter((line) => line.productId === productId);
          expect(quantity).toBe(own.reduce((sum, line) => sum + line.quantity, 0));
        }
        expect(new Set(lines.map((line) => line.productId)).size).toBe(totals.length);
      }),
    );
  });
});
