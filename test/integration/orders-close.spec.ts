import { newId } from '#kernel';
import { ExpireAuthorizations } from '#orders';
import { INVARIANTS_PATH } from '../support/live-invariants.js';
import { gbp, line, ORDERS, Shop, type Wish } from '../support/shop.js';

const DAY_MS = 86_400_000;
const FREEZE = `${INVARIANTS_PATH}/freeze`;

let shop: Shop;

beforeAll(async () => {
  shop = await Shop.open({ GATEWAY_TIMEOUT_MS: '200', ORDER_COMPLETION_DAYS: '1' });
});

afterAll(() => shop.close());

/** An order of 4 of 10 pieces at 1000, of which one has left. */
async function oneOfFour(wish: Wish = {}) {
  const product = await shop.product({ price: 1_000, stock: 10 });
  const { id, lines, payment } = await shop.placed({ lines: [line(product, 4)], ...wish });
  const lineId = lines[0].id as string;
  expect(await shop.fulfil(id, [{ lineId, quantity: 1 }])).toMatchObject({ status: 201 });
  return { product, id: id as string, lineId, paymentId: payment.id as string };
}

/** The operations of a payment as `kind status amount`, oldest first. */
async function operations(paymentId: string): Promise<string[]> {
  const { operations: list } = await shop.paymentOf(paymentId);
  return (list as { kind: string; status: string; amount: { amount: number } }[])
    .map(({ kind, status, amount }) => `${kind} ${status} ${amount.amount}`)
    .reverse();
}

const CLOSED = {
  status: 'fulfilled',
  closedAt: expect.any(String) as string,
  total: gbp(4_000),
  lines: [{ quantity: 4, fulfilledQuantity: 1, canceledQuantity: 3 }],
};
const REST_IN_STOCK = { onHand: 9, reserved: 0, available: 9 };

async function expectCompletes(orderId: string): Promise<void> {
  await shop.completeOrders(2 * DAY_MS);
  expect(await shop.orderOf(orderId)).toMatchObject({ status: 'completed' });
}

