import { newId } from '#kernel';
import { PaymentsFacade } from '#payments';
import { gbp, line, ORDERS, PAYMENTS, Shop, type Wish } from '../support/shop.js';

let shop: Shop;

beforeAll(async () => {
  shop = await Shop.open({ GATEWAY_TIMEOUT_MS: '200' });
});

afterAll(() => shop.close());

/** An order of 4 of 10 pieces at 1000. */
async function orderOfFour(wish: Wish = {}, status = 201) {
  const product = await shop.product({ price: 1_000, stock: 10 });
  const answer = await shop.place({ lines: [line(product, 4)], ...wish });
  expect(answer.status).toBe(status);
  return { product, answer, order: status === 402 ? answer.body.order : answer.body };
}

const CAPTURED = { gateway_clearing: 4_000, sales: -4_000 };

describe('a payment method', () => {
  it.each(['pm_card_visa', 'pm_card_mastercard'])('like %s pays at once', async (method) => {
    const { order } = await orderOfFour({ method });
    expect(order).toMatchObject({ status: 'confirmed', payment: { status: 'captured', outcome: null } });
    expect(await shop.paymentOf(order.payment.id)).toMatchObject({
      orderId: order.id,
      status: 'captured',
      method,
      captureMode: 'automatic',
      gateway: 'sandbox',
      amount: gbp(4_000),
      authorizedAmount: gbp(4_000),
      capturedAmount: gbp(4_000),
      refundedAmount: gbp(0),
      pendingRefundAmount: gbp(0),
      operations: [{ kind: 'authorize', status: 'succeeded', amount: gbp(4_000), declineCode: null }],
      refunds: [],
      version: 2,
    });
  });

  it.each([
    ['pm_card_chargeDeclined', 'payment_declined', 'requires_payment_method', 'generic_decline'],
    [
      'pm_card_chargeDeclinedInsufficientFunds',
      'payment_declined',
      'requires_payment_method',
      'insufficient_funds',
    ],
    ['pm_card_authenticationRequired', 'payment_action_required', 'requires_action', null],
  ])(
    'like %s leaves an order that waits, with its stock, for another attempt',
    async (method, code, paymentStatus, declineCode) => {
      const { product, answer, order } = await orderOfFour({ method }, 402);
      expect(answer.body).toMatchObject({ code, status: 402 });
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
      expect(order).toMatchObject({
        status: 'pending_payment',
        payment: { status: paymentStatus, outcome: null, declineCode },
      });
      expect((await shop.get(`${ORDERS}/${order.id}`)).body).toEqual(order);
      expect(await shop.stock(product)).toMatchObject({ reserved: 4 });
      expect(await shop.ledgerOf(order.id)).toEqual({});

      expect(await shop.pay(order.id, 'pm_card_chargeDeclined')).toMatchObject({
        status: 402,
        body: { code: 'payment_declined', order: { id: order.id, status: 'pending_payment' } },
      });
      expect(await shop.pay(order.id, 'pm_card_visa')).toMatchObject({
        status: 201,
        body: { status: 'confirmed', payment: { status: 'captured', declineCode: null } },
      });
      expect(await shop.stock(product)).toMatchObject({ reserved: 4 });
      expect(await shop.ledgerOf(order.id)).toEqual(CAPTURED);
      const { operations, method: latest } = await shop.paymentOf(order.payment.id);
      expect(latest).toBe('pm_card_visa');
      expect(operations).toMatchObject([
        { status: 'succeeded' },
        { status: 'declined', declineCode: 'generic_decline' },
        { status: 'declined', declineCode },
      ]);
      const { body } = await shop.expectRefusal(() => shop.pay(order.id), 409, 'order_state_conflict');
      expect(body).toMatchObject({ orderStatus: 'confirmed', paymentStatus: 'captured' });
    },
  );

  it.each(['pm_sim_timeout_after_effect', 'pm_sim_timeout_before_effect', 'pm_sim_error_500'])(
    'like %s leaves the outcome unknown, until the worker finds out',
    async (method) => {
      const { product, order } = await orderOfFour({ method }, 202);
      expect(order).toMatchObject({
        status: 'pending_payment',
        payment: { status: 'processing', outcome: 'unknown', declineCode: null },
      });
      expect(await shop.stock(product)).toMatchObject({ reserved: 4 });
      expect(await shop.ledgerOf(order.id)).toEqual({});
      // Whoever pays again now might pay twice.
      await shop.expectRefusal(() => shop.pay(order.id), 409, 'order_state_conflict');
      await shop.expectRefusal(() => shop.capture(order.payment.id), 409, 'payment_state_conflict');
      await shop.expectRefusal(() => shop.void(order.payment.id), 409, 'payment_state_conflict');
      await shop.expectRefusal(() => shop.refund(order.payment.id), 409, 'payment_state_conflict');

      await shop.resolveOperations();
      expect(await shop.orderOf(order.id)).toMatchObject({
        status: 'confirmed',
        payment: { status: 'captured', outcome: null },
      });
      expect(await shop.ledgerOf(order.id)).toEqual(CAPTURED);
      expect(await shop.causes(order.id)).toEqual(['placed', 'payment_outcome_unknown', 'confirmed']);
      const { data } = await shop.read(`${ORDERS}/${order.id}/timeline`);
      expect(data[0].actor).toBe('system:payment-resolver');
      expect((await shop.paymentOf(order.payment.id)).operations).toMatchObject([{ status: 'succeeded' }]);
    },
  );

  it('that stays slower than we wait stays unknown, and is asked again with patience', async () => {
    const { order } = await orderOfFour({ method: 'pm_sim_slow' }, 202);
    expect(order.payment).toMatchObject({ status: 'processing', outcome: 'unknown' });
    const attempt = async () => {
      const { rows } = await shop.sql.query<{ status: string; attempts: number; wait_ms: string }>(
        `SELECT status, attempts, extract(epoch FROM next_attempt_at - updated_at) * 1000 AS wait_ms
           FROM payments.operations WHERE payment_id = $1`,
        [order.payment.id],
      );
      return { ...rows[0]!, wait_ms: Number(rows[0]!.wait_ms) };
    };
    const first = await attempt();
    expect(first).toMatchObject({ status: 'unknown', attempts: 1 });
    expect(first.wait_ms).toBeGreaterThanOrEqual(400);
    expect(first.wait_ms).toBeLessThanOrEqual(700);
    // Not before its time, and then once.
    await shop.sql.query(
      // Not now(): the column rounds to milliseconds, up as well as down.
      `UPDATE payments.operations SET next_attempt_at = now() - interval '1 second' WHERE payment_id = $1`,
      [order.payment.id],
    );
    await shop.resolveDueOperations();
    const second = await attempt();
    expect(second).toMatchObject({ status: 'unknown', attempts: 2 });
    expect(second.wait_ms).toBeGreaterThan(first.wait_ms);
    expect(await shop.orderOf(order.id)).toMatchObject({ payment: { outcome: 'unknown' } });
    // The gateway gets faster.
    await shop.sql.query(`UPDATE payments.operations SET method = 'pm_card_visa' WHERE payment_id = $1`, [
      order.payment.id,
    ]);
    await shop.resolveOperations();
    expect(await shop.orderOf(order.id)).toMatchObject({ status: 'confirmed' });
  });

  it('may be tried again with one that times out', async () => {
    const { order } = await orderOfFour({ method: 'pm_card_chargeDeclined' }, 402);
    expect(await shop.pay(order.id, 'pm_sim_timeout_after_effect')).toMatchObject({
      status: 202,
      body: { status: 'pending_payment', payment: { status: 'processing', outcome: 'unknown' } },
    });
    await shop.resolveOperations();
    expect(await shop.orderOf(order.id)).toMatchObject({ status: 'confirmed' });
    expect(await shop.ledgerOf(order.id)).toEqual(CAPTURED);
  });

  it.each(['pm_nobody_knows', 'PM_CARD_VISA', 'constructor', '__proto__'])(
    'like %s that nobody knows is refused',
    async (method) => {
      await shop.expectRefusal(() => shop.place({ method }), 422, 'unknown_payment_method');
      const { order } = await orderOfFour({ method: 'pm_card_chargeDeclined' }, 402);
      await shop.expectRefusal(() => shop.pay(order.id, method), 422, 'unknown_payment_method');
    },
  );
});

