import fc from 'fast-check';
import type { Dispute, DisputeStatus } from './dispute.js';
import {
  AUTHORIZATION,
  DECLINED,
  FAILED,
  REQUIRES_ACTION,
  SENT_BACK,
  StoredPayment,
  SUCCEEDED,
} from './testing/stored-payment.js';

/** The balance of each account that is not even. */
function booksOf({ ledger }: StoredPayment): Record<string, number> {
  const balances: Record<string, number> = {};
  for (const { postings } of ledger) {
    for (const { account, amount } of postings) balances[account] = (balances[account] ?? 0) + amount;
  }
  return Object.fromEntries(Object.entries(balances).filter(([, amount]) => amount !== 0));
}

const refusedAs = (code: string) => expect.objectContaining({ code }) as unknown as Error;

describe('a report of the gateway about an operation', () => {
  it('that is open resolves it, as an answer would', () => {
    const payment = StoredPayment.open({ captureMode: 'automatic' });
    payment.send(AUTHORIZATION);
    expect(payment.learn(AUTHORIZATION, SUCCEEDED)).toBe('new');
    expect(payment.state).toMatchObject({ status: 'captured', gatewayPaymentId: 'gateway-id' });
  });

  it('makes the answer that comes after it worth nothing', () => {
    const payment = StoredPayment.open({ captureMode: 'automatic' });
    payment.send(AUTHORIZATION);
    payment.learn(AUTHORIZATION, SUCCEEDED);
    expect(payment.carryOut(AUTHORIZATION, SUCCEEDED)).toEqual([]);
    expect(payment.ledger).toHaveLength(1);
  });

  it.each([
    ['again', SUCCEEDED],
    ['older than what is known', DECLINED],
  ])('%s changes nothing', (_, outcome) => {
    const payment = StoredPayment.captured();
    expect(payment.learn(AUTHORIZATION, outcome)).toBe('old');
    expect(payment.log).toHaveLength(2);
  });

  it.each([DECLINED, FAILED, REQUIRES_ACTION])('that it succeeded contradicts %o', (known) => {
    const payment = StoredPayment.open();
    payment.carryOut(AUTHORIZATION, known);
    expect(payment.learn(AUTHORIZATION, SUCCEEDED)).toBe('contradiction');
    expect(payment.state.authorizedAmount).toBe(0);
  });

  it('of another amount contradicts it', () => {
    const payment = StoredPayment.open();
    payment.send(AUTHORIZATION);
    expect(payment.learn(AUTHORIZATION, SUCCEEDED, 1_499)).toBe('contradiction');
    expect(payment.state.status).toBe('processing');
  });

  it('that there is not is refused', () => {
    const report = { operationId: 'none', outcome: SUCCEEDED, amount: 1, currency: 'GBP' };
    expect(() => StoredPayment.open().update((payment) => payment.learn(report))).toThrow(
      refusedAs('operation_not_found'),
    );
  });
});

describe('a refund that comes back', () => {
  it('counts as never made, for the payment, for its lines and in the books', () => {
    const payment = StoredPayment.captured();
    const before = booksOf(payment);
    payment.refund({ id: 'r1', lines: [{ lineId: 'mug', amount: 700 }] });
    expect(payment.learn('r1', SENT_BACK)).toBe('new');
    expect(payment.state).toMatchObject({ refunded: { goods: 0, shipping: 0, tax: 0 } });
    expect(payment.allocations.get('mug')).toMatchObject({ refundedAmount: 0 });
    expect(payment.refunds.get('r1')).toMatchObject({ status: 'failed' });
    expect(booksOf(payment)).toEqual(before);
    expect(payment.log.at(-1)!.change).toBe('refund_reversed');
  });

  it('comes back once, and can be made anew', () => {
    const payment = StoredPayment.captured();
    payment.refund({ id: 'r1' });
    payment.learn('r1', SENT_BACK);
    expect(payment.learn('r1', SENT_BACK)).toBe('old');
    expect(payment.learn('r1', SUCCEEDED)).toBe('old');
    payment.refund({ id: 'r2' });
    expect(booksOf(payment)).toEqual({ sales: -1_000, sales_refunds: 1_000 });
  });

  it('ends in the same books whatever order its reports come in, and however often', () => {
    const reports = [
      ['r1', SUCCEEDED],
      ['r1', SENT_BACK],
      ['r2', SUCCEEDED],
      ['r3', SENT_BACK],
      ['r3', SUCCEEDED],
      [AUTHORIZATION, SUCCEEDED],
      [AUTHORIZATION, DECLINED],
    ] as const;
    const someOrder = fc
      .array(fc.constantFrom(...reports), { maxLength: 12 })
      .chain((more) =>
        fc.shuffledSubarray([...reports, ...more], { minLength: reports.length + more.length }),
      );
    fc.assert(
      fc.property(someOrder, (order) => {
        const payment = StoredPayment.captured();
        for (const id of ['r1', 'r2', 'r3']) {
          payment.update((it) =>
            it.requestRefund({ refundId: id, operationId: id, amount: 300, reason: null }),
          );
          payment.send(id);
        }
        for (const [id, outcome] of order) expect(payment.learn(id, outcome)).not.toBe('contradiction');
        expect(payment.state).toMatchObject({ status: 'captured', pendingRefundAmount: 0 });
        expect(booksOf(payment)['gateway_clearing']).toBe(1_200);
        expect([...payment.refunds.values()].map(({ status }) => status)).toEqual([
          'failed',
          'succeeded',
          'failed',
        ]);
      }),
    );
  });
});

