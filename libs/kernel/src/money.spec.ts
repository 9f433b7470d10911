import fc from 'fast-check';
import {
  add,
  allocate,
  equals,
  MAX_AMOUNT_MINOR,
  money,
  multiply,
  proportionOf,
  sum,
  zero,
  type Money,
} from './money.js';

const LARGEST = Number.MAX_SAFE_INTEGER;
const gbp = (amount: number): Money => ({ amount, currency: 'GBP' });
const eur = (amount: number): Money => ({ amount, currency: 'EUR' });
const amountsOf = (parts: readonly Money[]) => parts.map(({ amount }) => amount);
const exactSum = (amounts: readonly number[]) =>
  amounts.reduce((total, amount) => total + BigInt(amount), 0n);
const magnitude = (value: bigint) => (value < 0n ? -value : value);

describe('money', () => {
  it('is a whole number of minor units in a currency', () => {
    expect(money(1234, 'GBP')).toEqual({ amount: 1234, currency: 'GBP' });
    expect(zero('JPY')).toEqual({ amount: 0, currency: 'JPY' });
  });

  it.each([0.5, 1e-9, LARGEST + 1, -LARGEST - 1, 1e300, Infinity, -Infinity, NaN])(
    'refuses %d, which is not exactly a whole number',
    (amount) => {
      expect(() => money(amount, 'GBP')).toThrow(expect.objectContaining({ code: 'amount_out_of_range' }));
    },
  );

  it('is equal to the same amount of the same currency only', () => {
    expect(equals(gbp(5), gbp(5))).toBe(true);
    expect(equals(gbp(5), gbp(6))).toBe(false);
    expect(equals(gbp(5), eur(5))).toBe(false);
  });
});

describe('the largest amount of an order', () => {
  it('is exact a thousand times over in an order, and in the books of nine thousand orders', () => {
    expect(Number.isSafeInteger(1_000 * MAX_AMOUNT_MINOR)).toBe(true);
    expect(Number.isSafeInteger(9_000 * MAX_AMOUNT_MINOR)).toBe(true);
  });
});

describe('arithmetic', () => {
  it('adds, multiplies and sums', () => {
    expect(add(gbp(70), gbp(-100))).toEqual(gbp(-30));
    expect(multiply(gbp(125), 3)).toEqual(gbp(375));
    expect(sum([gbp(1), gbp(2), gbp(3)], 'GBP')).toEqual(gbp(6));
    expect(sum([], 'JPY')).toEqual(zero('JPY'));
  });

  it.each([
    ['add', () => add(gbp(LARGEST), gbp(1))],
    ['add', () => add(gbp(-LARGEST), gbp(-1))],
    ['multiply', () => multiply(gbp(1_000_000_000_000), 10_000_000)],
    ['multiply', () => multiply(gbp(94_906_267), 94_906_267)],
    ['sum', () => sum([gbp(LARGEST), gbp(1), gbp(-1)], 'GBP')],
    ['proportionOf', () => proportionOf(gbp(LARGEST), 10_001)],
  ])('%s refuses a result that is not exact', (_, act) => {
    expect(act).toThrow(expect.objectContaining({ code: 'amount_out_of_range' }));
  });

  it.each([
    ['add', () => add(gbp(1), eur(1))],
    ['sum', () => sum([gbp(1), eur(1)], 'GBP')],
    ['sum', () => sum([eur(1)], 'GBP')],
  ])('%s refuses two currencies', (_, act) => {
    expect(act).toThrow(expect.objectContaining({ code: 'currency_mismatch' }));
  });

  it('is exact, or refuses', () => {
    const operations = {
      add: { exact: (a: bigint, b: bigint) => a + b, act: (a: number, b: number) => add(gbp(a), gbp(b)) },
      multiply: {
        exact: (a: bigint, b: bigint) => a * b,
        act: (a: number, b: number) => multiply(gbp(a), b),
      },
    };
    const operand = fc.oneof(fc.maxSafeInteger(), fc.integer());
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(operations)), operand, operand, ({ exact, act }, a, b) => {
        const expected = exact(BigInt(a), BigInt(b));
        if (magnitude(expected) <= BigInt(LARGEST)) expect(BigInt(act(a, b).amount)).toBe(expected);
        else expect(() => act(a, b)).toThrow(expect.objectContaining({ code: 'amount_out_of_range' }));
      }),
    );
  });
});