describe('capturing by hand', () => {
  it('takes parts up to what was authorized, and no more', async () => {
    const { order } = await orderOfFour({ capture: 'manual' });
    const paymentId = order.payment.id;
    expect(order).toMatchObject({ status: 'confirmed', payment: { status: 'authorized' } });
    expect(await shop.ledgerOf(order.id)).toEqual({});

    expect(await shop.capture(paymentId, 1_500)).toMatchObject({
      status: 200,
      body: { status: 'partially_captured', capturedAmount: gbp(1_500), authorizedAmount: gbp(4_000) },
    });
    const { body } = await shop.expectRefusal(
      () => shop.capture(paymentId, 2_501),
      409,
      'capture_exceeds_authorized',
    );
    expect(body.capturableAmount).toBe(2_500);
    expect(await shop.capture(paymentId, 2_499)).toMatchObject({ body: { status: 'partially_captured' } });
    expect(await shop.capture(paymentId, 1)).toMatchObject({
      status: 200,
      body: { status: 'captured', capturedAmount: gbp(4_000) },
    });
    expect(await shop.ledgerOf(order.id)).toEqual(CAPTURED);
    expect(await shop.orderOf(order.id)).toMatchObject({
      status: 'confirmed',
      payment: { status: 'captured' },
    });
    for (const amount of [1, undefined]) {
      const refused = await shop.expectRefusal(
        () => shop.capture(paymentId, amount),
        409,
        'payment_state_conflict',
      );
      expect(refused.body.paymentStatus).toBe('captured');
    }
  });

  it('takes all that is left when no amount is named', async () => {
    const { order } = await orderOfFour({ capture: 'manual' });
    await shop.capture(order.payment.id, 1);
    expect(await shop.capture(order.payment.id)).toMatchObject({
      status: 200,
      body: { status: 'captured', capturedAmount: gbp(4_000), operations: [{ amount: gbp(3_999) }, {}, {}] },
    });
  });

  it('is refused in another currency', async () => {
    const { order } = await orderOfFour({ capture: 'manual' });
    await shop.expectRefusal(
      () =>
        shop.post(
          `${PAYMENTS}/${order.payment.id}/capture`,
          { amount: { amount: 1, currency: 'EUR' } },
          { as: shop.staff },
        ),
      422,
      'currency_mismatch',
    );
  });

  it('that the gateway refuses takes nothing, and may be tried again', async () => {
    const { order } = await orderOfFour({ capture: 'manual', method: 'pm_sim_capture_fails' });
    for (let call = 1; call <= 2; call += 1) {
      const { status, body } = await shop.capture(order.payment.id, 1_000);
      expect({ status, code: body.code }).toEqual({ status: 409, code: 'capture_failed' });
      expect(body.payment).toMatchObject({ status: 'authorized', capturedAmount: gbp(0) });
      expect(body.payment.operations[0]).toMatchObject({
        kind: 'capture',
        status: 'failed',
        declineCode: 'capture_refused',
      });
      expect(body.payment.operations).toHaveLength(call + 1);
    }
    expect(await shop.ledgerOf(order.id)).toEqual({});
    expect(await shop.void(order.payment.id)).toMatchObject({ status: 200 });
  });

  it('whose outcome is unknown lets nothing else touch the authorization, and is carried on', async () => {
    const { order } = await orderOfFour({ capture: 'manual' });
    const manner = { key: newId() };
    await shop.whileGatewayHangs('capture', async () => {
      const answer = await shop.capture(order.payment.id, 1_000, manner);
      expect(answer).toMatchObject({ status: 202, body: { status: 'authorized', capturedAmount: gbp(0) } });
      expect(answer.body.operations[0]).toMatchObject({ kind: 'capture', status: 'unknown' });
      for (const call of [() => shop.capture(order.payment.id, 1), () => shop.void(order.payment.id)]) {
        await shop.expectRefusal(call, 409, 'payment_operation_open');
      }
    });
    await shop.resolveOperations();
    expect(await shop.capture(order.payment.id, 1_000, manner)).toMatchObject({
      status: 200,
      body: { status: 'partially_captured', capturedAmount: gbp(1_000) },
    });
    expect(await shop.ledgerOf(order.id)).toEqual({ gateway_clearing: 1_000, sales: -1_000 });
  });

  it('is refused of a payment that holds nothing', async () => {
    const declined = await orderOfFour({ capture: 'manual', method: 'pm_card_chargeDeclined' }, 402);
    const automatic = await orderOfFour();
    for (const { order } of [declined, automatic]) {
      const { body } = await shop.expectRefusal(
        () => shop.capture(order.payment.id),
        409,
        'payment_state_conflict',
      );
      expect(body.paymentStatus).toBe(order.payment.status);
    }
    await shop.expectRefusal(() => shop.capture(newId()), 404, 'payment_not_found');
  });
});

