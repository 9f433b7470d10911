import fc from 'fast-check';
import { allocate, money } from '#kernel';
import { type Composition, totalOf } from './ledger.js';
import { FAILED, StoredPayment, SUCCEEDED } from './testing/stored-payment.js';

const anyMinor = fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 100_000_000 }));
const anyTotal: fc.Arbitrary<Composition> = fc
  .record({ goods: anyMinor, shipping: anyMinor, tax: anyMinor })
  .filter((total) => totalOf(total) > 0);
const anyWeights = fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 8 });
const anySeed = fc.nat();
const anySeeds = fc.array(anySeed, { maxLength: 8 });

const linesOf = (total: Composition, weights: readonly number[]) =>
  allocate(money(totalOf(total), 'GBP'), weights).map(({ amount }, index) => ({
    lineId: `line ${index}`,
    amount,
  }));

/** Cuts `amount` into pieces of at least one unit, at places that `seeds` say. */
function cut(amount: number, seeds: readonly number[]): number[] {
  const places = seeds.map((seed) => seed % amount).filter((place) => place > 0);
  const bounds = [...new Set([0, ...places, amount])].sort((a, b) => a - b);
  return bounds.slice(1).map((bound, index) => bound - bounds[index]!);
}

/** The same things in an order that `seed` says. */
function shuffled<T>(things: readonly T[], seed: number): T[] {
  const rest = [...things];
  const result: T[] = [];
  for (let state = seed; rest.length > 0; state = (state * 48_271 + 11) % 2_147_483_647) {
    result.push(...rest.splice(state % rest.length, 1));
  }
  return result;
}

/** All that came in has gone back: of goods, shipping and tax, of each line, and in the books. */
function expectAllReturned(
  { state, allocations, ledger }: StoredPayment,
  { byLines }: { byLines: boolean },
): void {
  expect(state.refunded).toEqual(state.captured);
  expect(state.pendingRefundAmount).toBe(0);
  const clearing = ledger
    .flatMap(({ postings }) => postings)
    .filter(({ account }) => account === 'gateway_clearing');
  expect(clearing.reduce((sum, { amount }) => sum + amount, 0)).toBe(0);
  const refundedOfLines = [...allocations.values()].map(({ refundedAmount }) => refundedAmount);
  if (byLines) expect(refundedOfLines).toEqual([...allocations.values()].map(({ amount }) => amount));
}

describe('refunding a whole order returns exactly what was captured, of goods, shipping and tax each', () => {
  it('in any order of its lines, one by one', () => {
    fc.assert(
      fc.property(anyTotal, anyWeights, anySeed, (total, weights, seed) => {
        const lines = linesOf(total, weights);
        const payment = StoredPayment.captured({ total, lines });
        for (const { lineId } of shuffled(
          lines.filter(({ amount }) => amount > 0),
          seed,
        )) {
          payment.refund({ id: `refund of ${lineId}`, lines: [{ lineId }] });
        }
        expect(payment.state.captured).toEqual(total);
        expectAllReturned(payment, { byLines: true });
      }),
    );
  });

  it('in any groups of its lines', () => {
    fc.assert(
      fc.property(anyTotal, anyWeights, anySeed, anySeeds, (total, weights, seed, seeds) => {
        const lines = linesOf(total, weights);
        const payment = StoredPayment.captured({ total, lines });
        const rest = shuffled(
          lines.filter(({ amount }) => amount > 0),
          seed,
        );
        for (const size of cut(rest.length, seeds)) {
          const group = rest.splice(0, size).map(({ lineId }) => ({ lineId }));
          payment.refund({ id: `refund with ${rest.length} left`, lines: group });
        }
        expectAllReturned(payment, { byLines: true });
      }),
    );
  });

  it('in any pieces of its lines, also when some refunds fail and are asked for again', () => {
    fc.assert(
      fc.property(anyTotal, anyWeights, anySeed, anySeeds, (total, weights, seed, seeds) => {
        const lines = linesOf(total, weights);
        const payment = StoredPayment.captured({ total, lines });
        const pieces = lines.flatMap(({ lineId, amount }) =>
          amount === 0 ? [] : cut(amount, seeds).map((piece) => ({ lineId, amount: piece })),
        );
        shuffled(pieces, seed).forEach((piece, index) => {
          if ((seed + index) % 3 === 0) payment.refund({ id: `failed ${index}`, lines: [piece] }, FAILED);
          payment.refund({ id: `refund ${index}`, lines: [piece] });
        });
        expectAllReturned(payment, { byLines: true });
      }),
    );
  });

  it('in any amounts', () => {
    fc.assert(
      fc.property(anyTotal, anySeeds, anySeed, (total, seeds, seed) => {
        const payment = StoredPayment.captured({ total, lines: [] });
        shuffled(cut(totalOf(total), seeds), seed).forEach((amount, index) =>
          payment.refund({ id: `refund ${index}`, amount }),
        );
        expectAllReturned(payment, { byLines: false });
      }),
    );
  });

  it('in any amounts and then the rest', () => {
    fc.assert(
      fc.property(anyTotal, anySeeds, (total, seeds) => {
        const payment = StoredPayment.captured({ total, lines: [] });
        const [, ...some] = cut(totalOf(total), seeds);
        some.forEach((amount, index) => payment.refund({ id: `refund ${index}`, amount }));
        payment.refund({ id: 'rest' });
        expectAllReturned(payment, { byLines: false });
      }),
    );
  });

  it('in any amounts that are on their way at once and arrive in any order', () => {
    fc.assert(
      fc.property(anyTotal, anySeeds, anySeed, (total, seeds, seed) => {
        const payment = StoredPayment.captured({ total, lines: [] });
        const amounts = cut(totalOf(total), seeds);
        amounts.forEach((amount, index) =>
          payment.update((it) =>
            it.requestRefund({ refundId: `${index}`, operationId: `${index}`, amount, reason: null }),
          ),
        );
        for (const index of shuffled([...amounts.keys()], seed)) payment.carryOut(`${index}`, SUCCEEDED);
        expectAllReturned(payment, { byLines: false });
      }),
    );
  });

  it('however it was captured, and also when it is refunded in between', () => {
    fc.assert(
      fc.property(anyTotal, anySeeds, anySeeds, (total, captureSeeds, refundSeeds) => {
        const payment = StoredPayment.authorized({ captureMode: 'manual', total, lines: [] });
        cut(totalOf(total), captureSeeds).forEach((amount, index) => {
          payment.capture(`capture ${index}`, amount);
          const seed = refundSeeds[index];
          if (seed !== undefined) payment.refund({ id: `refund ${index}`, amount: 1 + (seed % amount) });
        });
        expect(payment.state).toMatchObject({ status: 'captured', captured: total });
        if (totalOf(payment.state.refunded) < totalOf(total)) payment.refund({ id: 'rest' });
        expectAllReturned(payment, { byLines: false });
      }),
    );
  });
});

