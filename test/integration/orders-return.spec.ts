import { newId } from '#kernel';
import { gbp, line, ORDERS, type Product, Shop, type Wish } from '../support/shop.js';
import type { Answer } from '../support/test-app.js';

let shop: Shop;

beforeAll(async () => {
  shop = await Shop.open();
});

afterAll(() => shop.close());

/** An order of 5 of 10 pieces, of which `fulfilled` have left the house. */
async function sentOut(fulfilled = 5, wish: Wish = {}) {
  const product = await shop.product({ price: 1_000, stock: 10 });
  const order = await shop.placed({ lines: [line(product, 5)], ...wish });
  const lineId = order.lines[0].id as string;
  expect(await shop.fulfil(order.id, [{ lineId, quantity: fulfilled }])).toMatchObject({ status: 201 });
  return { product, lineId, id: order.id as string, payment: order.payment as { id: string } };
}

async function returnsInJournal({ id }: Product) {
  const { data } = await shop.read(`/api/v1/products/${id}/stock-movements`);
  return (data as { kind: string; quantity: number; orderId: string }[])
    .filter(({ kind }) => kind === 'return')
    .map(({ quantity, orderId }) => ({ quantity, orderId }));
}

async function returnedOf(orderId: string): Promise<number> {
  return (await shop.orderOf(orderId)).lines[0].returnedQuantity as number;
}

function countOf(answers: readonly Answer[], status: number): number {
  return answers.filter((answer) => answer.status === status).length;
}

describe('a return', () => {
  it('puts back on hand what can be sold again, notes the rest, and moves no money', async () => {
    const { product, id, lineId } = await sentOut();
    const lines = [
      { lineId, quantity: 2, restock: true },
      { lineId, quantity: 1, restock: false },
    ];
    const before = await shop.ledgerOf(id);
    const { status, body } = await shop.takeBack(id, lines, {}, { reason: 'one arrived chipped' });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.any(String),
      orderId: id,
      lines,
      reason: 'one arrived chipped',
      createdAt: expect.any(String),
    });
    expect(await shop.orderOf(id)).toMatchObject({
      status: 'fulfilled',
      version: 4,
      lines: [{ quantity: 5, fulfilledQuantity: 5, returnedQuantity: 3, refundedAmount: gbp(0) }],
    });
    expect(await shop.stock(product)).toEqual({ onHand: 7, reserved: 0, available: 7 });
    expect(await returnsInJournal(product)).toEqual([{ quantity: 2, orderId: id }]);
    expect(await shop.ledgerOf(id)).toEqual(before);
    const { data } = await shop.read(`${ORDERS}/${id}/timeline`);
    expect(data[0]).toMatchObject({
      from: 'fulfilled',
      to: 'fulfilled',
      cause: 'returned',
      reason: 'one arrived chipped',
      actor: `user:${shop.staff.id}`,
    });
    expect((await shop.events(id)).at(-1)).toBe('order.returned');
  });

  it('of which nothing can be sold again changes no stock', async () => {
    const { product, id, lineId } = await sentOut();
    const before = await shop.stock(product);
    expect(await shop.takeBack(id, [{ lineId, quantity: 5, restock: false }])).toMatchObject({
      status: 201,
      body: { reason: null },
    });
    expect(await returnedOf(id)).toBe(5);
    expect(await shop.stock(product)).toEqual(before);
    expect(await returnsInJournal(product)).toEqual([]);
  });

  it('of several lines of one product is one movement of its stock', async () => {
    const product = await shop.product({ stock: 10 });
    const { id, lines } = await shop.placed({ lines: [line(product, 2), line(product, 3)] });
    const pieces = (lines as { id: string; quantity: number }[]).map(({ id: lineId, quantity }) => ({
      lineId,
      quantity,
    }));
    await shop.fulfil(id, pieces);
    expect(await shop.takeBack(id, pieces)).toMatchObject({ status: 201 });
    expect(await returnsInJournal(product)).toEqual([{ quantity: 5, orderId: id }]);
  });

  it('can be sold again at once', async () => {
    const product = await shop.product({ stock: 1 });
    const { id, lines } = await shop.placed({ lines: [line(product)] });
    const pieces = [{ lineId: lines[0].id as string, quantity: 1 }];
    await shop.fulfil(id, pieces);
    await shop.expectRefusal(() => shop.place({ lines: [line(product)] }), 409, 'insufficient_stock');
    await shop.takeBack(id, pieces);
    expect(await shop.place({ lines: [line(product)] })).toMatchObject({ status: 201 });
  });

  it('may come before the rest has left, which still can', async () => {
    const { product, id, lineId } = await sentOut(2);
    expect(await shop.takeBack(id, [{ lineId, quantity: 2 }])).toMatchObject({ status: 201 });
    expect(await shop.orderOf(id)).toMatchObject({ status: 'partially_fulfilled' });
    expect(await shop.fulfil(id, [{ lineId, quantity: 3 }])).toMatchObject({ status: 201 });
    expect(await shop.orderOf(id)).toMatchObject({
      status: 'fulfilled',
      lines: [{ fulfilledQuantity: 5, returnedQuantity: 2 }],
    });
    expect(await shop.stock(product)).toEqual({ onHand: 7, reserved: 0, available: 7 });
  });

  it('is paid back by a refund of its own', async () => {
    const { id, lineId, payment } = await sentOut();
    await shop.takeBack(id, [{ lineId, quantity: 1 }]);
    const refund = { lines: [{ lineId, amount: gbp(1_000) }], reason: 'returned' };
    expect(await shop.refund(payment.id, refund)).toMatchObject({ status: 201 });
    expect(await shop.orderOf(id)).toMatchObject({
      lines: [{ returnedQuantity: 1, refundedAmount: gbp(1_000) }],
    });
  });

  it('may bear an id of the client, once', async () => {
    const { id, lineId } = await sentOut();
    const other = await sentOut();
    const returnId = newId();
    const one = [{ lineId, quantity: 1 }];
    expect(await shop.takeBack(id, one, {}, { id: returnId })).toMatchObject({
      status: 201,
      body: { id: returnId },
    });
    await shop.expectRefusal(() => shop.takeBack(id, one, {}, { id: returnId }), 409, 'return_exists');
    await shop.expectRefusal(
      () => shop.takeBack(other.id, [{ lineId: other.lineId, quantity: 1 }], {}, { id: returnId }),
      409,
      'return_exists',
    );
  });
});