describe('voiding', () => {
  it('gives up what was authorized, and the order with it', async () => {
    const { product, order } = await orderOfFour({ capture: 'manual' });
    expect(await shop.void(order.payment.id)).toMatchObject({
      status: 200,
      body: { status: 'canceled', authorizedAmount: gbp(0), capturedAmount: gbp(0) },
    });
    // Nothing pays for the order any more.
    expect(await shop.orderOf(order.id)).toMatchObject({ status: 'canceled' });
    expect(await shop.stock(product)).toEqual({ onHand: 10, reserved: 0, available: 10 });
    for (const call of [() => shop.void(order.payment.id), () => shop.capture(order.payment.id)]) {
      const { body } = await shop.expectRefusal(call, 409, 'payment_state_conflict');
      expect(body.paymentStatus).toBe('canceled');
    }
    await shop.expectRefusal(
      () => shop.fulfil(order.id, [{ lineId: order.lines[0].id, quantity: 1 }]),
      409,
      'order_state_conflict',
    );
  });

  it('after a part was captured keeps that part', async () => {
    const { order } = await orderOfFour({ capture: 'manual' });
    await shop.capture(order.payment.id, 1_500);
    expect(await shop.void(order.payment.id)).toMatchObject({
      status: 200,
      body: { status: 'captured', authorizedAmount: gbp(1_500), capturedAmount: gbp(1_500) },
    });
    expect(await shop.ledgerOf(order.id)).toEqual({ gateway_clearing: 1_500, sales: -1_500 });
    await shop.expectRefusal(
      () => shop.refund(order.payment.id, { amount: gbp(1_501) }),
      409,
      'refund_exceeds_captured',
    );
    expect(await shop.refund(order.payment.id)).toMatchObject({ status: 201, body: { amount: gbp(1_500) } });
  });

  it('whose outcome is unknown keeps the order until it is certain', async () => {
    const { product, order } = await orderOfFour({ capture: 'manual' });
    const manner = { key: newId() };
    await shop.whileGatewayHangs('void', async () => {
      const answer = await shop.void(order.payment.id, manner);
      expect(answer).toMatchObject({ status: 202, body: { status: 'authorized' } });
      // A capture now could come after the void.
      for (const call of [() => shop.capture(order.payment.id, 1), () => shop.void(order.payment.id)]) {
        await shop.expectRefusal(call, 409, 'payment_operation_open');
      }
    });
    expect(await shop.stock(product)).toMatchObject({ reserved: 4 });
    await shop.resolveOperations();
    expect(await shop.void(order.payment.id, manner)).toMatchObject({
      status: 200,
      body: { status: 'canceled' },
    });
    expect(await shop.stock(product)).toMatchObject({ reserved: 0 });
  });

  it('is refused of what is captured', async () => {
    const { order } = await orderOfFour();
    await shop.expectRefusal(() => shop.void(order.payment.id), 409, 'payment_state_conflict');
    await shop.expectRefusal(() => shop.void(newId()), 404, 'payment_not_found');
  });
});

