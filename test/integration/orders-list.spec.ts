import { newId } from '#kernel';
import { gbp, LEDGER, line, ORDERS, PAYMENTS, type Person, Shop } from '../support/shop.js';

let shop: Shop;
let grace: Person;
/** The ids of all orders, newest first. */
const all: string[] = [];
const gracesOwn: string[] = [];

beforeAll(async () => {
  shop = await Shop.open();
  grace = await shop.newCustomer();
  for (let index = 0; index < 5; index += 1) {
    const mine = await shop.placed();
    const graces = await shop.placed({}, { as: grace });
    const guests = await shop.placedByGuest();
    all.unshift(guests.id, graces.id, mine.id);
    gracesOwn.unshift(graces.id);
  }
  await shop.cancel(gracesOwn[0]!, { as: grace });
  await shop.cancel(gracesOwn[3]!, { as: grace });
});

afterAll(() => shop.close());

/** A page of a list: its ids, and the cursor of the next page. */
async function page(path: string, as: Person): Promise<{ ids: string[]; nextCursor: string | null }> {
  const { status, body } = await shop.get(path, { as });
  expect(status).toBe(200);
  return { ids: (body.data as { id: string }[]).map(({ id }) => id), nextCursor: body.nextCursor };
}

/** The ids of all pages; `between` happens after each. */
async function walk(
  path: string,
  as: Person,
  { limit = 4, between = async () => {} }: { limit?: number; between?: () => Promise<unknown> } = {},
): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const separator = path.includes('?') ? '&' : '?';
    const next = `${path}${separator}limit=${limit}${cursor === null ? '' : `&cursor=${cursor}`}`;
    const read = await page(next, as);
    expect(read.ids.length).toBeLessThanOrEqual(limit);
    ids.push(...read.ids);
    cursor = read.nextCursor;
    await between();
  } while (cursor !== null);
  return ids;
}

describe('orders are listed', () => {
  it('newest first, all of them to staff', async () => {
    expect((await page(ORDERS, shop.staff)).ids).toEqual(all);
    expect(await page(`${ORDERS}?limit=100`, shop.staff)).toEqual({ ids: all, nextCursor: null });
  });

  it('to customers when they are their own', async () => {
    expect(await page(ORDERS, grace)).toEqual({ ids: gracesOwn, nextCursor: null });
    expect((await page(`${ORDERS}?customerId=${grace.id}`, grace)).ids).toEqual(gracesOwn);
    const nobody = await shop.newCustomer();
    expect(await page(ORDERS, nobody)).toEqual({ ids: [], nextCursor: null });
  });

  it('as they are read one by one', async () => {
    const { body } = await shop.get(`${ORDERS}?limit=1`, { as: grace });
    expect(body.data[0]).toEqual((await shop.get(`${ORDERS}/${gracesOwn[0]!}`, { as: grace })).body);
  });

  it('by status, by customer, and by both', async () => {
    const canceled = [gracesOwn[0]!, gracesOwn[3]!];
    const confirmed = all.filter((id) => !canceled.includes(id));
    expect((await page(`${ORDERS}?status=canceled`, shop.staff)).ids).toEqual(canceled);
    expect((await page(`${ORDERS}?status=confirmed`, shop.staff)).ids).toEqual(confirmed);
    expect((await page(`${ORDERS}?status=expired`, shop.staff)).ids).toEqual([]);
    expect((await page(`${ORDERS}?customerId=${grace.id}`, shop.staff)).ids).toEqual(gracesOwn);
    const both = `${ORDERS}?customerId=${grace.id}&status=confirmed`;
    expect((await page(both, shop.staff)).ids).toEqual(gracesOwn.filter((id) => !canceled.includes(id)));
    expect((await page(`${ORDERS}?status=canceled`, grace)).ids).toEqual(canceled);
    expect((await page(`${ORDERS}?customerId=${newId()}`, shop.staff)).ids).toEqual([]);
  });

  it('by the time when they were placed, both ends excluded', async () => {
    const times = await Promise.all(all.map(async (id) => (await shop.orderOf(id)).placedAt as string));
    const [after, before] = [times[11]!, times[3]!];
    const expected = all.filter((_, index) => times[index]! > after && times[index]! < before);
    const query = `placedAfter=${after}&placedBefore=${before}`;
    expect((await page(`${ORDERS}?${query}`, shop.staff)).ids).toEqual(expected);
    expect(expected.length).toBeGreaterThan(0);
    expect(await walk(`${ORDERS}?${query}`, shop.staff, { limit: 2 })).toEqual(expected);
    const inParis = `${new Date(Date.parse(after) + 3_600_000).toISOString().replace('Z', '')}%2B01:00`;
    expect((await page(`${ORDERS}?placedAfter=${inParis}&placedBefore=${before}`, shop.staff)).ids).toEqual(
      expected,
    );
    expect((await page(`${ORDERS}?placedAfter=${times[0]!}`, shop.staff)).ids).toEqual([]);
  });

  it.each([1, 2, 4, 7, 14, 15, 16])('in pages of %d, each order once', async (limit) => {
    expect(await walk(ORDERS, shop.staff, { limit })).toEqual(all);
  });

  it('in pages by every filter', async () => {
    expect(await walk(ORDERS, grace, { limit: 2 })).toEqual(gracesOwn);
    expect(await walk(`${ORDERS}?status=canceled`, shop.staff, { limit: 1 })).toEqual([
      gracesOwn[0],
      gracesOwn[3],
    ]);
    expect(await walk(`${ORDERS}?customerId=${grace.id}&status=confirmed`, shop.staff, { limit: 1 })).toEqual(
      [gracesOwn[1], gracesOwn[2], gracesOwn[4]],
    );
  });

  it('in pages without a gap when many were placed in one millisecond', async () => {
    const moment = new Date('2020-01-01T00:00:00.000Z');
    const ids = await shop.later(moment.getTime() - Date.now(), () =>
      Promise.all(Array.from({ length: 12 }, async () => (await shop.placedByGuest()).id as string)),
    );
    const { rows } = await shop.sql.query<{ id: string }>(
      `UPDATE orders.orders SET placed_at = $1 WHERE id = ANY($2::uuid[]) RETURNING id`,
      [moment, ids],
    );
    expect(rows).toHaveLength(12);
    const old = `${ORDERS}?placedBefore=2020-01-02T00:00:00.000Z`;
    expect(await walk(old, shop.staff, { limit: 5 })).toEqual([...ids].sort().reverse());
  });

  it('in pages without a gap while others order', async () => {
    const before = await walk(ORDERS, shop.staff, { limit: 100 });
    const seen = await walk(ORDERS, shop.staff, {
      limit: 3,
      between: () => Promise.all([shop.placedByGuest(), shop.placedByGuest()]),
    });
    expect(seen).toEqual(before);
  });
});

