import type { PaymentChange } from './payment-state.js';
import {
  AUTHORIZATION,
  DECLINED,
  FAILED,
  REQUIRES_ACTION,
  StoredPayment,
  SUCCEEDED,
} from './testing/stored-payment.js';

const NOTHING = { goods: 0, shipping: 0, tax: 0 };
const TOTAL = { goods: 1_000, shipping: 300, tax: 200 };

const changesOf = ({ log }: StoredPayment): PaymentChange[] => log.map(({ change }) => change);
const refundedOf = ({ allocations }: StoredPayment, lineId: string) =>
  allocations.get(lineId)?.refundedAmount;

describe('opening a payment', () => {
  it('asks to authorize the whole total', () => {
    const { state, operations } = StoredPayment.open();
    expect(state).toMatchObject({
      status: 'processing',
      outcome: 'pending',
      total: TOTAL,
      authorizedAmount: 0,
      captured: NOTHING,
      refunded: NOTHING,
      pendingRefundAmount: 0,
      disputedAmount: 0,
      gatewayPaymentId: null,
      authorizedUntil: null,
      declineCode: null,
      version: 1,
    });
    expect([...operations.values()]).toEqual([
      {
        id: AUTHORIZATION,
        kind: 'authorize',
        status: 'created',
        amount: 1_500,
        method: 'pm_card_visa',
        refundId: null,
        declineCode: null,
        gatewayId: null,
        needsAttention: false,
        resolvedBy: null,
        resolutionReason: null,
      },
    ]);
  });

  it('freezes what can be refunded for each line', () => {
    expect([...StoredPayment.open().allocations.values()]).toEqual([
      { lineId: 'mug', amount: 900, refundedAmount: 0 },
      { lineId: 'tea', amount: 600, refundedAmount: 0 },
    ]);
  });

  it('is all there is to do where there is nothing to pay', () => {
    const free = StoredPayment.open({ total: NOTHING, lines: [{ lineId: 'gift', amount: 0 }] });
    expect(free.state).toMatchObject({ status: 'captured', outcome: null, authorizedAmount: 0, version: 1 });
    expect(free.operations.size).toBe(0);
    expect(free.ledger).toEqual([]);
    expect(changesOf(free)).toEqual(['captured']);
  });
});

describe('an authorization that succeeds', () => {
  it('captures everything at once in automatic mode', () => {
    const { state, ledger, operations } = StoredPayment.captured();
    expect(state).toMatchObject({
      status: 'captured',
      outcome: null,
      authorizedAmount: 1_500,
      captured: TOTAL,
      gatewayPaymentId: 'gateway-id',
      version: 2,
    });
    expect(ledger.map(({ kind, operationId }) => [kind, operationId])).toEqual([['capture', AUTHORIZATION]]);
    expect(operations.get(AUTHORIZATION)).toMatchObject({ status: 'succeeded', gatewayId: 'gateway-id' });
  });

  it.each(['manual', 'on_fulfillment'] as const)('captures nothing yet in %s mode', (captureMode) => {
    const { state, ledger } = StoredPayment.authorized({ captureMode });
    expect(state).toMatchObject({
      status: 'authorized',
      outcome: null,
      authorizedAmount: 1_500,
      captured: NOTHING,
      gatewayPaymentId: 'gateway-id',
    });
    expect(ledger).toEqual([]);
  });
});

describe('an authorization that does not succeed', () => {
  it.each([
    ['declined', DECLINED, 'insufficient_funds'],
    ['failed', FAILED, 'refused'],
  ] as const)('and is %s waits for another method, and says why', (operationStatus, outcome, declineCode) => {
    const payment = StoredPayment.open();
    expect(payment.carryOut(AUTHORIZATION, outcome)).toEqual(['declined']);
    expect(payment.state).toMatchObject({ status: 'requires_payment_method', outcome: null, declineCode });
    expect(payment.operations.get(AUTHORIZATION)).toMatchObject({ status: operationStatus, declineCode });
    expect(payment.openOperations).toEqual([]);
  });

  it('for lack of an action of the customer waits for it, or for another method', () => {
    const payment = StoredPayment.open();
    expect(payment.carryOut(AUTHORIZATION, REQUIRES_ACTION)).toEqual(['action_required']);
    expect(payment.state).toMatchObject({ status: 'requires_action', outcome: null, authorizedAmount: 0 });
    expect(payment.openOperations).toEqual([]);
  });

  it('can be tried again with another method', () => {
    const payment = StoredPayment.open();
    payment.carryOut(AUTHORIZATION, DECLINED);
    expect(payment.update((it) => it.retry('second', 'pm_card_mastercard'))).toEqual(['retried']);
    expect(payment.state).toMatchObject({
      status: 'processing',
      outcome: 'pending',
      method: 'pm_card_mastercard',
      declineCode: null,
    });
    payment.carryOut('second', SUCCEEDED);
    expect(payment.state).toMatchObject({ status: 'authorized', authorizedAmount: 1_500 });
  });

  it('leaves a payment that can be ended', () => {
    const payment = StoredPayment.open();
    payment.carryOut(AUTHORIZATION, DECLINED);
    expect(payment.update((it) => it.cancel())).toEqual(['canceled']);
    expect(payment.state).toMatchObject({ status: 'canceled', outcome: null });
  });
});

