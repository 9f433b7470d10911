import fc from 'fast-check';
import { Books } from './books.js';
import type { Intent } from './records.js';
import { execution } from './idempotency-keys.js';

type Verb =
  | { readonly kind: 'capture'; readonly amount: number | undefined; readonly isFinal: boolean }
  | { readonly kind: 'cancel' }
  | {
      readonly kind: 'refund';
      readonly amount: number | undefined;
      readonly status: 'succeeded' | 'pending' | 'failed';
    }
  | { readonly kind: 'settle'; readonly index: number; readonly status: 'succeeded' | 'failed' };

const amount = fc.option(fc.nat({ max: 120 }), { nil: undefined });
const verb: fc.Arbitrary<Verb> = fc.oneof(
  fc.record({ kind: fc.constant('capture' as const), amount, isFinal: fc.boolean() }),
  fc.record({ kind: fc.constant('cancel' as const) }),
  fc.record({
    kind: fc.constant('refund' as const),
    amount: amount.map((any) => (any === 0 ? 1 : any)),
    status: fc.constantFrom('succeeded', 'pending', 'failed'),
  }),
  fc.record({
    kind: fc.constant('settle' as const),
    index: fc.nat({ max: 5 }),
    status: fc.constantFrom('succeeded', 'failed'),
  }),
);
const opening = fc.record({
  captureMethod: fc.constantFrom('automatic' as const, 'manual' as const),
  multicapture: fc.boolean(),
});

function carryOut(books: Books, key: string, intentId: string, asked: Verb): void {
  const metadata = {};
  switch (asked.kind) {
    case 'capture':
      books.capture(key, { intentId, amount: asked.amount, isFinal: asked.isFinal, metadata });
      return;
    case 'cancel':
      books.cancel(key, intentId);
      return;
    case 'refund':
      books.refund(key, { intentId, amount: asked.amount, reason: null, metadata }, asked.status);
      return;
    case 'settle': {
      const refund = books.refundsOfIntent(intentId)[asked.index];
      if (refund) books.settleRefund(`settle ${refund.id}`, refund.id, asked.status);
    }
  }
}

/** What the log of effects says, by kind. */
function sumsOf({ effects }: Books): Record<string, number> {
  const sums: Record<string, number> = {
    authorized: 0,
    captured: 0,
    voided: 0,
    refunded: 0,
    refund_failed: 0,
  };
  for (const { kind, amount: of } of effects) sums[kind] = (sums[kind] ?? 0) + of;
  return sums;
}

function expectSound(intent: Intent): void {
  expect(intent.amountRefunded).toBeGreaterThanOrEqual(0);
  expect(intent.amountRefunded).toBeLessThanOrEqual(intent.amountReceived);
  expect(intent.amountCapturable).toBeGreaterThanOrEqual(0);
  expect(intent.amountCapturable + intent.amountReceived).toBeLessThanOrEqual(intent.amount);
}

it('whatever is asked in whatever order, amounts stay sound and the log says what the books say', () => {
  fc.assert(
    fc.property(opening, fc.array(verb, { maxLength: 25 }), (how, verbs) => {
      const books = new Books(() => 0, 1);
      const { id } = books.create(
        'create',
        {
          ...how,
          amount: 100,
          currency: 'gbp',
          confirm: true,
          paymentMethod: 'pm_card_visa',
          metadata: {},
          errorOnAction: true,
        },
        'approved',
      );
      verbs.forEach((asked, index) => {
        const before = books.intent(id);
        const logged = books.effects.length;
        const executed = execution(() => {
          carryOut(books, `key ${index}`, id, asked);
        });
        const after = books.intent(id);
        expectSound(after);
        if ('refusal' in executed) {
          expect(after).toBe(before);
          expect(books.effects).toHaveLength(logged);
        }
        expect(books.effects.length - logged).toBeLessThanOrEqual(1);
      });
      const { captured = 0, refunded = 0, refund_failed: failed = 0 } = sumsOf(books);
      const { amountReceived, amountRefunded } = books.intent(id);
      expect({ amountReceived, amountRefunded }).toEqual({
        amountReceived: captured,
        amountRefunded: refunded - failed,
      });
      expect(books.effects.map(({ sequence }) => sequence)).toEqual(
        books.effects.map((_, index) => index + 1),
      );
    }),
    { numRuns: 500 },
  );
});
