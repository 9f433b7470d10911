import { newId } from '#kernel';
import { armFailpoints } from '#platform/failpoints';
import { gbp, line, ORDERS, type Product, Shop, type Wish } from '../support/shop.js';

const PAYMENT_WINDOW_MS = 60_000;
const COMPLETION_MS = 86_400_000;

let shop: Shop;

beforeAll(async () => {
  shop = await Shop.open({
    GATEWAY_TIMEOUT_MS: '200',
    ORDER_PAYMENT_WINDOW_SECONDS: String(PAYMENT_WINDOW_MS / 1_000),
    ORDER_COMPLETION_DAYS: '1',
  });
});

afterAll(() => shop.close());

/** An order of 4 of 10 pieces at 1000, with what a test does to its payment before. */
async function orderOfFour(wish: Wish = {}, status = 201) {
  const product = await shop.product({ price: 1_000, stock: 10 });
  const body = await shop.placed({ lines: [line(product, 4)], ...wish }, {}, status);
  return { product, order: status === 402 ? body.order : body };
}

/** An order of 4 of 10 pieces whose process died when it was stored and before its payment was sent. */
async function neverSent(method: string): Promise<{ product: Product; id: string }> {
  const product = await shop.product({ price: 1_000, stock: 10 });
  const id = newId();
  armFailpoints('idempotency.committed=error');
  try {
    expect(await shop.place({ id, lines: [line(product, 4)], method })).toMatchObject({ status: 500 });
  } finally {
    armFailpoints('');
  }
  const { payment } = await shop.orderOf(id);
  expect(await operations(payment.id)).toEqual(['authorize created 4000']);
  return { product, id };
}

const BACK_IN_STOCK = { onHand: 10, reserved: 0, available: 10 };
const STILL_HELD = { onHand: 10, reserved: 4, available: 6 };

/** The operations of a payment as `kind status amount`, oldest first. */
async function operations(paymentId: string): Promise<string[]> {
  const { operations: list } = await shop.paymentOf(paymentId);
  return (list as { kind: string; status: string; amount: { amount: number } }[])
    .map(({ kind, status, amount }) => `${kind} ${status} ${amount.amount}`)
    .reverse();
}

async function expectGone({ id, payment }: { id: string; payment: { id: string } }, product: Product) {
  expect(await shop.orderOf(id)).toMatchObject({ status: 'canceled' });
  expect(await shop.stock(product)).toEqual(BACK_IN_STOCK);
  const { capturedAmount, refundedAmount } = await shop.paymentOf(payment.id);
  expect(refundedAmount).toEqual(capturedAmount);
}