describe('what is due for pieces that will not leave', () => {
  /** Of 15.00, a mug for 3.00 has left of three for 9.00, and none of the tea for 6.00. */
  const CLOSED = {
    fulfilledMinor: 300,
    returnedMinor: 0,
    canceled: [
      { lineId: 'mug', amount: 600 },
      { lineId: 'tea', amount: 600 },
    ],
  };
  const dueOf = (payment: StoredPayment, closed = CLOSED) =>
    payment.ask((it) => it.refundsDueForClosed(closed)).map(({ lineId, amount }) => `${lineId} ${amount}`);

  it('is what was captured for them, line by line', () => {
    expect(dueOf(StoredPayment.captured())).toEqual(['mug 600', 'tea 600']);
  });

  it.each<[string, (payment: StoredPayment) => void, readonly string[]]>([
    ['that is still authorized', () => undefined, []],
    ['that was captured as far as it has left', (payment) => payment.capture('c', 300), []],
    [
      'that was captured beyond what has left',
      (payment) => payment.capture('c', 1_000),
      ['mug 600', 'tea 100'],
    ],
  ])('of a payment %s: %s', (_, change, expected) => {
    const payment = StoredPayment.authorized();
    change(payment);
    expect(dueOf(payment)).toEqual(expected);
  });

  it.each<[string, Parameters<StoredPayment['refund']>[0], number, readonly string[]]>([
    ['a refund of the line', { id: 'r', lines: [{ lineId: 'tea' }] }, 0, ['mug 600']],
    ['a refund of an amount', { id: 'r', amount: 700 }, 0, ['mug 500']],
    [
      'a refund for what came back',
      { id: 'r', lines: [{ lineId: 'mug', amount: 300 }] },
      300,
      ['mug 600', 'tea 600'],
    ],
    ['more than is due', { id: 'r', amount: 1_400 }, 0, []],
  ])('counts %s', (_, refund, returnedMinor, expected) => {
    const payment = StoredPayment.captured();
    payment.refund(refund);
    expect(dueOf(payment, { ...CLOSED, returnedMinor })).toEqual(expected);
  });

  it('counts a refund that is on its way, and not one that failed', () => {
    const payment = StoredPayment.refunding(1_200);
    expect(dueOf(payment)).toEqual([]);
    payment.carryOut('first', FAILED);
    expect(dueOf(payment)).toEqual(['mug 600', 'tea 600']);
  });

  it('never exceeds what a bank has left', () => {
    const payment = StoredPayment.captured();
    const dispute = { gatewayId: 'dp_1', amount: 1_400, reason: 'fraudulent', respondBy: null } as const;
    payment.update((it) => it.trackDispute({ id: 'd', status: 'needs_response', ...dispute }));
    expect(dueOf(payment)).toEqual(['mug 100']);
  });

  it('leaves exactly what has left, whatever was given back before, and is due once', () => {
    fc.assert(
      fc.property(anySeeds, fc.nat({ max: 1_500 }), (seeds, fulfilledMinor) => {
        const payment = StoredPayment.captured();
        const canceled = [
          { lineId: 'mug', amount: Math.max(0, 900 - fulfilledMinor) },
          { lineId: 'tea', amount: Math.min(600, 1_500 - fulfilledMinor) },
        ];
        seeds.forEach((seed, index) => {
          const amount = Math.min(
            seed % 500,
            payment.ask((it) => it.refundableAmount),
          );
          if (amount > 0) payment.refund({ id: `r${index}`, amount });
        });
        const before = totalOf(payment.state.refunded);
        const closed = { fulfilledMinor, returnedMinor: 0, canceled };
        const lines = payment.ask((it) => it.refundsDueForClosed(closed));
        if (lines.length > 0) payment.refund({ id: 'due', lines });
        expect(totalOf(payment.state.refunded)).toBe(Math.max(before, 1_500 - fulfilledMinor));
        expect(dueOf(payment, closed)).toEqual([]);
      }),
    );
  });
});
