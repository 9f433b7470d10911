import type { Payment } from './payment.js';
import type { PaymentStatus } from './payment-status.js';
import {
  AUTHORIZATION,
  DECLINED,
  REQUIRES_ACTION,
  StoredPayment,
  SUCCEEDED,
} from './testing/stored-payment.js';

function withOpenCapture(amount?: number): StoredPayment {
  const payment = StoredPayment.authorized();
  payment.update((it) => it.requestCapture('capture', amount));
  return payment;
}

describe('what a payment in each status accepts', () => {
  const verbs = {
    retry: (payment) => payment.retry('next', 'pm_card_visa'),
    requestCapture: (payment) => payment.requestCapture('next'),
    requestVoid: (payment) => payment.requestVoid('next'),
    cancel: (payment) => payment.cancel(),
    requestRefund: (payment) =>
      payment.requestRefund({ refundId: 'next', operationId: 'next', reason: null }),
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
  const answers: Readonly<Record<PaymentStatus, Readonly<Record<Verb, string>>>> = {
    requires_payment_method: {
      retry: YES,
      requestCapture: NO,
      requestVoid: NO,
      cancel: YES,
      requestRefund: NO,
    },
    requires_action: { retry: YES, requestCapture: NO, requestVoid: NO, cancel: YES, requestRefund: NO },
    processing: {
      retry: NO,
      requestCapture: NO,
      requestVoid: NO,
      cancel: 'payment_operation_open',
      requestRefund: NO,
    },
    authorized: { retry: NO, requestCapture: YES, requestVoid: YES, cancel: NO, requestRefund: NO },
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
      'to capture nothing',
      () => StoredPayment.authorized(),
      (it) => it.requestCapture('next', 0),
      'capture_exceeds_authorized',
      { capturableAmount: 1_500 },
    ],
    [
      'to capture less than nothing',
      () => StoredPayment.authorized(),
      (it) => it.requestCapture('next', -1),
      'capture_exceeds_authorized',
      { capturableAmount: 1_500 },
    ],
    [
      'to capture while another capture is open',
      () => withOpenCapture(1),
      (it) => it.requestCapture('next', 1),
      'payment_operation_open',
      {},
    ],
    [
      'to capture while a void is open',
      withOpenVoid,
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
      () => StoredPayment.refunding(1_000),
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
      'to refund less than nothing for one of several lines',
      () => StoredPayment.captured(),
      refund(undefined, [
        { lineId: 'mug', amount: -5 },
        { lineId: 'tea', amount: 10 },
      ]),
      'refund_exceeds_line',
      { lineId: 'mug', refundableAmount: 900 },
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
