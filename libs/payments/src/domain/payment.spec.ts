import { Payment, type PaymentChange } from './payment.js';
import type { PaymentStatus } from './payment-status.js';
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
const refundedOf = ({ allocations }: StoredPayment, lineId: string) => allocations.get(lineId)?.refundedAmount;

function withOpenCapture(amount?: number): StoredPayment {
  const payment = StoredPayment.authorized();
  payment.update((it) => it.requestCapture('capture', amount));
  return payment;
}

function withPendingRefund(amount: number): StoredPayment {
  const payment = StoredPayment.captured();
  payment.update((it) => it.requestRefund({ refundId: 'first', operationId: 'first', amount, reason: null }));
  return payment;
}

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
      gatewayPaymentId: null,
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
    const payment = withPendingRefund(500);
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

  it.each([FAILED, DECLINED, REQUIRES_ACTION])('that ends as %j takes nothing and can be tried again', (outcome) => {
    const payment = StoredPayment.authorized();
    payment.capture('first', 150, outcome);
    expect(payment.state).toMatchObject({ status: 'authorized', captured: NOTHING });
    expect(changesOf(payment).at(-1)).toBe('capture_failed');
    payment.capture('second');
    expect(payment.state.status).toBe('captured');
  });
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
    const payment = withPendingRefund(400);
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

  it.each([FAILED, DECLINED])('that ends as %j frees what it had reserved, of the payment and of its lines', (outcome) => {
    const payment = StoredPayment.captured();
    payment.refund({ id: 'first', lines: [{ lineId: 'mug' }] }, outcome);
    expect(payment.state).toMatchObject({ pendingRefundAmount: 0, refunded: NOTHING });
    expect(payment.refunds.get('first')?.status).toBe('failed');
    expect(refundedOf(payment, 'mug')).toBe(0);
    payment.refund({ id: 'second', lines: [{ lineId: 'mug' }] });
    expect(refundedOf(payment, 'mug')).toBe(900);
  });

  it('may overlap another, as long as both fit', () => {
    const payment = withPendingRefund(1_000);
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
    payment.update((it) => it.requestRefund({ refundId: 'r', operationId: 'r', amount: 1, reason: 'damaged' }));
    payment.carryOut('r', SUCCEEDED);
    expect(payment.refunds.get('r')?.reason).toBe('damaged');
  });
});

describe('what a payment in each status accepts', () => {
  const verbs = {
    retry: (payment) => payment.retry('next', 'pm_card_visa'),
    requestCapture: (payment) => payment.requestCapture('next'),
    requestVoid: (payment) => payment.requestVoid('next'),
    cancel: (payment) => payment.cancel(),
    requestRefund: (payment) => payment.requestRefund({ refundId: 'next', operationId: 'next', reason: null }),
  } satisfies Record<string, (payment: Payment) => void>;
  type Verb = keyof typeof verbs;

  const bring = (outcome: typeof DECLINED) => {
    const payment = StoredPayment.open();
    payment.carryOut(AUTHORIZATION, outcome);
    return payment;
  };
  const inStatus: Readonly<Record<PaymentStatus, () => StoredPayment>> = {
    requires_payment_method: () => bring(DECLINED),
    requires_action: () => bring(REQUIRES_ACTION),
    processing: () => StoredPayment.open(),
    authorized: () => StoredPayment.authorized(),
    partially_captured: () => {
      const payment = StoredPayment.authorized();
      payment.capture('part', 500);
      return payment;
    },
    captured: () => StoredPayment.captured(),
    canceled: () => {
      const payment = bring(DECLINED);
      payment.update((it) => it.cancel());
      return payment;
    },
    failed: () => StoredPayment.inState({ ...StoredPayment.open().state, status: 'failed', outcome: null }),
  };

  const YES = 'accepted';
  const NO = 'payment_state_conflict';
  const answers: Readonly<Record<PaymentStatus, Partial<Record<Verb, string>>>> = {
    requires_payment_method: { retry: YES, requestCapture: NO, requestVoid: NO, cancel: YES, requestRefund: NO },
    requires_action: { retry: YES, requestCapture: NO, requestVoid: NO, cancel: YES, requestRefund: NO },
    processing: {
      retry: NO,
      requestCapture: NO,
      requestVoid: NO,
      cancel: 'payment_operation_open',
      requestRefund: NO,
    },
    authorized: { retry: NO, requestCapture: YES, requestVoid: YES, requestRefund: NO },
    partially_captured: { retry: NO, requestCapture: YES, requestVoid: YES, cancel: NO, requestRefund: YES },
    captured: { retry: NO, requestCapture: NO, requestVoid: NO, cancel: NO, requestRefund: YES },
    canceled: { retry: NO, requestCapture: NO, requestVoid: NO, cancel: NO, requestRefund: NO },
    failed: { retry: NO, requestCapture: NO, requestVoid: NO, cancel: NO, requestRefund: NO },
  };
  const cells = Object.entries(answers).flatMap(([status, row]) =>
    Object.entries(row).map(([verb, answer]) => [status as PaymentStatus, verb as Verb, answer] as const),
  );

  it.each(cells)('%s, %s: %s', (status, verb, answer) => {
    const payment = inStatus[status]();
    expect(payment.state.status).toBe(status);
    const act = () => payment.update(verbs[verb]);
    if (answer === YES) expect(act()).toHaveLength(1);
    else expect(act).toThrow(expect.objectContaining({ code: answer }));
  });
});