describe('a cursor is refused', () => {
  const cursorOf = async (path: string, as = shop.staff) => {
    const { nextCursor } = await page(path, as);
    expect(nextCursor).toEqual(expect.any(String));
    return nextCursor!;
  };
  const refuse = (path: string, as = shop.staff) =>
    shop.expectRefusal(() => shop.get(path, { as }), 400, 'invalid_cursor');

  it('when it was changed', async () => {
    const cursor = await cursorOf(`${ORDERS}?limit=2`);
    const bytes = Buffer.from(cursor, 'base64url');
    for (const position of [0, 11, 12, bytes.length - 1]) {
      const changed = Buffer.from(bytes);
      changed[position] = changed[position]! ^ 1;
      await refuse(`${ORDERS}?limit=2&cursor=${changed.toString('base64url')}`);
    }
    await refuse(`${ORDERS}?limit=2&cursor=${cursor.slice(0, -4)}`);
    await refuse(`${ORDERS}?limit=2&cursor=${cursor}AAAA`);
  });

  it.each([
    ['empty', ''],
    ['a letter', 'x'],
    ['NUL', '%00'],
    ['a horse', '%F0%9F%90%8E'],
    ['null', 'null'],
    ['JSON in base64', 'eyJpZCI6MX0'],
    ['as long as it may be', 'A'.repeat(1_000)],
  ])('when it is %s', async (_, cursor) => {
    for (const path of [ORDERS, PAYMENTS]) await refuse(`${path}?cursor=${cursor}`);
    await refuse(`${LEDGER}/transactions?cursor=${cursor}`, shop.admin);
  });

  it('with other filters than its own', async () => {
    const cursor = await cursorOf(`${ORDERS}?limit=2&status=confirmed`);
    await refuse(`${ORDERS}?limit=2&cursor=${cursor}`);
    await refuse(`${ORDERS}?limit=2&status=canceled&cursor=${cursor}`);
    await refuse(`${ORDERS}?limit=2&status=confirmed&customerId=${grace.id}&cursor=${cursor}`);
    expect(await page(`${ORDERS}?limit=3&status=confirmed&cursor=${cursor}`, shop.staff)).toMatchObject({
      ids: expect.any(Array),
    });
  });

  it('from somebody else, whose orders are others', async () => {
    const cursor = await cursorOf(`${ORDERS}?limit=2`, grace);
    await refuse(`${ORDERS}?limit=2&cursor=${cursor}`, shop.customer);
    await refuse(`${ORDERS}?limit=2&cursor=${cursor}`, shop.staff);
  });

  it('from another list', async () => {
    const orders = await cursorOf(`${ORDERS}?limit=2`);
    const payments = await cursorOf(`${PAYMENTS}?limit=2`);
    const ledger = await cursorOf(`${LEDGER}/transactions?limit=2`, shop.admin);
    await refuse(`${ORDERS}?cursor=${payments}`);
    await refuse(`${PAYMENTS}?cursor=${orders}`);
    await refuse(`${PAYMENTS}?cursor=${ledger}`);
    await refuse(`${LEDGER}/transactions?cursor=${payments}`, shop.admin);
  });
});