describe('closing the rest of an order', () => {
  it('that is captured refunds the rest, frees its stock, and lets it complete', async () => {
    const { product, id, paymentId } = await oneOfFour();
    const answer = await shop.closeOrder(id, {}, 'sold out');
    expect(answer).toMatchObject({
      status: 200,
      body: { ...CLOSED, lines: [{ refundedAmount: gbp(3_000) }] },
    });
    expect(answer.body).toMatchObject(CLOSED);
    expect(await operations(paymentId)).toEqual(['authorize succeeded 4000', 'refund succeeded 3000']);
    expect(await shop.stock(product)).toEqual(REST_IN_STOCK);
    expect(await shop.ledgerOf(id)).toEqual({ gateway_clearing: 1_000, sales: -4_000, sales_refunds: 3_000 });
    const { data } = await shop.read(`${ORDERS}/${id}/timeline`);
    expect(data).toMatchObject([
      { to: 'fulfilled', cause: 'refunded' },
      {
        from: 'partially_fulfilled',
        to: 'fulfilled',
        cause: 'closed',
        reason: 'sold out',
        actor: `user:${shop.staff.id}`,
      },
      { to: 'partially_fulfilled', cause: 'partially_fulfilled' },
      { cause: 'confirmed' },
      { cause: 'placed' },
    ]);
    expect(await shop.events(id)).toContain('order.closed');
    await expectCompletes(id);
  });

  it('that captures on fulfilment voids the rest', async () => {
    const { product, id, paymentId } = await oneOfFour({ capture: 'on_fulfillment' });
    expect(await shop.closeOrder(id)).toMatchObject({
      status: 200,
      body: { ...CLOSED, payment: { status: 'captured' } },
    });
    expect(await operations(paymentId)).toEqual([
      'authorize succeeded 4000',
      'capture succeeded 1000',
      'void succeeded 3000',
    ]);
    expect(await shop.stock(product)).toEqual(REST_IN_STOCK);
    expect(await shop.ledgerOf(id)).toEqual({ gateway_clearing: 1_000, sales: -1_000 });
    await expectCompletes(id);
  });

  it.each([
    ['nothing was captured', 0, ['capture succeeded 1000', 'void succeeded 3000']],
    ['a part was captured', 400, ['capture succeeded 400', 'capture succeeded 600', 'void succeeded 3000']],
    [
      'more was captured than has left',
      2_500,
      ['capture succeeded 2500', 'refund succeeded 1500', 'void succeeded 1500'],
    ],
  ])('that staff capture, of which %s, keeps what has left', async (_, captured, expected) => {
    const { id, paymentId } = await oneOfFour({ capture: 'manual' });
    if (captured > 0) await shop.capture(paymentId, captured);
    expect(await shop.closeOrder(id)).toMatchObject({
      status: 200,
      body: { ...CLOSED, payment: { status: 'captured' } },
    });
    expect((await operations(paymentId)).slice(1).sort()).toEqual([...expected].sort());
    const { capturedAmount, refundedAmount } = await shop.paymentOf(paymentId);
    expect(capturedAmount.amount - refundedAmount.amount).toBe(1_000);
    await expectCompletes(id);
  });

  it.each([
    ['was voided', (paymentId: string) => shop.void(paymentId)],
    [
      'has ended',
      async (paymentId: string) => {
        await shop.sql.query(`UPDATE payments.payments SET authorized_until = now() WHERE id = $1`, [
          paymentId,
        ]);
        await shop.api.app.get(ExpireAuthorizations).execute();
        await shop.resolveOperations();
      },
    ],
  ])('whose authorization %s already frees its stock, and asks the gateway for nothing', async (_, end) => {
    const { product, id, paymentId } = await oneOfFour({ capture: 'on_fulfillment' });
    await end(paymentId);
    expect(await shop.orderOf(id)).toMatchObject({
      status: 'partially_fulfilled',
      payment: { status: 'captured' },
    });
    const before = await operations(paymentId);
    expect(await shop.closeOrder(id)).toMatchObject({ status: 200, body: CLOSED });
    expect(await operations(paymentId)).toEqual(before);
    expect(await shop.stock(product)).toEqual(REST_IN_STOCK);
    await expectCompletes(id);
  });

  it('counts what was given back already, but for what came back', async () => {
    const { id, lineId, paymentId } = await oneOfFour();
    await shop.fulfil(id, [{ lineId, quantity: 1 }]);
    await shop.takeBack(id, [{ lineId, quantity: 1 }]);
    await shop.refund(paymentId, { lines: [{ lineId, amount: gbp(1_000) }] });
    await shop.refund(paymentId, { amount: gbp(300), reason: 'the rest is late' });
    expect(await shop.closeOrder(id)).toMatchObject({ status: 200 });
    expect((await operations(paymentId)).slice(1)).toEqual([
      'refund succeeded 1000',
      'refund succeeded 300',
      'refund succeeded 1700',
    ]);
    // What comes back later is a refund of its own.
    await shop.takeBack(id, [{ lineId, quantity: 1 }]);
    expect(await shop.closeOrder(id)).toMatchObject({ status: 200 });
    expect((await shop.paymentOf(paymentId)).refundedAmount).toEqual(gbp(3_000));
  });

  it('does each thing once, whoever asks for it and however often', async () => {
    const { product, id, paymentId } = await oneOfFour();
    const key = newId();
    const answers = await Promise.all([
      shop.closeOrder(id, { key }),
      shop.closeOrder(id, { key }),
      ...Array.from({ length: 4 }, () => shop.closeOrder(id, { as: shop.admin })),
    ]);
    expect(answers.filter(({ status }) => ![200, 202, 409].includes(status))).toEqual([]);
    const again = await shop.closeOrder(id, { key });
    expect(again).toMatchObject({ status: 200, body: CLOSED });
    expect(await operations(paymentId)).toEqual(['authorize succeeded 4000', 'refund succeeded 3000']);
    expect(await shop.stock(product)).toEqual(REST_IN_STOCK);
    expect((await shop.causes(id)).filter((cause) => cause === 'closed')).toHaveLength(1);
  });
});