describe('a payment refuses', () => {
  const refund = (amount?: number, lines?: { lineId: string; amount?: number }[]) => (payment: Payment) =>
    payment.requestRefund({ refundId: 'next', operationId: 'next', amount, lines, reason: null });
  const withRefunded = (amount: number) => {
    const payment = StoredPayment.captured();
    payment.refund({ id: 'first', amount });
    return payment;
  };
  const withCapture = (amount: number) => {
    const payment = StoredPayment.authorized();
    payment.capture('first', amount);
    return payment;
  };
  const withOpenVoid = () => {
    const payment = StoredPayment.authorized();
    payment.update((it) => it.requestVoid('void'));
    return payment;
  };

  type Row = [string, () => StoredPayment, (payment: Payment) => void, string, object];
  it.each<Row>([
    [
      'to capture more than was authorized',
      () => StoredPayment.authorized(),
      (it) => it.requestCapture('next', 1_501),
      'capture_exceeds_authorized',
      { capturableAmount: 1_500 },
    ],
    [
      'to capture more than is left of what was authorized',
      () => withCapture(500),
      (it) => it.requestCapture('next', 1_001),
      'capture_exceeds_authorized',
      { capturableAmount: 1_000 },
    ],
    [
      'to capture while another capture is open',
      () => withOpenCapture(1),
      (it) => it.requestCapture('next', 1),
      'payment_operation_open',
      {},
    ],
    [
      'to void while a capture is open',
      () => withOpenCapture(1),
      (it) => it.requestVoid('next'),
      'payment_operation_open',
      {},
    ],
    [
      'to void while another void is open',
      withOpenVoid,
      (it) => it.requestVoid('next'),
      'payment_operation_open',
      {},
    ],
    [
      'to end while an operation is open',
      () => StoredPayment.open(),
      (it) => it.cancel(),
      'payment_operation_open',
      {},
    ],
    [
      'to refund more than was captured',
      () => StoredPayment.captured(),
      refund(1_501),
      'refund_exceeds_captured',
      { refundableAmount: 1_500 },
    ],
    [
      'to refund what is only authorized',
      () => withCapture(500),
      refund(501),
      'refund_exceeds_captured',
      { refundableAmount: 500 },
    ],
    [
      'to refund what was refunded',
      () => withRefunded(1_000),
      refund(501),
      'refund_exceeds_captured',
      { refundableAmount: 500 },
    ],
    [
      'to refund what another refund has reserved',
      () => withPendingRefund(1_000),
      refund(501),
      'refund_exceeds_captured',
      { refundableAmount: 500 },
    ],
    [
      'to refund the rest when there is none',
      () => withRefunded(1_500),
      refund(),
      'refund_exceeds_captured',
      { refundableAmount: 0 },
    ],
    [
      'to refund nothing',
      () => StoredPayment.captured(),
      refund(0),
      'refund_exceeds_captured',
      { refundableAmount: 1_500 },
    ],
    [
      'to refund less than nothing',
      () => StoredPayment.captured(),
      refund(-1),
      'refund_exceeds_captured',
      { refundableAmount: 1_500 },
    ],
    [
      'to refund more for a line than was paid for it',
      () => StoredPayment.captured(),
      refund(undefined, [{ lineId: 'mug', amount: 901 }]),
      'refund_exceeds_line',
      { lineId: 'mug', refundableAmount: 900 },
    ],
    [
      'to refund more for a line, in one request that names it twice',
      () => StoredPayment.captured(),
      refund(undefined, [
        { lineId: 'mug', amount: 500 },
        { lineId: 'mug', amount: 401 },
      ]),
      'refund_exceeds_line',
      { lineId: 'mug', refundableAmount: 400 },
    ],
    [
      'to refund lines for more than was captured',
      () => withCapture(500),
      refund(undefined, [{ lineId: 'mug' }]),
      'refund_exceeds_captured',
      { refundableAmount: 500 },
    ],
    [
      'to refund lines for more than refunds by amount have left',
      () => withRefunded(1_000),
      refund(undefined, [{ lineId: 'tea' }]),
      'refund_exceeds_captured',
      { refundableAmount: 500 },
    ],
    [
      'to refund a line that the order does not have',
      () => StoredPayment.captured(),
      refund(undefined, [{ lineId: 'mug', amount: 1 }, { lineId: 'cup' }]),
      'unknown_refund_line',
      { lineId: 'cup' },
    ],
    [
      'an outcome of an operation that was never sent',
      () => StoredPayment.open(),
      (it) => it.resolve(AUTHORIZATION, SUCCEEDED),
      'payment_state_conflict',
      {},
    ],
  ])('%s', (_, prepare, verb, code, extensions) => {
    const payment = prepare();
    expect(() => payment.update(verb)).toThrow(expect.objectContaining({ code, extensions }));
  });
});