describe('other lists', () => {
  it('of payments are walked by their filters, each payment once', async () => {
    const order = await shop.placed({ capture: 'manual' });
    expect(await walk(`${PAYMENTS}?orderId=${order.id}`, shop.staff)).toEqual([order.payment.id]);
    expect(await walk(`${PAYMENTS}?status=authorized`, shop.staff)).toEqual([order.payment.id]);
    const { rows } = await shop.sql.query<{ id: string }>(
      'SELECT id FROM payments.payments ORDER BY created_at DESC, id DESC',
    );
    const ids = rows.map(({ id }) => id);
    expect(await walk(PAYMENTS, shop.staff, { limit: 7 })).toEqual(ids);
  });

  it('of ledger transactions are walked by order, each once', async () => {
    const { id, payment } = await shop.placed({ lines: [line(shop.mug, 5)] });
    for (let piece = 0; piece < 5; piece += 1) {
      expect(await shop.refund(payment.id, { amount: gbp(1_000) })).toMatchObject({ status: 201 });
    }
    const ids = await walk(`${LEDGER}/transactions?orderId=${id}`, shop.admin, { limit: 2 });
    expect(new Set(ids).size).toBe(6);
    const everything = await walk(`${LEDGER}/transactions`, shop.admin, { limit: 10 });
    const { rows } = await shop.sql.query('SELECT FROM payments.ledger_transactions');
    expect(new Set(everything).size).toBe(rows.length);
    expect(everything).toEqual(expect.arrayContaining(ids));
  });
});

describe('a list is refused', () => {
  it.each([
    ['limit=0', 'limit', 'too_small'],
    ['limit=101', 'limit', 'too_big'],
    ['limit=-1', 'limit', 'too_small'],
    ['limit=1.5', 'limit', 'wrong_type'],
    ['limit=1e30', 'limit', 'too_big'],
    ['limit=ten', 'limit', 'wrong_type'],
    ['limit=%00', 'limit', 'wrong_type'],
    ['limit=', 'limit', 'too_small'],
    ['limit=1&limit=2', 'limit', 'wrong_type'],
    ['status=paid', 'status', 'not_allowed'],
    ['status=confirmed%00', 'status', 'not_allowed'],
    ['status=confirmed&status=canceled', 'status', 'not_allowed'],
    ['customerId=ada', 'customerId', 'invalid_format'],
    ['customerId=%00', 'customerId', 'invalid_format'],
    ['customerId=%ED%A0%80', 'customerId', 'invalid_format'],
    ["customerId=' OR 1=1 --", 'customerId', 'invalid_format'],
    ['placedAfter=yesterday', 'placedAfter', 'invalid_format'],
    ['placedAfter=2026-02-30T00:00:00Z', 'placedAfter', 'invalid_format'],
    ['placedAfter=2026-01-01', 'placedAfter', 'invalid_format'],
    ['placedAfter=0000-01-01T00:00:00Z', 'placedAfter', 'invalid_format'],
    ['placedAfter=2026-01-01T00:00:00.0000000000Z', 'placedAfter', 'invalid_format'],
    ['placedBefore=1e30', 'placedBefore', 'invalid_format'],
    ['placedBefore=infinity', 'placedBefore', 'invalid_format'],
    ['cursor=a&cursor=b', 'cursor', 'wrong_type'],
    ['page=2', 'page', 'unknown_field'],
    ['sort=total', 'sort', 'unknown_field'],
    ['__proto__=1', '__proto__', 'unknown_field'],
  ])('with ?%s', async (query, name, code) => {
    await shop.expectRefusal(
      () => shop.get(`${ORDERS}?${query}`, { as: shop.staff }),
      400,
      'validation_failed',
      {
        pointer: `query:/${name}`,
        code,
      },
    );
  });

  it.each([
    [PAYMENTS, 'limit=0', 'limit', 'too_small'],
    [PAYMENTS, 'status=paid', 'status', 'not_allowed'],
    [PAYMENTS, 'orderId=1', 'orderId', 'invalid_format'],
    [PAYMENTS, 'orderId=%00', 'orderId', 'invalid_format'],
    [PAYMENTS, 'order=1', 'order', 'unknown_field'],
    [`${LEDGER}/transactions`, 'limit=1e9', 'limit', 'too_big'],
    [`${LEDGER}/transactions`, 'orderId=1', 'orderId', 'invalid_format'],
    [`${LEDGER}/transactions`, 'account=sales', 'account', 'unknown_field'],
  ])('at %s with ?%s', async (path, query, name, code) => {
    await shop.expectRefusal(
      () => shop.get(`${path}?${query}`, { as: shop.admin }),
      400,
      'validation_failed',
      {
        pointer: `query:/${name}`,
        code,
      },
    );
  });

  it('with a cursor that is too long', async () => {
    await shop.expectRefusal(
      () => shop.get(`${ORDERS}?cursor=${'A'.repeat(1_001)}`),
      400,
      'validation_failed',
      { pointer: 'query:/cursor', code: 'too_long' },
    );
  });

  it('when a customer asks for the orders of another', async () => {
    await shop.expectRefusal(
      () => shop.get(`${ORDERS}?customerId=${shop.customer.id}`, { as: grace }),
      403,
      'forbidden',
    );
    await shop.expectRefusal(() => shop.get(ORDERS, { as: null }), 401, 'authentication_required');
  });
});