describe('allocate', () => {
  it.each([
    ['what divides evenly, evenly', 90, [1, 1, 1], [30, 30, 30]],
    ['the odd unit to the earlier part on a tie', 100, [1, 1, 1], [34, 33, 33]],
    ['the odd unit to the largest remainder', 1, [1, 3], [0, 1]],
    ['several odd units to the largest remainders', 5, [26, 37, 37], [1, 2, 2]],
    ['a negative whole as its mirror image', -100, [1, 1, 1], [-34, -33, -33]],
    ['nothing as nothings', 0, [1, 2], [0, 0]],
    ['nothing to a weight of zero', 101, [1, 0, 1], [51, 0, 50]],
    ['all to the first part when every weight is zero', 100, [0, 0], [100, 0]],
    ['all to the only part', 7, [3], [7]],
    ['no parts where there are no weights', 100, [], []],
    ['the largest amount by the largest weights', LARGEST, [LARGEST, LARGEST], [2 ** 52, 2 ** 52 - 1]],
  ])('gives %s', (_, whole, weights, parts) => {
    expect(allocate(gbp(whole), weights)).toEqual(parts.map(gbp));
  });

  const weight = fc.oneof(fc.nat({ max: 9 }), fc.nat(), fc.maxSafeNat());
  const weights = fc.array(weight, { minLength: 1, maxLength: 12 });
  const whole = fc.oneof(fc.integer({ min: -100, max: 100 }), fc.maxSafeInteger());

  it('makes parts that sum to the whole', () => {
    fc.assert(
      fc.property(whole, weights, (amount, shares) => {
        expect(exactSum(amountsOf(allocate(gbp(amount), shares)))).toBe(BigInt(amount));
      }),
    );
  });

  it('makes each part less than one unit off its exact share', () => {
    fc.assert(
      fc.property(whole, weights, (amount, shares) => {
        const total = exactSum(shares);
        fc.pre(total > 0n);
        allocate(gbp(amount), shares).forEach((part, index) => {
          const offTimesTotal = BigInt(part.amount) * total - BigInt(amount) * BigInt(shares[index]!);
          expect(magnitude(offTimesTotal)).toBeLessThan(total);
        });
      }),
    );
  });

  it('never gives a greater weight less, nor the later of two equal weights more', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), weights, (amount, shares) => {
        fc.pre(shares.some((share) => share > 0));
        const parts = amountsOf(allocate(gbp(amount), shares));
        const byWeight = shares
          .map((share, index) => ({ share, index, part: parts[index]! }))
          .sort((a, b) => a.share - b.share || b.index - a.index);
        const ordered = byWeight.map(({ part }) => part);
        expect(ordered).toEqual([...ordered].sort((a, b) => a - b));
      }),
    );
  });

  it('treats a negative whole as the mirror image of the positive one', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), weights, (amount, shares) => {
        const mirrored = amountsOf(allocate(gbp(-amount), shares)).map((part) => 0 - part);
        expect(mirrored).toEqual(amountsOf(allocate(gbp(amount), shares)));
      }),
    );
  });
});

describe('proportionOf', () => {
  it.each([
    ['20 % of 1.00', 100, 2_000, 20],
    ['half a unit, rounded up', 1, 5_000, 1],
    ['less than half a unit, rounded down', 1, 4_999, 0],
    ['minus half a unit, rounded away from zero', -1, 5_000, -1],
    ['one and a half units, rounded up', 3, 5_000, 2],
    ['17.5 % of 9.99', 999, 1_750, 175],
    ['nothing of something', 999, 0, 0],
    ['all of the largest amount', LARGEST, 10_000, LARGEST],
  ])('takes %s', (_, amount, basisPoints, expected) => {
    expect(proportionOf(gbp(amount), basisPoints).amount).toBe(expected);
  });

  it('is never more than half a unit off', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.nat({ max: 10_000 }), (amount, basisPoints) => {
        const scaled = BigInt(proportionOf(gbp(amount), basisPoints).amount) * 10_000n;
        const off = scaled - BigInt(amount) * BigInt(basisPoints);
        expect(magnitude(off)).toBeLessThanOrEqual(5_000n);
      }),
    );
  });
});