const SAID = { by: 'user:ada', reason: 'seen in the dashboard' };

describe('an operation that nobody can find out about', () => {
  const stuck = () => {
    const payment = StoredPayment.open({ captureMode: 'automatic' });
    payment.send(AUTHORIZATION);
    payment.update((it) => it.markUnknown(AUTHORIZATION));
    expect(payment.update((it) => it.requireAttention(AUTHORIZATION))).toEqual(['needs_attention']);
    return payment;
  };

  it('waits for staff, and is told once', () => {
    const payment = stuck();
    expect(payment.operations.get(AUTHORIZATION)).toMatchObject({ status: 'unknown', needsAttention: true });
    expect(payment.update((it) => it.requireAttention(AUTHORIZATION))).toEqual([]);
    expect(payment.state).toMatchObject({ status: 'processing', outcome: 'unknown' });
  });

  it.each([
    [SUCCEEDED, 'captured'],
    [FAILED, 'requires_payment_method'],
  ])('becomes what they say, with their reason: %o', (outcome, status) => {
    const payment = stuck();
    payment.update((it) => it.decide(AUTHORIZATION, outcome, SAID), AUTHORIZATION);
    expect(payment.state).toMatchObject({ status, outcome: null });
    expect(payment.operations.get(AUTHORIZATION)).toMatchObject({
      needsAttention: false,
      resolvedBy: SAID.by,
      resolutionReason: SAID.reason,
    });
  });

  it('stays so when the gateway is asked again, with who had it asked and why', () => {
    const payment = stuck();
    payment.update((it) => it.decide(AUTHORIZATION, undefined, SAID), AUTHORIZATION);
    expect(payment.operations.get(AUTHORIZATION)).toMatchObject({
      status: 'unknown',
      needsAttention: true,
      resolvedBy: SAID.by,
      resolutionReason: SAID.reason,
    });
  });

  it('may still be resolved by a report', () => {
    const payment = stuck();
    expect(payment.learn(AUTHORIZATION, SUCCEEDED)).toBe('new');
    expect(payment.operations.get(AUTHORIZATION)).toMatchObject({ needsAttention: false });
  });

  it.each([
    ['still being found out about', () => StoredPayment.open()],
    ['resolved', () => StoredPayment.captured()],
  ])('is not one that is %s', (_, make) => {
    const payment = make();
    const decide = () => payment.update((it) => it.decide(AUTHORIZATION, FAILED, SAID), AUTHORIZATION);
    expect(decide).toThrow(refusedAs('operation_not_stuck'));
  });
});