describe('a return is refused', () => {
  it('beyond what has left and has not come back', async () => {
    const { id, lineId } = await sentOut(3);
    const refuse = async (lines: Parameters<Shop['takeBack']>[1], returnableQuantity: number) => {
      const { body } = await shop.expectRefusal(
        () => shop.takeBack(id, lines),
        409,
        'quantity_exceeds_fulfilled',
      );
      expect(body).toMatchObject({ lineId, returnableQuantity });
    };
    await refuse([{ lineId, quantity: 4 }], 3);
    await refuse(
      [true, false].map((restock) => ({ lineId, quantity: 2, restock })),
      3,
    );
    expect(await shop.takeBack(id, [{ lineId, quantity: 2 }])).toMatchObject({ status: 201 });
    await refuse([{ lineId, quantity: 2, restock: false }], 1);
  });

  it('for a line that the order does not have', async () => {
    const { id, lineId } = await sentOut();
    const other = await sentOut();
    for (const unknown of [newId(), other.lineId, id]) {
      const lines = [lineId, unknown].map((named) => ({ lineId: named, quantity: 1 }));
      const { body } = await shop.expectRefusal(() => shop.takeBack(id, lines), 422, 'unknown_order_line');
      expect(body.lineId).toBe(unknown);
    }
  });

  it('of an order of which nothing has left', async () => {
    const confirmed = await shop.placed();
    const waiting = (await shop.placed({ method: 'pm_card_chargeDeclined' }, {}, 402)).order;
    const canceled = await shop.placed();
    await shop.cancel(canceled.id);
    const refunding = await shop.placed({ method: 'pm_sim_refund_fails' });
    await shop.cancel(refunding.id);
    for (const [{ id, lines }, orderStatus] of [
      [confirmed, 'confirmed'],
      [waiting, 'pending_payment'],
      [canceled, 'canceled'],
      [refunding, 'cancel_pending'],
    ]) {
      const { body } = await shop.expectRefusal(
        () => shop.takeBack(id, [{ lineId: lines[0].id, quantity: 1 }]),
        409,
        'order_state_conflict',
      );
      expect(body.orderStatus).toBe(orderStatus);
    }
  });

  it('of an order that does not exist', async () => {
    const pieces = [{ lineId: newId(), quantity: 1 }];
    await shop.expectRefusal(() => shop.takeBack(newId(), pieces), 404, 'order_not_found');
  });

  it('when the product cannot hold the pieces, all of it', async () => {
    const { product, id, lineId } = await sentOut();
    const count = { kind: 'adjust', onHand: 1e12, expectedOnHand: 5, reason: 'count' };
    const path = `/api/v1/products/${product.id}/stock-movements`;
    expect(await shop.post(path, count, { as: shop.staff })).toMatchObject({ status: 201 });
    await shop.expectRefusal(() => shop.takeBack(id, [{ lineId, quantity: 1 }]), 422, 'stock_limit_exceeded');
  });
});