describe('closing an order whose gateway', () => {
  it('does not answer frees its stock at once, and is settled when that is certain', async () => {
    const { product, id, paymentId } = await oneOfFour();
    const key = newId();
    const answer = await shop.whileGatewayHangs('refund', () => shop.closeOrder(id, { key }));
    expect(answer).toMatchObject({ status: 202, body: CLOSED });
    expect(await operations(paymentId)).toEqual(['authorize succeeded 4000', 'refund unknown 3000']);
    expect(await shop.stock(product)).toEqual(REST_IN_STOCK);
    await shop.resolveOperations();
    expect(await shop.closeOrder(id, { key })).toMatchObject({ status: 200, body: CLOSED });
    expect(await operations(paymentId)).toEqual(['authorize succeeded 4000', 'refund succeeded 3000']);
  });

  it('does not answer about the capture of what has left gives up the rest when that is certain', async () => {
    const { id, paymentId } = await oneOfFour({ capture: 'manual' });
    const key = newId();
    const close = () => shop.closeOrder(id, { key });
    for (const answer of [
      await shop.whileGatewayHangs('capture', close),
      await shop.whileGatewayHangs('capture', close),
    ]) {
      expect(answer).toMatchObject({ status: 202, body: { ...CLOSED, payment: { status: 'authorized' } } });
      expect(answer.headers.get('idempotency-replayed')).toBeNull();
    }
    // The worker finds out what became of the capture; what follows from it comes by itself.
    await shop.resolveOperations();
    expect((await operations(paymentId)).slice(1)).toEqual(['capture succeeded 1000', 'void succeeded 3000']);
    expect(await close()).toMatchObject({ status: 200, body: CLOSED });
    await expectCompletes(id);
  });

  it('refuses the refund stays closed, tells staff, and is asked again by closing again', async () => {
    const { product, id, paymentId } = await oneOfFour({ method: 'pm_sim_refund_fails' });
    for (const attempt of [1, 2]) {
      expect(await shop.closeOrder(id)).toMatchObject({ status: 202, body: CLOSED });
      expect((await operations(paymentId)).slice(1)).toEqual(Array(attempt).fill('refund failed 3000'));
    }
    expect(await shop.stock(product)).toEqual(REST_IN_STOCK);
    const { refusals } = await shop.read('/api/v1/admin/stuck');
    expect(refusals).toEqual(
      expect.arrayContaining([expect.objectContaining({ orderId: id, kind: 'refund' })]),
    );
  });

  it('refuses the capture keeps the authorization that has to pay for what has left', async () => {
    const { id, paymentId } = await oneOfFour({ capture: 'manual', method: 'pm_sim_capture_fails' });
    expect(await shop.closeOrder(id)).toMatchObject({
      status: 202,
      body: { ...CLOSED, payment: { status: 'authorized' } },
    });
    expect((await operations(paymentId)).slice(1)).toEqual(['capture failed 1000']);
  });
});

describe('closing an order is refused', () => {
  it('before anything of it has left, and when all of it has', async () => {
    const { id, lines } = await shop.placed({ lines: [line(shop.mug, 2)] });
    await shop.expectRefusal(() => shop.closeOrder(id), 409, 'order_state_conflict');
    await shop.fulfil(id, [{ lineId: lines[0].id, quantity: 2 }]);
    await shop.expectRefusal(() => shop.closeOrder(id), 409, 'order_state_conflict');
  });

  it('while it would capture and captures are frozen', async () => {
    const { id } = await oneOfFour({ capture: 'manual' });
    const body = { reason: 'a drill' };
    await shop.post(FREEZE, body, { as: shop.admin });
    try {
      await shop.expectRefusal(() => shop.closeOrder(id), 503, 'captures_frozen');
    } finally {
      await shop.api.call('DELETE', FREEZE, { token: shop.admin.token, body });
    }
    expect(await shop.orderOf(id)).toMatchObject({ status: 'partially_fulfilled', closedAt: null });
  });

  it('for an order that there is not', async () => {
    await shop.expectRefusal(() => shop.closeOrder(newId()), 404, 'order_not_found');
  });
});

describe('after an order was closed', () => {
  it('nothing more leaves of it, and what has left can come back', async () => {
    const { id, lineId } = await oneOfFour();
    await shop.closeOrder(id);
    await shop.expectRefusal(() => shop.fulfil(id, [{ lineId, quantity: 1 }]), 409, 'order_state_conflict');
    await shop.expectRefusal(() => shop.cancel(id), 409, 'order_state_conflict');
    expect(await shop.takeBack(id, [{ lineId, quantity: 1 }])).toMatchObject({ status: 201 });
  });
});
