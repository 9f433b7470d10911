import { newId } from '#kernel';
import { ORDERS, type Person, Shop } from '../support/shop.js';
import type { Answer } from '../support/test-app.js';

const TRANSFER = `${ORDERS}/transfer`;
const ME = '/api/v1/users/me';
const REASON = 'Ordered with an old account';

let shop: Shop;

beforeAll(async () => {
  shop = await Shop.open();
});

afterAll(() => shop.close());

const transfer = (
  from: { id: string },
  to: { id: string },
  more: object = {},
  { as = shop.staff, key }: { as?: Person | null; key?: string | null } = {},
): Promise<Answer> =>
  shop.post(TRANSFER, { fromCustomerId: from.id, toCustomerId: to.id, reason: REASON, ...more }, { as, key });

/** An order of somebody that needs nobody any more. */
async function canceledOrder(as: Person): Promise<string> {
  const { id } = await shop.placed({}, { as });
  expect(await shop.cancel(id, { as })).toMatchObject({ status: 200 });
  return id as string;
}

const twoCustomers = async () => [await shop.newCustomer(), await shop.newCustomer()] as const;

async function ordersOf(person: Person): Promise<string[]> {
  const { body } = await shop.get(`${ORDERS}?limit=100`, { as: person });
  return (body.data as { id: string }[]).map(({ id }) => id).sort();
}

describe('a transfer of orders', () => {
  it('moves all of them: the new owner sees them, the old one does not, and each says who did it', async () => {
    const [from, to] = await twoCustomers();
    const orders = [await shop.placed({}, { as: from }), await shop.placed({}, { as: from })];
    const answer = await transfer(from, to);
    expect(answer).toMatchObject({ status: 200, body: { transferred: 2 } });
    expect(answer.body.orders).toEqual(orders.map(({ id, number }) => ({ id, number })));
    for (const { id, version } of orders) {
      expect(await shop.get(`${ORDERS}/${id}`, { as: from })).toMatchObject({ status: 404 });
      const { body } = await shop.get(`${ORDERS}/${id}`, { as: to });
      expect(body).toMatchObject({ customerId: to.id, email: to.email });
      expect(body.version).toBeGreaterThan(version as number);
      expect((await shop.events(id)).at(-1)).toBe('order.transferred');
      const timeline = await shop.get(`${ORDERS}/${id}/timeline`, { as: to });
      expect(timeline.body.data[0]).toMatchObject({
        ...{ cause: 'transferred', reason: null, actor: `user:${shop.staff.id}` },
      });
      const { body: all } = await shop.get(`${ORDERS}/${id}/timeline`, { as: shop.staff });
      expect(all.data[0]).toMatchObject({ cause: 'transferred', reason: REASON });
    }
    expect(await ordersOf(from)).toEqual([]);
    expect((await transfer(from, to)).body).toEqual({ transferred: 0, orders: [] });
  });

  it('is in the audit log with whose orders they were, and whose they are', async () => {
    const [from, to] = await twoCustomers();
    const orderIds = [await canceledOrder(from)];
    await transfer(from, to, { orderIds });
    const { rows } = await shop.sql.query(
      `SELECT actor, reason, details FROM platform.audit_log
        WHERE action = 'POST /orders/transfer' AND details ->> 'fromCustomerId' = $1`,
      [from.id],
    );
    const details = { fromCustomerId: from.id, toCustomerId: to.id, orderIds };
    expect(rows).toEqual([{ actor: `user:${shop.staff.id}`, reason: REASON, details }]);
  });

  it('moves those that are named, and may name one twice', async () => {
    const [from, to] = await twoCustomers();
    const [named, other] = [await canceledOrder(from), await canceledOrder(from)];
    const answer = await transfer(from, to, { orderIds: [named, named.toUpperCase()] });
    expect(answer.body).toMatchObject({ transferred: 1, orders: [{ id: named }] });
    expect([await ordersOf(from), await ordersOf(to)]).toEqual([[other], [named]]);
  });

  it('leaves what the former owner did to nobody: not even a repeated call shows it', async () => {
    const [from, to] = await twoCustomers();
    const { id } = await shop.placed({}, { as: from });
    const key = newId();
    expect(await shop.cancel(id, { as: from, key }, 'for my ex')).toMatchObject({ status: 200 });
    const causeOf = async (as: Person) => {
      const { data } = (await shop.get(`${ORDERS}/${id}/timeline`, { as })).body;
      return (data as { cause: string }[]).find(({ cause }) => cause === 'cancel_requested');
    };
    expect(await causeOf(from)).toMatchObject({ reason: 'for my ex' });
    await transfer(from, to);
    expect(await causeOf(to)).toMatchObject({ reason: null });
    expect(await shop.cancel(id, { as: from, key }, 'for my ex')).toMatchObject({ status: 404 });
    const { rows } = await shop.sql.query('SELECT FROM platform.idempotency_keys WHERE principal = $1', [
      `user:${from.id}:${id}`,
    ]);
    expect(rows).toEqual([]);
  });

  it('has one answer under one key', async () => {
    const [from, to] = await twoCustomers();
    await canceledOrder(from);
    const key = newId();
    const [first, again] = [await transfer(from, to, {}, { key }), await transfer(from, to, {}, { key })];
    expect(first.body).toMatchObject({ transferred: 1 });
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
  });

  it('names every order that is not the customer’s, and moves none', async () => {
    const [from, to] = await twoCustomers();
    const theirs = await canceledOrder(from);
    const others = await canceledOrder(to);
    const { id: guests } = await shop.placedByGuest();
    const orderIds = [theirs, others, newId(), guests];
    const refused = await shop.expectRefusal(
      () => transfer(from, to, { orderIds }),
      409,
      'orders_not_transferable',
    );
    expect(refused.body.errors).toMatchObject([
      { pointer: '/orderIds/1', code: 'orders_not_transferable' },
      { pointer: '/orderIds/2', code: 'order_not_found' },
      { pointer: '/orderIds/3', code: 'orders_not_transferable' },
    ]);
  });

  it('names everybody whom there is not, and is not to oneself', async () => {
    const [from, to] = await twoCustomers();
    const nobody = { id: newId() };
    const missing = await shop.expectRefusal(() => transfer(nobody, { id: newId() }), 404, 'user_not_found');
    expect(missing.body.errors).toMatchObject([{ pointer: '/fromCustomerId' }, { pointer: '/toCustomerId' }]);
    await shop.expectRefusal(() => transfer(from, nobody), 404, 'user_not_found', {
      pointer: '/toCustomerId',
      code: 'user_not_found',
    });
    await shop.expectRefusal(() => transfer(to, to), 400, 'same_customer');
  });

  it.each<[string, object, string]>([
    ['no reason', { reason: undefined }, '/reason'],
    ['an empty reason', { reason: ' ' }, '/reason'],
    ['no orders', { orderIds: [] }, '/orderIds'],
    ['too many orders', { orderIds: Array.from({ length: 101 }, () => newId()) }, '/orderIds'],
    ['an order that is none', { orderIds: ['1'] }, '/orderIds/0'],
    ['a person who is none', { toCustomerId: 'ada' }, '/toCustomerId'],
    ['something else', { customerId: newId() }, '/customerId'],
  ])('is refused with %s', async (_, more, pointer) => {
    await shop.expectRefusal(() => transfer(shop.customer, shop.staff, more), 400, 'validation_failed', {
      pointer,
      code: expect.any(String) as string,
    });
  });

  it('is for staff, under a key', async () => {
    const asCustomer = () => transfer(shop.customer, shop.staff, {}, { as: shop.customer });
    await shop.expectRefusal(asCustomer, 403, 'forbidden');
    const withoutKey = () => transfer(shop.customer, shop.staff, {}, { key: null });
    await shop.expectRefusal(withoutKey, 400, 'idempotency_key_required');
  });
});