describe('canceling an order', () => {
  it('that is captured refunds it and gives its stock back', async () => {
    const { product, order } = await orderOfFour();
    const answer = await shop.cancel(order.id, {}, 'ordered twice');
    expect(answer).toMatchObject({ status: 200, body: { status: 'canceled', version: 5 } });
    expect(await operations(order.payment.id)).toEqual(['authorize succeeded 4000', 'refund succeeded 4000']);
    await expectGone(order, product);
    expect(await shop.ledgerOf(order.id)).toEqual({ sales: -4_000, sales_refunds: 4_000 });
    const { data } = await shop.read(`${ORDERS}/${order.id}/timeline`);
    expect(data).toMatchObject([
      { from: 'cancel_pending', to: 'canceled', cause: 'canceled', reason: null },
      { from: 'cancel_pending', to: 'cancel_pending', cause: 'refunded', reason: null },
      { from: 'confirmed', to: 'cancel_pending', cause: 'cancel_requested', reason: 'ordered twice' },
      { from: 'pending_payment', to: 'confirmed', cause: 'confirmed' },
      { from: null, to: 'pending_payment', cause: 'placed' },
    ]);
    expect(await shop.events(order.id)).toEqual([
      'order.placed',
      'order.confirmed',
      'order.cancel_requested',
      'order.refunded',
      'order.canceled',
    ]);
  });

  it.each(['manual', 'on_fulfillment'] as const)(
    'that is authorized, with capture %s, voids it',
    async (capture) => {
      const { product, order } = await orderOfFour({ capture });
      expect(await shop.cancel(order.id)).toMatchObject({
        status: 200,
        body: { status: 'canceled', payment: { status: 'canceled' } },
      });
      expect(await operations(order.payment.id)).toEqual(['authorize succeeded 4000', 'void succeeded 4000']);
      await expectGone(order, product);
      expect(await shop.ledgerOf(order.id)).toEqual({});
    },
  );

  it('that is captured in part voids the rest and refunds the part', async () => {
    const { product, order } = await orderOfFour({ capture: 'manual' });
    await shop.capture(order.payment.id, 1_500);
    expect(await shop.cancel(order.id)).toMatchObject({ status: 200, body: { status: 'canceled' } });
    expect(await operations(order.payment.id)).toEqual([
      'authorize succeeded 4000',
      'capture succeeded 1500',
      'void succeeded 2500',
      'refund succeeded 1500',
    ]);
    await expectGone(order, product);
    expect(await shop.ledgerOf(order.id)).toEqual({ sales: -1_500, sales_refunds: 1_500 });
  });

  it('that was captured by hand refunds it', async () => {
    const { product, order } = await orderOfFour({ capture: 'manual' });
    await shop.capture(order.payment.id);
    expect(await shop.cancel(order.id)).toMatchObject({ status: 200, body: { status: 'canceled' } });
    await expectGone(order, product);
  });

  it('that is refunded in part refunds the rest', async () => {
    const { product, order } = await orderOfFour();
    await shop.refund(order.payment.id, { amount: gbp(2_500) });
    expect(await shop.cancel(order.id)).toMatchObject({ status: 200, body: { status: 'canceled' } });
    expect(await operations(order.payment.id)).toContain('refund succeeded 1500');
    await expectGone(order, product);
  });

  it('that is refunded in full asks the gateway for nothing', async () => {
    const { product, order } = await orderOfFour();
    await shop.refund(order.payment.id);
    expect(await shop.cancel(order.id)).toMatchObject({ status: 200, body: { status: 'canceled' } });
    expect(await operations(order.payment.id)).toHaveLength(2);
    await expectGone(order, product);
  });

  it.each([
    ['pm_card_chargeDeclined', 'requires_payment_method'],
    ['pm_card_authenticationRequired', 'requires_action'],
  ])('that %s left waiting ends its payment', async (method, paymentStatus) => {
    const { product, order } = await orderOfFour({ method }, 402);
    expect(order.payment.status).toBe(paymentStatus);
    expect(await shop.cancel(order.id)).toMatchObject({
      status: 200,
      body: { status: 'canceled', payment: { status: 'canceled' } },
    });
    expect(await operations(order.payment.id)).toEqual(['authorize declined 4000']);
    await expectGone(order, product);
    await shop.expectRefusal(() => shop.pay(order.id), 409, 'order_state_conflict');
  });

  it('whose payment is unknown finds out first, and then gives the money back', async () => {
    const { product, order } = await orderOfFour({ method: 'pm_sim_timeout_after_effect' }, 202);
    expect(await shop.cancel(order.id)).toMatchObject({ status: 200, body: { status: 'canceled' } });
    expect(await operations(order.payment.id)).toEqual(['authorize succeeded 4000', 'refund succeeded 4000']);
    await expectGone(order, product);
  });

  it('whose payment is unknown because nothing arrived finds out, and gives back what that brings', async () => {
    const { product, order } = await orderOfFour({ method: 'pm_sim_timeout_before_effect' }, 202);
    expect(await shop.cancel(order.id)).toMatchObject({ status: 200, body: { status: 'canceled' } });
    await expectGone(order, product);
    expect(await shop.ledgerOf(order.id)).toEqual({ sales: -4_000, sales_refunds: 4_000 });
  });

  it.each([
    ['pm_card_visa', ['authorize succeeded 4000', 'refund succeeded 4000']],
    ['pm_card_chargeDeclined', ['authorize declined 4000']],
  ])('whose payment by %s was never sent leaves nothing behind', async (method, expected) => {
    const { product, id } = await neverSent(method);
    expect(await shop.cancel(id)).toMatchObject({ status: 200, body: { status: 'canceled' } });
    const order = await shop.orderOf(id);
    expect(await operations(order.payment.id)).toEqual(expected);
    await expectGone(order, product);
  });

  it('gives the stock back only when it is certain that no money is held', async () => {
    const { product, order } = await orderOfFour({ method: 'pm_sim_timeout_after_effect' }, 202);
    const hold = (until: string) =>
      shop.sql.query('UPDATE payments.operations SET leased_until = $1 WHERE payment_id = $2', [
        until,
        order.payment.id,
      ]);
    const key = newId();

    // Somebody else is asking the gateway at this moment, so the call cannot.
    await hold('infinity');
    for (let call = 0; call < 2; call += 1) {
      const answer = await shop.cancel(order.id, { key });
      expect(answer).toMatchObject({ status: 202, body: { status: 'cancel_pending' } });
      expect(answer.headers.get('idempotency-replayed')).toBeNull();
    }
    // Nor does anybody else who asks for it.
    expect(await shop.cancel(order.id, { as: shop.staff })).toMatchObject({
      status: 202,
      body: { status: 'cancel_pending', version: 3 },
    });
    expect(await shop.stock(product)).toEqual(STILL_HELD);
    await shop.expireUnpaid(2 * PAYMENT_WINDOW_MS);
    expect(await shop.stock(product)).toEqual(STILL_HELD);

    await hold('-infinity');
    await shop.resolveOperations();
    await expectGone(order, product);
    expect(await shop.cancel(order.id, { key })).toMatchObject({ status: 200, body: { status: 'canceled' } });
  });

  it('stays open when the gateway refuses to refund, and every further call tries again', async () => {
    const { product, order } = await orderOfFour({ method: 'pm_sim_refund_fails' });
    for (let call = 1; call <= 2; call += 1) {
      expect(await shop.cancel(order.id)).toMatchObject({
        status: 202,
        body: { status: 'cancel_pending', payment: { status: 'captured' } },
      });
      const { refunds, pendingRefundAmount, refundedAmount } = await shop.paymentOf(order.payment.id);
      expect(refunds).toHaveLength(call);
      expect({ pendingRefundAmount, refundedAmount }).toEqual({
        pendingRefundAmount: gbp(0),
        refundedAmount: gbp(0),
      });
    }
    expect(await shop.stock(product)).toEqual(STILL_HELD);
    await shop.resolveOperations();
    expect(await operations(order.payment.id)).toHaveLength(3);
  });

  it('is refused once something has left the house', async () => {
    const { order } = await orderOfFour();
    const lineId = order.lines[0].id;
    await shop.fulfil(order.id, [{ lineId, quantity: 1 }]);
    const refuse = async (orderStatus: string) => {
      const { body } = await shop.expectRefusal(() => shop.cancel(order.id), 409, 'order_state_conflict');
      expect(body.orderStatus).toBe(orderStatus);
    };
    await refuse('partially_fulfilled');
    await shop.fulfil(order.id, [{ lineId, quantity: 3 }]);
    await refuse('fulfilled');
    await shop.completeOrders(COMPLETION_MS);
    await refuse('completed');
  });

  it('is refused when it is canceled, and replayed under the key that did it', async () => {
    const { order } = await orderOfFour();
    const key = newId();
    const first = await shop.cancel(order.id, { key });
    const { body } = await shop.expectRefusal(() => shop.cancel(order.id), 409, 'order_state_conflict');
    expect(body.orderStatus).toBe('canceled');
    const replay = await shop.cancel(order.id, { key });
    expect(replay).toMatchObject({ status: 200, body: first.body });
    expect(replay.headers.get('idempotency-replayed')).toBe('true');
  });
});

