import fc from 'fast-check';
import { captureEntry, type Composition, refundEntry, take, totalOf } from './ledger.js';

const NOTHING: Composition = { goods: 0, shipping: 0, tax: 0 };
const PARTS = ['goods', 'shipping', 'tax'] as const;

const minor = fc.oneof({ weight: 3, arbitrary: fc.nat({ max: 50 }) }, fc.nat({ max: 1_000_000_000 }));
const composition: fc.Arbitrary<Composition> = fc.record({ goods: minor, shipping: minor, tax: minor });

/** What is left of `left` when `taken` is gone. */
function without(left: Composition, taken: Composition): Composition {
  return {
    goods: left.goods - taken.goods,
    shipping: left.shipping - taken.shipping,
    tax: left.tax - taken.tax,
  };
}

describe('take', () => {
  it.each<[string, number, Composition, Composition]>([
    ['in proportion', 150, { goods: 1_000, shipping: 300, tax: 200 }, { goods: 100, shipping: 30, tax: 20 }],
    [
      'the odd unit where most of it is due',
      1,
      { goods: 3, shipping: 2, tax: 2 },
      { goods: 1, shipping: 0, tax: 0 },
    ],
    ['nothing of what is used up', 2, { goods: 0, shipping: 3, tax: 1 }, { goods: 0, shipping: 2, tax: 0 }],
    ['all', 7, { goods: 3, shipping: 3, tax: 1 }, { goods: 3, shipping: 3, tax: 1 }],
    ['nothing', 0, { goods: 3, shipping: 3, tax: 1 }, NOTHING],
  ])('takes %s', (_, amount, left, taken) => {
    expect(take(amount, left, 'GBP')).toEqual(taken);
  });

  it('takes exactly the amount, and never more of a part than is left of it', () => {
    fc.assert(
      fc.property(composition, fc.nat(), (left, seed) => {
        const amount = seed % (totalOf(left) + 1);
        const taken = take(amount, left, 'GBP');
        expect(totalOf(taken)).toBe(amount);
        for (const part of PARTS) {
          expect(taken[part]).toBeGreaterThanOrEqual(0);
          expect(taken[part]).toBeLessThanOrEqual(left[part]);
        }
      }),
    );
  });

  it('has taken each part exactly when all is taken, whatever the pieces', () => {
    fc.assert(
      fc.property(composition, fc.array(fc.nat(), { maxLength: 20 }), (whole, seeds) => {
        let left = whole;
        for (const seed of seeds) left = without(left, take(seed % (totalOf(left) + 1), left, 'GBP'));
        left = without(left, take(totalOf(left), left, 'GBP'));
        expect(left).toEqual(NOTHING);
      }),
    );
  });
});

describe('a capture in the ledger', () => {
  it('debits clearing with the whole and credits what it is for', () => {
    expect(captureEntry('operation', { goods: 1_000, shipping: 300, tax: 200 })).toEqual({
      kind: 'capture',
      operationId: 'operation',
      disputeId: null,
      postings: [
        { account: 'gateway_clearing', amount: 1_500 },
        { account: 'sales', amount: -1_000 },
        { account: 'shipping', amount: -300 },
        { account: 'tax_payable', amount: -200 },
      ],
    });
  });
});

describe('a refund in the ledger', () => {
  it('is the reverse, with goods on their own account', () => {
    expect(refundEntry('operation', { goods: 1_000, shipping: 300, tax: 200 })).toEqual({
      kind: 'refund',
      operationId: 'operation',
      disputeId: null,
      postings: [
        { account: 'gateway_clearing', amount: -1_500 },
        { account: 'sales_refunds', amount: 1_000 },
        { account: 'shipping', amount: 300 },
        { account: 'tax_payable', amount: 200 },
      ],
    });
  });
});

describe.each([
  ['capture', captureEntry],
  ['refund', refundEntry],
])('any %s entry', (_, entryOf) => {
  it('sums to zero and names no account without an amount', () => {
    const mayLackParts = fc.tuple(composition, fc.subarray([...PARTS]));
    fc.assert(
      fc.property(mayLackParts, ([whole, missing]) => {
        const amounts = { ...whole, ...Object.fromEntries(missing.map((part) => [part, 0])) };
        const { postings } = entryOf('operation', amounts);
        expect(postings.reduce((sum, { amount }) => sum + amount, 0)).toBe(0);
        expect(postings.filter(({ amount }) => amount === 0)).toEqual([]);
        expect(new Set(postings.map(({ account }) => account)).size).toBe(postings.length);
      }),
    );
  });
});
