import fc from 'fast-check';
import { type Currency, MAX_AMOUNT_MINOR } from '#kernel';
import { type LineToPrice, priceOrder, type PricingPolicy, shareOfPieces } from './pricing.js';

const FREE_OF_EXTRAS: PricingPolicy = { shippingFlatMinor: 0, taxBasisPoints: 0 };

const line = (amount: number, quantity = 1, currency: Currency = 'GBP'): LineToPrice => ({
  unitPrice: { amount, currency },
  quantity,
});
const amountsOf = (amounts: readonly { readonly amount: number }[]) => amounts.map(({ amount }) => amount);
const sumOf = (amounts: readonly number[]) => amounts.reduce((sum, amount) => sum + amount, 0);

describe('the price of an order', () => {
  it('is the sum of its lines, each its unit price times its quantity', () => {
    const priced = priceOrder([line(625, 2), line(199, 3)], FREE_OF_EXTRAS);
    expect(amountsOf(priced.lines.map(({ total }) => total))).toEqual([1_250, 597]);
    expect(priced).toMatchObject({
      currency: 'GBP',
      subtotal: { amount: 1_847, currency: 'GBP' },
      shipping: { amount: 0, currency: 'GBP' },
      tax: { amount: 0, currency: 'GBP' },
      total: { amount: 1_847, currency: 'GBP' },
    });
  });

  it('has flat shipping added, and tax on goods and shipping', () => {
    const priced = priceOrder([line(1_000)], { shippingFlatMinor: 495, taxBasisPoints: 2_000 });
    expect(amountsOf([priced.subtotal, priced.shipping, priced.tax, priced.total])).toEqual([
      1_000, 495, 299, 1_794,
    ]);
  });

  it('has tax rounded once, for the whole order, half a unit upwards', () => {
    const policy = { shippingFlatMinor: 0, taxBasisPoints: 5_000 };
    expect(priceOrder([line(1), line(1), line(1)], policy).tax.amount).toBe(2);
  });

  it('may be as large as any amount of the API', () => {
    const policy = { shippingFlatMinor: 400_000, taxBasisPoints: 0 };
    const priced = priceOrder([line(MAX_AMOUNT_MINOR - 400_000)], policy);
    expect(priced.total.amount).toBe(MAX_AMOUNT_MINOR);
  });

  it('is in the currency of its lines, whatever its minor unit', () => {
    const priced = priceOrder([line(500, 2, 'JPY')], { shippingFlatMinor: 300, taxBasisPoints: 1_000 });
    expect(priced.currency).toBe('JPY');
    expect(priced.total).toEqual({ amount: 1_430, currency: 'JPY' });
  });
});

describe('the frozen share of a line', () => {
  it('is its price with its part of shipping and tax', () => {
    const priced = priceOrder([line(1_000), line(3_000)], { shippingFlatMinor: 400, taxBasisPoints: 2_000 });
    expect(amountsOf(priced.lines.map(({ allocated }) => allocated))).toEqual([1_320, 3_960]);
  });

  it('is nothing for a line that costs nothing', () => {
    const priced = priceOrder([line(0), line(1_000)], { shippingFlatMinor: 500, taxBasisPoints: 0 });
    expect(amountsOf(priced.lines.map(({ allocated }) => allocated))).toEqual([0, 1_500]);
  });

  it('is all of the shipping for the first line where every line costs nothing', () => {
    const priced = priceOrder([line(0), line(0)], { shippingFlatMinor: 500, taxBasisPoints: 0 });
    expect(amountsOf(priced.lines.map(({ allocated }) => allocated))).toEqual([500, 0]);
  });
});

describe('any order', () => {
  const anyLineOf = (maxAmount: number, maxQuantity: number) =>
    fc
      .tuple(fc.nat({ max: maxAmount }), fc.integer({ min: 1, max: maxQuantity }))
      .map(([amount, quantity]) => line(amount, quantity));
  // Thirty of the dearest, with as much tax again, stay within what an order may cost.
  const anyLine = fc.oneof(anyLineOf(30, 5_000), anyLineOf(3_000_000, 5_000), anyLineOf(3_000_000_000, 5));
  const anyLines = fc.array(anyLine, { minLength: 1, maxLength: 30 });
  const anyPolicy = fc.record({
    shippingFlatMinor: fc.nat({ max: 100_000 }),
    taxBasisPoints: fc.nat({ max: 10_000 }),
  });

  it('costs goods, shipping and tax, and nothing else', () => {
    fc.assert(
      fc.property(anyLines, anyPolicy, (lines, policy) => {
        const { subtotal, shipping, tax, total, lines: priced } = priceOrder(lines, policy);
        expect(subtotal.amount + shipping.amount + tax.amount).toBe(total.amount);
        expect(sumOf(priced.map((it) => it.total.amount))).toBe(subtotal.amount);
      }),
    );
  });

  it('is allocated to its lines to the last minor unit', () => {
    fc.assert(
      fc.property(anyLines, anyPolicy, (lines, policy) => {
        const { total, lines: priced } = priceOrder(lines, policy);
        expect(sumOf(priced.map(({ allocated }) => allocated.amount))).toBe(total.amount);
      }),
    );
  });

  it('never allocates less to a line than it costs', () => {
    fc.assert(
      fc.property(anyLines, anyPolicy, (lines, policy) => {
        for (const { total, allocated } of priceOrder(lines, policy).lines) {
          expect(allocated.amount).toBeGreaterThanOrEqual(total.amount);
        }
      }),
    );
  });
});