describe('an operation whose outcome is unknown', () => {
  it('leaves an authorization processing, and the payment says that nobody knows', () => {
    const payment = StoredPayment.open();
    payment.send(AUTHORIZATION);
    expect(payment.update((it) => it.markUnknown(AUTHORIZATION))).toEqual(['outcome_unknown']);
    expect(payment.state).toMatchObject({ status: 'processing', outcome: 'unknown' });
    expect(payment.openOperations).toMatchObject([{ id: AUTHORIZATION, status: 'unknown' }]);
  });

  it.each([
    ['succeeded', SUCCEEDED, 'authorized'],
    ['declined', DECLINED, 'requires_payment_method'],
    ['failed', FAILED, 'requires_payment_method'],
    ['requires_action', REQUIRES_ACTION, 'requires_action'],
  ] as const)('may turn out to have %s', (_, outcome, status) => {
    const payment = StoredPayment.open();
    payment.send(AUTHORIZATION);
    payment.update((it) => it.markUnknown(AUTHORIZATION));
    payment.carryOut(AUTHORIZATION, outcome);
    expect(payment.state).toMatchObject({ status, outcome: null });
  });

  it('leaves the status of a payment that is captured as it is', () => {
    const payment = StoredPayment.refunding(500);
    payment.send('first');
    payment.update((it) => it.markUnknown('first'));
    expect(payment.state).toMatchObject({ status: 'captured', outcome: null, pendingRefundAmount: 500 });
  });

  it('is news once: marking it again, before it was sent, or after its outcome changes nothing', () => {
    const payment = StoredPayment.open();
    expect(payment.update((it) => it.markUnknown(AUTHORIZATION))).toEqual([]);
    payment.send(AUTHORIZATION);
    expect(payment.update((it) => it.markUnknown(AUTHORIZATION))).toEqual(['outcome_unknown']);
    expect(payment.update((it) => it.markUnknown(AUTHORIZATION))).toEqual([]);
    payment.carryOut(AUTHORIZATION, SUCCEEDED);
    expect(payment.update((it) => it.markUnknown(AUTHORIZATION))).toEqual([]);
  });
});

describe('an operation that is resolved', () => {
  it('stays as it is, whatever comes later', () => {
    const payment = StoredPayment.captured();
    const before = payment.state;
    expect(payment.carryOut(AUTHORIZATION, SUCCEEDED)).toEqual([]);
    expect(payment.carryOut(AUTHORIZATION, DECLINED)).toEqual([]);
    expect(payment.state).toBe(before);
    expect(payment.ledger).toHaveLength(1);
  });

  it('stays as it is also for two answers at once', () => {
    const payment = StoredPayment.open();
    payment.send(AUTHORIZATION);
    const changes = payment.update((it) => {
      it.resolve(AUTHORIZATION, SUCCEEDED);
      it.resolve(AUTHORIZATION, DECLINED);
    });
    expect(changes).toEqual(['authorized']);
    expect(payment.operations.get(AUTHORIZATION)?.status).toBe('succeeded');
  });

  it('is not confused with one that the payment does not know', () => {
    const payment = StoredPayment.open();
    expect(payment.carryOut('somebody else’s', SUCCEEDED)).toEqual([]);
  });
});

describe('a capture', () => {
  it('of everything needs no amount', () => {
    const payment = StoredPayment.authorized();
    payment.capture('capture');
    expect(payment.state).toMatchObject({ status: 'captured', captured: TOTAL });
    expect(changesOf(payment).slice(-2)).toEqual(['capture_requested', 'captured']);
  });

  it('of a part takes goods, shipping and tax in proportion', () => {
    const payment = StoredPayment.authorized();
    payment.capture('first', 150);
    expect(payment.state).toMatchObject({
      status: 'partially_captured',
      captured: { goods: 100, shipping: 30, tax: 20 },
      authorizedAmount: 1_500,
    });
  });

  it('can follow another until all is captured, each with an entry of its own', () => {
    const payment = StoredPayment.authorized();
    payment.capture('first', 150);
    payment.capture('second', 1);
    payment.capture('rest');
    expect(payment.state).toMatchObject({ status: 'captured', captured: TOTAL });
    expect(payment.ledger.map(({ operationId }) => operationId)).toEqual(['first', 'second', 'rest']);
    expect(payment.operations.get('rest')?.amount).toBe(1_349);
  });

  it.each([FAILED, DECLINED, REQUIRES_ACTION])(
    'that ends as %j takes nothing and can be tried again',
    (outcome) => {
      const payment = StoredPayment.authorized();
      payment.capture('first', 150, outcome);
      expect(payment.state).toMatchObject({ status: 'authorized', captured: NOTHING });
      expect(changesOf(payment).at(-1)).toBe('capture_failed');
      payment.capture('second');
      expect(payment.state.status).toBe('captured');
    },
  );
});