describe('transfers at the same moment', () => {
  it('to and fro move each order once or twice, and refuse nobody', async () => {
    const [one, other] = await twoCustomers();
    const orders: string[] = [];
    for (let count = 0; count < 4; count += 1) {
      orders.push(await canceledOrder(one), await canceledOrder(other));
    }
    const ways = Array.from({ length: 10 }, (_, n) =>
      n % 2 === 0 ? { from: one, to: other } : { from: other, to: one },
    );
    const answers = await Promise.all(ways.map(({ from, to }) => transfer(from, to)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const owned = [...(await ordersOf(one)), ...(await ordersOf(other))];
    expect(owned.sort()).toEqual(orders.sort());
    const moves = answers.reduce((sum, { body }) => sum + (body.transferred as number), 0);
    const { rows } = await shop.sql.query<{ count: number }>(
      `SELECT count(*)::integer FROM orders.timeline WHERE cause = 'transferred' AND order_id = ANY($1)`,
      [orders],
    );
    expect(rows).toEqual([{ count: moves }]);
  });

  it('of the same named order move it to one, and tell the others that it is gone', async () => {
    const [from, to] = await twoCustomers();
    const orderIds = [await canceledOrder(from), await canceledOrder(from)];
    const answers = await Promise.all(Array.from({ length: 5 }, () => transfer(from, to, { orderIds })));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([200, 409, 409, 409, 409]);
    for (const { status, body } of answers.filter((answer) => answer.status === 409)) {
      expect([status, body.code, body.errors]).toMatchObject([
        ...[409, 'orders_not_transferable'],
        [{ pointer: '/orderIds/0' }, { pointer: '/orderIds/1' }],
      ]);
    }
  });

  it.each(['from', 'to'] as const)(
    'as the erasure of whom they go %s leave nothing behind',
    async (erased) => {
      const [from, to] = await twoCustomers();
      const orders = [await canceledOrder(from), await canceledOrder(from)].sort();
      const { id, token } = { from, to }[erased];
      const erasing = () =>
        shop.api.call('DELETE', ME, { token, body: { password: 'correct horse battery' } });
      const [moved, erasure] = await Promise.all([transfer(from, to), erasing()]);
      expect(erasure.status).toBe(204);
      expect([200, 404]).toContain(moved.status);
      const { rows } = await shop.sql.query<{ id: string; customer_id: string; email: string }>(
        'SELECT id, customer_id, email FROM orders.orders WHERE id = ANY($1) ORDER BY id',
        [orders],
      );
      const owner = moved.status === 200 ? to : from;
      const email = owner.id === id ? `${id}@erased.invalid` : owner.email;
      expect(rows).toEqual(orders.map((orderId) => ({ id: orderId, customer_id: owner.id, email })));
    },
  );
});