describe('an authorization that ends', () => {
  const untilTomorrow = () => {
    const payment = StoredPayment.open();
    payment.carryOut(AUTHORIZATION, { ...SUCCEEDED, authorizedUntil: new Date(0) } as typeof SUCCEEDED);
    return payment;
  };

  it('says until when it holds, and is given up in time', () => {
    const payment = untilTomorrow();
    expect(payment.state.authorizedUntil).toEqual(new Date(0));
    payment.update((it) => it.expireAuthorization('v', 0));
    payment.carryOut('v', SUCCEEDED);
    expect(payment.state).toMatchObject({ status: 'canceled', authorizedAmount: 0, authorizedUntil: null });
  });

  it('is captured as far as goods have left, and is not asked for again', () => {
    const payment = untilTomorrow();
    payment.update((it) => it.expireAuthorization('c', 600));
    payment.carryOut('c', FAILED);
    expect(payment.operations.get('c')).toMatchObject({ kind: 'capture', amount: 600 });
    expect(payment.state.authorizedUntil).toBeNull();
  });

  it('gives up what is left once the goods that have left are paid for', () => {
    const payment = untilTomorrow();
    payment.update((it) => it.expireAuthorization('c', 600));
    payment.carryOut('c', SUCCEEDED);
    expect(payment.state.authorizedUntil).not.toBeNull();
    payment.update((it) => it.expireAuthorization('v', 0));
    payment.carryOut('v', SUCCEEDED);
    expect(payment.state).toMatchObject({ status: 'captured', authorizedAmount: 600, authorizedUntil: null });
  });

  it('with its first capture, where the card allows one only, covers nothing that leaves later', () => {
    const payment = StoredPayment.authorized();
    payment.capture('c', 600, { ...SUCCEEDED, isLast: true } as typeof SUCCEEDED);
    expect(payment.state).toMatchObject({ status: 'captured', authorizedAmount: 600 });
    expect(() => payment.update((it) => it.requireCover(601))).toThrow(refusedAs('payment_does_not_cover'));
  });

  it.each([
    [0, 'canceled'],
    [600, 'captured'],
  ])('at the gateway by itself, when %i were captured, leaves it %s', (captured, status) => {
    const payment = untilTomorrow();
    if (captured > 0) payment.capture('c', captured);
    expect(payment.update((it) => expect(it.endAuthorization()).toBe(true))).toEqual([
      'authorization_expired',
    ]);
    expect(payment.state).toMatchObject({ status, authorizedAmount: captured });
    expect(payment.update((it) => expect(it.endAuthorization()).toBe(false))).toEqual([]);
  });

  it('is not taken over while a void finds out by itself', () => {
    const payment = untilTomorrow();
    payment.update((it) => it.requestVoid('v'));
    expect(() => payment.update((it) => it.endAuthorization())).toThrow(refusedAs('payment_operation_open'));
  });
});

describe('a dispute', () => {
  const told = (status: DisputeStatus, amount = 1_500): Dispute => ({
    id: 'dispute',
    gatewayId: 'dp_1',
    amount,
    reason: 'fraudulent',
    status,
    respondBy: null,
  });

  it('takes money away, which cannot be refunded then', () => {
    const payment = StoredPayment.captured();
    expect(payment.update((it) => it.trackDispute(told('needs_response', 1_000)))).toEqual(['disputed']);
    expect(booksOf(payment)).toMatchObject({ gateway_clearing: 500, disputes: 1_000 });
    expect(() => payment.refund({ id: 'r', amount: 501 })).toThrow(refusedAs('refund_exceeds_captured'));
    payment.refund({ id: 'r', amount: 500 });
  });

  it('over everything leaves nothing that would cover goods', () => {
    const payment = StoredPayment.captured();
    payment.update((it) => it.trackDispute(told('lost')));
    expect(() => payment.update((it) => it.requireCover(1))).toThrow(refusedAs('payment_does_not_cover'));
  });

  it('is about what the bank takes, which may be less than it has inquired about', () => {
    const payment = StoredPayment.captured();
    payment.update((it) => it.trackDispute(told('inquiry', 1_500)));
    payment.update((it) => it.trackDispute(told('needs_response', 300)));
    expect(payment.state.disputedAmount).toBe(300);
    expect(booksOf(payment)).toMatchObject({ disputes: 300 });
  });

  it.each<[readonly DisputeStatus[], number]>([
    [['needs_response', 'under_review', 'won'], 0],
    [['needs_response', 'lost'], 1_500],
    [['inquiry', 'closed'], 0],
    [['inquiry', 'lost'], 1_500],
    [['inquiry', 'closed', 'needs_response'], 1_500],
    [['lost', 'won'], 0],
  ])('that goes %j ends with %i in dispute', (way, disputed) => {
    const payment = StoredPayment.captured();
    for (const status of way) payment.update((it) => it.trackDispute(told(status)));
    expect(payment.state.disputedAmount).toBe(disputed);
    expect(booksOf(payment)['gateway_clearing'] ?? 0).toBe(1_500 - disputed);
  });

  it('ends the same whatever order its reports come in, and however often', () => {
    const reports: DisputeStatus[] = ['needs_response', 'under_review', 'won', 'needs_response'];
    fc.assert(
      fc.property(fc.shuffledSubarray(reports, { minLength: 4 }), (order) => {
        const payment = StoredPayment.captured();
        for (const status of order) payment.update((it) => it.trackDispute(told(status)));
        expect(payment.disputes.get('dp_1')).toMatchObject({ status: 'won' });
        expect(payment.state.disputedAmount).toBe(0);
        expect(booksOf(payment)['disputes'] ?? 0).toBe(0);
      }),
    );
  });
});