describe('a void', () => {
  it('cancels a payment of which nothing was captured', () => {
    const payment = StoredPayment.authorized();
    payment.update((it) => it.requestVoid('void'));
    expect(payment.operations.get('void')).toMatchObject({ kind: 'void', amount: 1_500 });
    expect(payment.carryOut('void', SUCCEEDED)).toEqual(['canceled']);
    expect(payment.state).toMatchObject({ status: 'canceled', authorizedAmount: 0 });
    expect(payment.ledger).toEqual([]);
  });

  it('gives up only what was not captured', () => {
    const payment = StoredPayment.authorized();
    payment.capture('capture', 500);
    payment.update((it) => it.requestVoid('void'));
    expect(payment.operations.get('void')?.amount).toBe(1_000);
    expect(payment.carryOut('void', SUCCEEDED)).toEqual(['captured']);
    expect(payment.state).toMatchObject({ status: 'captured', authorizedAmount: 500 });
  });

  it('that fails leaves the authorization as it was', () => {
    const payment = StoredPayment.authorized();
    payment.update((it) => it.requestVoid('void'));
    expect(payment.carryOut('void', FAILED)).toEqual(['void_failed']);
    expect(payment.state).toMatchObject({ status: 'authorized', authorizedAmount: 1_500 });
  });
});

describe('a refund', () => {
  it('reserves its amount before the gateway is asked', () => {
    const payment = StoredPayment.refunding(400);
    expect(payment.state).toMatchObject({ pendingRefundAmount: 400, refunded: NOTHING });
    expect(payment.refunds.get('first')).toEqual({
      id: 'first',
      amount: 400,
      status: 'pending',
      reason: null,
      lines: [],
    });
    expect(payment.operations.get('first')).toMatchObject({ kind: 'refund', amount: 400, refundId: 'first' });
    expect(payment.ledger).toHaveLength(1);
  });

  it('gives back goods, shipping and tax in proportion', () => {
    const payment = StoredPayment.captured();
    payment.refund({ id: 'refund', amount: 150 });
    expect(payment.state).toMatchObject({
      status: 'captured',
      pendingRefundAmount: 0,
      refunded: { goods: 100, shipping: 30, tax: 20 },
    });
    expect(payment.refunds.get('refund')?.status).toBe('succeeded');
    expect(payment.ledger.at(-1)).toMatchObject({ kind: 'refund', operationId: 'refund' });
  });

  it('of everything left needs neither amount nor lines', () => {
    const payment = StoredPayment.captured();
    payment.refund({ id: 'first', amount: 149 });
    payment.refund({ id: 'rest' });
    expect(payment.refunds.get('rest')?.amount).toBe(1_351);
    expect(payment.state.refunded).toEqual(TOTAL);
  });

  it('of lines is for what each of them names, or for the rest of it', () => {
    const payment = StoredPayment.captured();
    payment.refund({ id: 'first', lines: [{ lineId: 'mug', amount: 250 }] });
    payment.refund({ id: 'second', lines: [{ lineId: 'tea', amount: 1 }, { lineId: 'mug' }] });
    expect(payment.refunds.get('second')).toMatchObject({
      amount: 651,
      lines: [
        { lineId: 'tea', amount: 1 },
        { lineId: 'mug', amount: 650 },
      ],
    });
    expect(refundedOf(payment, 'mug')).toBe(900);
    expect(refundedOf(payment, 'tea')).toBe(1);
  });

  it.each([FAILED, DECLINED])(
    'that ends as %j frees what it had reserved, of the payment and of its lines',
    (outcome) => {
      const payment = StoredPayment.captured();
      payment.refund({ id: 'first', lines: [{ lineId: 'mug' }] }, outcome);
      expect(payment.state).toMatchObject({ pendingRefundAmount: 0, refunded: NOTHING });
      expect(payment.refunds.get('first')?.status).toBe('failed');
      expect(refundedOf(payment, 'mug')).toBe(0);
      payment.refund({ id: 'second', lines: [{ lineId: 'mug' }] });
      expect(refundedOf(payment, 'mug')).toBe(900);
    },
  );

  it('may overlap another, as long as both fit', () => {
    const payment = StoredPayment.refunding(1_000);
    payment.update((it) => it.requestRefund({ refundId: 'b', operationId: 'b', amount: 500, reason: null }));
    payment.carryOut('b', SUCCEEDED);
    payment.carryOut('first', SUCCEEDED);
    expect(payment.state).toMatchObject({ pendingRefundAmount: 0, refunded: TOTAL });
  });

  it('is possible of what is captured while the rest is only authorized', () => {
    const payment = StoredPayment.authorized();
    payment.capture('capture', 500);
    payment.refund({ id: 'refund' });
    expect(payment.refunds.get('refund')?.amount).toBe(500);
    expect(payment.state.status).toBe('partially_captured');
  });

  it('keeps its reason', () => {
    const payment = StoredPayment.captured();
    payment.update((it) =>
      it.requestRefund({ refundId: 'r', operationId: 'r', amount: 1, reason: 'damaged' }),
    );
    payment.carryOut('r', SUCCEEDED);
    expect(payment.refunds.get('r')?.reason).toBe('damaged');
  });
});