describe('a process that dies between the order and the gateway', () => {
  /** Everything after the first transaction of `fn` is lost, as if the process had ended there. */
  async function dyingAfterCommit<T>(fn: () => Promise<T>): Promise<T> {
    const facade = shop.api.app.get(PaymentsFacade);
    const run = facade.run.bind(facade);
    facade.run = () => Promise.reject(new Error('The process died.'));
    try {
      return await fn();
    } finally {
      facade.run = run;
    }
  }

  it('leaves an order that a retry with the same key carries on', async () => {
    const product = await shop.product({ price: 1_000, stock: 10 });
    const wish = { lines: [line(product, 4)] };
    const manner = { key: newId() };
    expect(await dyingAfterCommit(() => shop.place(wish, manner))).toMatchObject({ status: 500 });
    expect(await shop.stock(product)).toMatchObject({ reserved: 4 });

    const retried = await shop.place(wish, manner);
    expect(retried).toMatchObject({ status: 201, body: { status: 'confirmed' } });
    expect(retried.headers.get('idempotency-replayed')).toBeNull();
    expect(await shop.stock(product)).toMatchObject({ reserved: 4 });
    expect(await shop.ledgerOf(retried.body.id)).toEqual(CAPTURED);
    expect(await shop.place(wish, manner)).toMatchObject({ status: 201, body: { id: retried.body.id } });
  });

  it('leaves an order that the worker carries on when nobody comes back', async () => {
    const product = await shop.product({ price: 1_000, stock: 10 });
    const id = newId();
    await dyingAfterCommit(() => shop.place({ id, lines: [line(product, 4)] }));
    const pending = { status: 'pending_payment', payment: { status: 'processing', outcome: 'pending' } };
    // Whoever created the operation has two seconds to send it.
    await shop.resolveDueOperations();
    await shop.expireUnpaid(86_400_000);
    expect(await shop.orderOf(id)).toMatchObject(pending);

    await shop.resolveOperations();
    expect(await shop.orderOf(id)).toMatchObject({ status: 'confirmed' });
    expect(await shop.ledgerOf(id)).toEqual(CAPTURED);
  });

  it('leaves an attempt to pay that is carried on', async () => {
    const { order } = await orderOfFour({ method: 'pm_card_chargeDeclined' }, 402);
    const manner = { key: newId() };
    await dyingAfterCommit(() => shop.pay(order.id, 'pm_card_visa', manner));
    await shop.expectRefusal(() => shop.pay(order.id, 'pm_card_visa'), 409, 'order_state_conflict');
    expect(await shop.pay(order.id, 'pm_card_visa', manner)).toMatchObject({
      status: 201,
      body: { status: 'confirmed' },
    });
    expect(await shop.ledgerOf(order.id)).toEqual(CAPTURED);
  });

  it('leaves a parcel that is sent and will be paid for', async () => {
    const { product, order } = await orderOfFour({ capture: 'on_fulfillment' });
    const pieces = [{ lineId: order.lines[0].id, quantity: 4 }];
    const manner = { key: newId() };
    expect(await dyingAfterCommit(() => shop.fulfil(order.id, pieces, manner))).toMatchObject({
      status: 500,
    });
    expect(await shop.fulfil(order.id, pieces, manner)).toMatchObject({
      status: 201,
      body: { lines: pieces },
    });
    expect(await shop.stock(product)).toEqual({ onHand: 6, reserved: 0, available: 6 });
    await shop.resolveOperations();
    expect(await shop.orderOf(order.id)).toMatchObject({
      status: 'fulfilled',
      payment: { status: 'captured' },
    });
    expect(await shop.ledgerOf(order.id)).toEqual(CAPTURED);
  });
});