describe('an order has no price', () => {
  const INEXACT = Number.MAX_SAFE_INTEGER;
  const tooMuch = expect.objectContaining({ code: 'amount_out_of_range' });

  it.each<[string, LineToPrice[], PricingPolicy]>([
    ['a line', [line(MAX_AMOUNT_MINOR / 2 + 1, 2)], FREE_OF_EXTRAS],
    ['the sum of its lines', [line(MAX_AMOUNT_MINOR), line(1)], FREE_OF_EXTRAS],
    ['its shipping', [line(MAX_AMOUNT_MINOR)], { shippingFlatMinor: 1, taxBasisPoints: 0 }],
    ['its tax', [line(MAX_AMOUNT_MINOR)], { shippingFlatMinor: 0, taxBasisPoints: 1 }],
  ])('when %s makes it cost more than an order may', (_, lines, policy) => {
    expect(() => priceOrder(lines, policy)).toThrow(tooMuch);
  });

  it.each<[string, LineToPrice[], PricingPolicy]>([
    ['a line', [line(MAX_AMOUNT_MINOR, 10_000_000)], FREE_OF_EXTRAS],
    ['the sum of its lines', [line(INEXACT), line(1)], FREE_OF_EXTRAS],
    ['its shipping', [line(INEXACT)], { shippingFlatMinor: 1, taxBasisPoints: 0 }],
    ['its tax', [line(INEXACT)], { shippingFlatMinor: 0, taxBasisPoints: 1 }],
  ])('when %s would make it too large to be exact', (_, lines, policy) => {
    expect(() => priceOrder(lines, policy)).toThrow(tooMuch);
  });

  it('in two currencies at once', () => {
    expect(() => priceOrder([line(1), line(1, 1, 'EUR'), line(1, 1, 'EUR')], FREE_OF_EXTRAS)).toThrow(
      expect.objectContaining({ code: 'mixed_currencies', extensions: { currencies: ['GBP', 'EUR'] } }),
    );
  });

  it('without lines: that is a defect of the caller', () => {
    expect(() => priceOrder([], FREE_OF_EXTRAS)).toThrow('An order has at least one line.');
  });
});

describe('the share of some pieces of a line', () => {
  it.each([
    [1_000, 4, [250, 250, 250, 250]],
    [1_000, 3, [333, 333, 334]],
    [2, 5, [0, 0, 1, 0, 1]],
    [0, 3, [0, 0, 0]],
    [7, 1, [7]],
  ])('of %d for %d pieces is, one by one, %j', (allocated, quantity, shares) => {
    expect(shares.map((_, piece) => shareOfPieces(allocated, quantity, piece, piece + 1))).toEqual(shares);
  });

  it('sums to the allocation, whatever the parcels', () => {
    const anyParcels = fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.maxSafeNat(), anyParcels, (allocated, parcels) => {
        const quantity = sumOf(parcels);
        let sent = 0;
        const shares = parcels.map((pieces) => shareOfPieces(allocated, quantity, sent, (sent += pieces)));
        expect(sumOf(shares)).toBe(allocated);
        expect(Math.min(...shares)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('is never more than one unit off what the pieces are worth', () => {
    const anyPieces = fc
      .tuple(fc.nat({ max: 500 }), fc.nat({ max: 500 }), fc.nat({ max: 500 }))
      .filter(([, pieces, after]) => pieces + after > 0);
    fc.assert(
      fc.property(fc.nat({ max: 1_000_000_000 }), anyPieces, (allocated, [from, pieces, after]) => {
        const quantity = from + pieces + after;
        const worth = (allocated * pieces) / quantity;
        expect(Math.abs(shareOfPieces(allocated, quantity, from, from + pieces) - worth)).toBeLessThan(1);
      }),
    );
  });
});