describe('a return under one key', () => {
  it('is replayed', async () => {
    const { product, id, lineId } = await sentOut();
    const manner = { key: newId() };
    const first = await shop.takeBack(id, [{ lineId, quantity: 1 }], manner);
    const replay = await shop.takeBack(id, [{ lineId, quantity: 1 }], manner);
    expect(replay).toMatchObject({ status: 201, body: first.body });
    expect(replay.headers.get('idempotency-replayed')).toBe('true');
    expect(await shop.stock(product)).toMatchObject({ onHand: 6 });
    for (const pieces of [{ quantity: 2 }, { quantity: 1, restock: false }]) {
      await shop.expectRefusal(
        () => shop.takeBack(id, [{ lineId, ...pieces }], manner),
        422,
        'idempotency_key_reused',
      );
    }
  });

  it('is made once by any number of calls', async () => {
    const { product, id, lineId } = await sentOut();
    const manner = { key: newId() };
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => shop.takeBack(id, [{ lineId, quantity: 1 }], manner)),
    );
    for (const { body } of answers.filter(({ status }) => status !== 201)) {
      expect(body.code).toBe('idempotency_in_progress');
    }
    const made = answers.filter(({ status }) => status === 201).map(({ body }) => body.id as string);
    expect(new Set(made).size).toBe(1);
    expect(await returnedOf(id)).toBe(1);
    expect(await shop.stock(product)).toMatchObject({ onHand: 6 });
    expect(await shop.causes(id)).toEqual(['placed', 'confirmed', 'fulfilled', 'returned']);
  });
});

describe('returns at once', () => {
  it('never take back more than has left', async () => {
    const { product, id, lineId } = await sentOut();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        shop.takeBack(id, [{ lineId, quantity: 1, restock: index % 2 === 0 }]),
      ),
    );
    expect(countOf(answers, 201)).toBe(5);
    for (const { body } of answers.filter(({ status }) => status !== 201)) {
      expect(body).toMatchObject({ code: 'quantity_exceeds_fulfilled', returnableQuantity: 0 });
    }
    expect(await returnedOf(id)).toBe(5);
    const restocked = answers.filter(({ status, body }) => status === 201 && body.lines[0].restock).length;
    expect(await shop.stock(product)).toEqual({
      onHand: 5 + restocked,
      reserved: 0,
      available: 5 + restocked,
    });
  });

  it('under one id are one', async () => {
    const { id, lineId } = await sentOut();
    const returnId = newId();
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => shop.takeBack(id, [{ lineId, quantity: 1 }], {}, { id: returnId })),
    );
    expect(countOf(answers, 201)).toBe(1);
    expect(countOf(answers, 409)).toBe(7);
    expect(await returnedOf(id)).toBe(1);
  });

  it('and parcels that leave meanwhile each have their effect', async () => {
    const { product, id, lineId } = await sentOut(1);
    const one = [{ lineId, quantity: 1 }];
    const answers = await Promise.all([
      ...Array.from({ length: 4 }, () => shop.fulfil(id, one)),
      ...Array.from({ length: 4 }, () => shop.takeBack(id, one)),
    ]);
    expect(countOf(answers.slice(0, 4), 201)).toBe(4);
    const returned = countOf(answers.slice(4), 201);
    expect(returned).toBeGreaterThanOrEqual(1);
    expect(await shop.orderOf(id)).toMatchObject({
      status: 'fulfilled',
      lines: [{ fulfilledQuantity: 5, returnedQuantity: returned }],
    });
    expect(await shop.stock(product)).toEqual({
      onHand: 5 + returned,
      reserved: 0,
      available: 5 + returned,
    });
  });
});

describe('what left an order and what came back', () => {
  it('is listed, newest first', async () => {
    const { id, lineId } = await sentOut(1);
    const second = await shop.fulfil(id, [{ lineId, quantity: 3 }]);
    const returns: unknown[] = [];
    for (const quantity of [1, 2]) {
      returns.unshift((await shop.takeBack(id, [{ lineId, quantity }])).body);
    }
    const fulfillments = await shop.get(`${ORDERS}/${id}/fulfillments`);
    expect(fulfillments).toMatchObject({ status: 200, body: { data: [{}, { lines: [{ quantity: 1 }] }] } });
    expect(fulfillments.body.data[0]).toEqual(second.body);
    expect(await shop.get(`${ORDERS}/${id}/returns`)).toMatchObject({ status: 200, body: { data: returns } });
  });

  it('is nothing at first', async () => {
    const { id } = await shop.placed();
    for (const list of ['fulfillments', 'returns']) {
      expect((await shop.get(`${ORDERS}/${id}/${list}`)).body).toEqual({ data: [] });
    }
  });

  it('is at most a hundred parcels', async () => {
    const { id, lines } = await shop.placed({ lines: [line(shop.mug, 200)] });
    const lineId = lines[0].id as string;
    for (const table of ['fulfillments', 'returns']) {
      await shop.sql.query(
        `INSERT INTO orders.${table} (id, order_id, lines, created_at)
         SELECT uuidv7(), $1, json_build_array(json_build_object('lineId', $2::text, 'quantity', n, 'restock', false)),
                now() + n * interval '1 second' FROM generate_series(1, 101) n`,
        [id, lineId],
      );
      const { body } = await shop.get(`${ORDERS}/${id}/${table}`);
      const quantities = (body.data as { lines: { quantity: number }[] }[]).map(
        (parcel) => parcel.lines[0]!.quantity,
      );
      expect(quantities).toEqual(Array.from({ length: 100 }, (_, index) => 101 - index));
      await shop.sql.query(`DELETE FROM orders.${table} WHERE order_id = $1`, [id]);
    }
  });
});
