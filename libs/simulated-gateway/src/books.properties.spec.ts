import fc from 'fast-check';
import { Books } from './books.js';
import type { Intent } from './records.js';
import { execution } from './idempotency-keys.js';
import { totalsOf } from './totals.js';

type Verb =
  | { readonly kind: 'capture'; readonly amount: number | undefined; readonly isFinal: boolean }
  | { readonly kind: 'cancel' }
  | {
      readonly kind: 'refund';
      readonly amount: number | undefined;
      readonly status: 'succeeded' | 'pending' | 'failed';
    }
  | { readonly kind: 'settle'; readonly index: number; readonly status: 'succeeded' | 'failed' }
  | { readonly kind: 'expire' }
  | { readonly kind: 'dispute'; readonly amount: number | undefined }
  | { readonly kind: 'close'; readonly index: number; readonly status: 'won' | 'lost' };

const amount = fc.option(fc.nat({ max: 120 }), { nil: undefined });
const positive = amount.map((any) => (any === 0 ? 1 : any));
const verb: fc.Arbitrary<Verb> = fc.oneof(
  fc.record({ kind: fc.constant('capture' as const), amount, isFinal: fc.boolean() }),
  fc.record({ kind: fc.constant('cancel' as const) }),
  fc.record({
    kind: fc.constant('refund' as const),
    amount: positive,
    status: fc.constantFrom('succeeded', 'pending', 'failed'),
  }),
  fc.record({
    kind: fc.constant('settle' as const),
    index: fc.nat({ max: 5 }),
    status: fc.constantFrom('succeeded', 'failed'),
  }),
  fc.record({ kind: fc.constant('expire' as const) }),
  fc.record({ kind: fc.constant('dispute' as const), amount: positive }),
  fc.record({
    kind: fc.constant('close' as const),
    index: fc.nat({ max: 5 }),
    status: fc.constantFrom('won', 'lost'),
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
      return;
    }
    case 'expire':
      books.expire(key, intentId);
      return;
    case 'dispute':
      books.openDispute(key, { intentId, amount: asked.amount, reason: 'general' });
      return;
    case 'close': {
      const dispute = books.disputesOfIntent(intentId)[asked.index];
      if (dispute) books.closeDispute(key, dispute.id, asked.status);
    }
  }
}

function expectSound(intent: Intent): void {
  expect(intent.amountRefunded).toBeGreaterThanOrEqual(0);
  expect(intent.amountDisputed).toBeGreaterThanOrEqual(0);
  expect(intent.amountRefunded + intent.amountDisputed).toBeLessThanOrEqual(intent.amountReceived);
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
          authorizationMs: 60_000,
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
      const { amountReceived, amountRefunded, amountDisputed } = books.intent(id);
      const { gbp: totals } = totalsOf(books.effects);
      expect(totals).toEqual({
        captured: amountReceived,
        refunded: amountRefunded,
        disputed: amountDisputed,
        net: amountReceived - amountRefunded - amountDisputed,
      });
      expect(books.effects.map(({ sequence }) => sequence)).toEqual(
        books.effects.map((_, index) => index + 1),
      );
    }),
    { numRuns: 500 },
  );
});