describe('an order that nobody pays', () => {
  it('gives its stock back when its time is over, and not before', async () => {
    const { product, order } = await orderOfFour({ method: 'pm_card_chargeDeclined' }, 402);
    await shop.expireUnpaid(PAYMENT_WINDOW_MS - 5_000);
    expect(await shop.orderOf(order.id)).toMatchObject({ status: 'pending_payment' });
    expect(await shop.stock(product)).toEqual(STILL_HELD);

    await shop.expireUnpaid(PAYMENT_WINDOW_MS);
    expect(await shop.orderOf(order.id)).toMatchObject({
      status: 'expired',
      payment: { status: 'canceled', declineCode: 'generic_decline' },
    });
    expect(await shop.stock(product)).toEqual(BACK_IN_STOCK);
    const { data } = await shop.read(`${ORDERS}/${order.id}/timeline`);
    expect((data as { cause: string }[]).find(({ cause }) => cause === 'expired')).toMatchObject({
      from: 'pending_payment',
      to: 'expired',
      actor: 'system:order-expiry',
    });
    for (const call of [() => shop.pay(order.id), () => shop.cancel(order.id)]) {
      const { body } = await shop.expectRefusal(call, 409, 'order_state_conflict');
      expect(body.orderStatus).toBe('expired');
    }
  });

  it('expires also when its payment waits for an action', async () => {
    const { product, order } = await orderOfFour({ method: 'pm_card_authenticationRequired' }, 402);
    await shop.expireUnpaid(PAYMENT_WINDOW_MS);
    expect(await shop.orderOf(order.id)).toMatchObject({ status: 'expired' });
    expect(await shop.stock(product)).toEqual(BACK_IN_STOCK);
  });

  it('cannot be paid when its time is over, even before the timer has looked', async () => {
    const { order } = await orderOfFour({ method: 'pm_card_chargeDeclined' }, 402);
    await shop.later(PAYMENT_WINDOW_MS, () =>
      shop.expectRefusal(() => shop.pay(order.id), 409, 'order_state_conflict'),
    );
    expect(await shop.pay(order.id)).toMatchObject({ status: 201, body: { status: 'confirmed' } });
  });

  it('does not expire while its money may be on its way', async () => {
    const { product, order } = await orderOfFour({ method: 'pm_sim_timeout_before_effect' }, 202);
    await shop.expireUnpaid(2 * PAYMENT_WINDOW_MS);
    expect(await shop.orderOf(order.id)).toMatchObject({
      status: 'pending_payment',
      payment: { status: 'processing', outcome: 'unknown' },
    });
    expect(await shop.stock(product)).toEqual(STILL_HELD);

    await shop.resolveOperations();
    await shop.expireUnpaid(2 * PAYMENT_WINDOW_MS);
    expect(await shop.orderOf(order.id)).toMatchObject({ status: 'confirmed' });
    expect(await shop.stock(product)).toEqual(STILL_HELD);
  });

  it('expires when what was on its way turns out to be nothing', async () => {
    const { product, order } = await orderOfFour({ method: 'pm_card_chargeDeclined' }, 402);
    expect(await shop.pay(order.id, 'pm_card_chargeDeclined')).toMatchObject({ status: 402 });
    await shop.expireUnpaid(PAYMENT_WINDOW_MS);
    expect(await shop.stock(product)).toEqual(BACK_IN_STOCK);
  });

  it('is left alone once it is paid', async () => {
    const { product, order } = await orderOfFour({ capture: 'manual' });
    await shop.expireUnpaid(10 * PAYMENT_WINDOW_MS);
    expect(await shop.orderOf(order.id)).toMatchObject({ status: 'confirmed' });
    expect(await shop.stock(product)).toEqual(STILL_HELD);
  });

  it('expires once, however many workers look for it', async () => {
    const orders = await Promise.all(
      Array.from({ length: 8 }, () => orderOfFour({ method: 'pm_card_chargeDeclined' }, 402)),
    );
    await shop.later(PAYMENT_WINDOW_MS, () =>
      Promise.all(Array.from({ length: 4 }, () => shop.expireUnpaid())),
    );
    for (const { order, product } of orders) {
      expect(await shop.causes(order.id)).toEqual([
        'placed',
        'payment_declined',
        'expired',
        'payment_canceled',
      ]);
      expect(await shop.stock(product)).toEqual(BACK_IN_STOCK);
    }
  });
});

it('a cancellation that an unrelated failed refund had stopped goes on with the next try, same key', async () => {
  const { id, payment } = await shop.placed();
  const manner = { key: newId() };
  await shop.withGateway(
    'refund',
    () => Promise.reject(new Error('no answer')),
    () => shop.refund(payment.id, { amount: gbp(1) }),
  );
  await shop.withGateway(
    'refund',
    () => Promise.resolve({ result: 'failed', declineCode: 'refund_refused' }),
    async () => {
      expect(await shop.cancel(id, manner)).toMatchObject({ status: 202 });
    },
  );
  expect(await shop.orderOf(id)).toMatchObject({ status: 'cancel_pending' });
  expect(await shop.cancel(id, manner)).toMatchObject({ status: 200, body: { status: 'canceled' } });
});
