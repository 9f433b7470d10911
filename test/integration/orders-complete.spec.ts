import { line, ORDERS, Shop, type Wish } from '../support/shop.js';

const DAY_MS = 86_400_000;

let shop: Shop;

beforeAll(async () => {
  shop = await Shop.open({ ORDER_COMPLETION_DAYS: '3' });
});

afterAll(() => shop.close());

/** An order of three pieces, all of which have left the house but `kept`. */
async function sentOut(wish: Wish = {}, kept = 0) {
  const { id, lines, payment } = await shop.placed({ lines: [line(shop.mug, 3)], ...wish });
  const lineId = lines[0].id as string;
  expect(await shop.fulfil(id, [{ lineId, quantity: 3 - kept }])).toMatchObject({ status: 201 });
  return { id: id as string, lineId, payment: payment as { id: string } };
}

const statusOf = async (orderId: string) => (await shop.orderOf(orderId)).status as string;

describe('an order that has left and is paid for', () => {
  it('is completed when it has been left alone for long enough, and not before', async () => {
    const { id } = await sentOut();
    await shop.completeOrders(3 * DAY_MS - 60_000);
    expect(await statusOf(id)).toBe('fulfilled');
    await shop.completeOrders(3 * DAY_MS);
    expect(await shop.orderOf(id)).toMatchObject({ status: 'completed', version: 4 });
    const { data } = await shop.read(`${ORDERS}/${id}/timeline`);
    expect(data[0]).toMatchObject({
      from: 'fulfilled',
      to: 'completed',
      cause: 'completed',
      reason: null,
      actor: 'system:order-completion',
    });
    expect((await shop.events(id)).at(-1)).toBe('order.completed');
  });

  it('waits as long again when something happens to it', async () => {
    const { id, lineId } = await sentOut();
    await shop.sql.query(`UPDATE orders.orders SET updated_at = now() - interval '2 days' WHERE id = $1`, [
      id,
    ]);
    expect(await shop.takeBack(id, [{ lineId, quantity: 1 }])).toMatchObject({ status: 201 });
    await shop.completeOrders(2 * DAY_MS);
    expect(await statusOf(id)).toBe('fulfilled');
    await shop.completeOrders(3 * DAY_MS);
    expect(await statusOf(id)).toBe('completed');
  });

  it('is completed once, however many workers look for it', async () => {
    const orders = await Promise.all(Array.from({ length: 10 }, () => sentOut()));
    await shop.later(3 * DAY_MS, () => Promise.all(Array.from({ length: 4 }, () => shop.completeOrders())));
    for (const { id } of orders) {
      expect(await shop.causes(id)).toEqual(['placed', 'confirmed', 'fulfilled', 'completed']);
    }
  });

  it('can still come back when it is completed', async () => {
    const { id, lineId, payment } = await sentOut();
    await shop.completeOrders(3 * DAY_MS);
    expect(await shop.takeBack(id, [{ lineId, quantity: 1 }])).toMatchObject({ status: 201 });
    expect(await shop.refund(payment.id)).toMatchObject({ status: 201 });
    expect(await shop.orderOf(id)).toMatchObject({ status: 'completed', lines: [{ returnedQuantity: 1 }] });
    expect(await shop.causes(id)).toEqual([
      'placed',
      'confirmed',
      'fulfilled',
      'completed',
      'returned',
      'refunded',
    ]);
  });
});

describe('an order is never completed', () => {
  it('while something of it has not left', async () => {
    const { id } = await sentOut({}, 1);
    await shop.completeOrders(10 * DAY_MS);
    expect(await statusOf(id)).toBe('partially_fulfilled');
  });

  it('while its money was not taken', async () => {
    const { id, payment } = await sentOut({ capture: 'manual' });
    await shop.completeOrders(10 * DAY_MS);
    expect(await statusOf(id)).toBe('fulfilled');
    await shop.capture(payment.id);
    await shop.completeOrders(10 * DAY_MS);
    expect(await statusOf(id)).toBe('completed');
  });

  it('when it was canceled', async () => {
    const { id } = await shop.placed();
    await shop.cancel(id);
    await shop.completeOrders(10 * DAY_MS);
    expect(await statusOf(id)).toBe('canceled');
  });
});
