import { newId } from '#kernel';
import { DeliverMails } from '#platform/mail';
import { Client } from 'pg';
import { eventually } from '../support/eventually.js';
import type { Answer } from '../support/test-app.js';
import { line, ORDERS, type Person, Shop } from '../support/shop.js';

const ME = '/api/v1/users/me';
const EXPORT = `${ME}/export`;
const LOGIN = '/api/v1/auth/login';
const PASSWORD = 'correct horse battery';
const ADDRESS = { name: 'Grace Hopper', line1: '1 Navy Yard', city: 'Arlington', country: 'US' };

let shop: Shop;

beforeAll(async () => {
  shop = await Shop.open();
});

afterAll(() => shop.close());

const erase = ({ token }: Person, password = PASSWORD) =>
  shop.api.call('DELETE', ME, { token, body: { password } });

const confirmAddress = ({ id }: Person) =>
  shop.sql.query('UPDATE users.users SET email_verified_at = now() WHERE id = $1', [id]);

/** A guest's order that was canceled, so that it needs nobody any more. */
async function canceledByGuest(email: string, shippingAddress = ADDRESS): Promise<string> {
  const { id, orderToken } = await shop.placedByGuest({ email, shippingAddress });
  expect(await shop.cancel(id, { as: null, orderToken })).toMatchObject({ status: 200 });
  return id as string;
}

/** An order that is paid, sent and therefore needs nobody any more. */
async function sentOrder(as: Person, shippingAddress = ADDRESS): Promise<Answer['body']> {
  const order = await shop.placed({ shippingAddress, metadata: { note: shippingAddress.name } }, { as });
  const pieces = [{ lineId: order.lines[0].id, quantity: 1 }];
  expect(await shop.fulfil(order.id, pieces)).toMatchObject({ status: 201 });
  return order;
}

/** Sends every mail that waits; the subjects of those to somebody. */
async function mailsTo({ email }: Person): Promise<string[]> {
  while ((await shop.api.app.get(DeliverMails).execute()) > 0);
  const mails = (await shop.api.get('/dev/mailbox')).body.data as { to: string; subject: string }[];
  return mails.filter(({ to }) => to === email).map(({ subject }) => subject);
}

/** Everything that the database holds, as text. */
async function everything(): Promise<string> {
  const { rows: tables } = await shop.sql.query<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
      WHERE schemaname IN ('platform', 'users', 'catalog', 'payments', 'orders', 'webhooks')`,
  );
  const texts: string[] = [];
  for (const { name } of tables) {
    const { rows } = await shop.sql.query<{ t: string | null }>(
      `SELECT json_agg(t)::text AS t FROM ${name} t`,
    );
    texts.push(rows[0]!.t ?? '');
  }
  return texts.join('\n');
}

describe('the export of my data', () => {
  it('holds the profile, every session, and every order, and nobody else’s', async () => {
    const person = await shop.newCustomer();
    const again = await shop.signIn(person.email, PASSWORD);
    await shop.api.call('DELETE', `${ME}/sessions`, { token: again.token });
    const orders = [await shop.placed({ shippingAddress: ADDRESS }, { as: person }), await sentOrder(person)];
    await shop.placed({}, { as: await shop.newCustomer() });

    const answer = await shop.get(EXPORT, { as: again });
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
    const profile = (await shop.get(ME, { as: again })).body;
    expect(answer.body).toEqual({
      exportedAt: expect.any(String),
      profile,
      sessions: [
        expect.objectContaining({ revokedAt: null, userAgent: 'node', address: '127.0.0.1' }),
        expect.objectContaining({ revokedAt: expect.any(String) }),
      ],
      externalIdentities: [],
      secondFactor: { totp: null, passkeys: [], recoveryCodesLeft: 0 },
      records: { orders: expect.any(Array), orderReasons: [] },
    });
    const exported = answer.body.records.orders as { id: string }[];
    expect(exported.map(({ id }) => id)).toEqual(orders.map(({ id }) => id as string).reverse());
    expect(exported[1]).toEqual((await shop.get(`${ORDERS}/${orders[0].id}`, { as: person })).body);
  });

  it('holds what a guest has ordered with the address once it is confirmed, and nothing of that before', async () => {
    const person = await shop.newCustomer();
    const own = await shop.placed({}, { as: person });
    const guests = [await shop.placedByGuest({ email: person.email }), await shop.placedByGuest()];
    const exported = async () => {
      const { orders } = (await shop.get(EXPORT, { as: person })).body.records;
      return (orders as { id: string }[]).map(({ id }) => id);
    };
    expect(await exported()).toEqual([own.id]);
    await confirmAddress(person);
    expect(await exported()).toEqual([own.id, guests[0]!.id]);
  });

  it('is complete beyond one page of orders', async () => {
    const person = await shop.newCustomer();
    const first = await shop.placed({}, { as: person });
    await shop.sql.query(
      `INSERT INTO orders.orders SELECT (jsonb_populate_record(o, jsonb_build_object('id', uuidv7(), 'number', 'T-' || n))).*
         FROM orders.orders o, generate_series(1, 150) n WHERE o.id = $1`,
      [first.id],
    );
    await shop.sql.query(
      `INSERT INTO orders.order_lines SELECT (jsonb_populate_record(l, jsonb_build_object('id', uuidv7(), 'order_id', o.id))).*
         FROM orders.order_lines l, orders.orders o WHERE l.order_id = $1 AND o.customer_id = $2 AND o.id <> $1`,
      [first.id, person.id],
    );
    expect((await shop.get(EXPORT, { as: person })).body.records.orders).toHaveLength(151);
    await shop.sql.query(
      `DELETE FROM orders.order_lines l USING orders.orders o
        WHERE l.order_id = o.id AND o.customer_id = $1 AND o.id <> $2`,
      [person.id, first.id],
    );
    await shop.sql.query('DELETE FROM orders.orders WHERE customer_id = $1 AND id <> $2', [
      person.id,
      first.id,
    ]);
  });
});

describe('the erasure of a person', () => {
  it('removes the person everywhere, and keeps orders, money and stock', async () => {
    const person = await shop.newCustomer();
    await shop.api.post('/api/v1/auth/forgot-password', { email: person.email });
    const name = `Grace ${newId()}`;
    const order = await sentOrder(person, { ...ADDRESS, name });
    const given = await shop.placed({ shippingAddress: { ...ADDRESS, name } }, { as: person });
    expect(await shop.cancel(given.id, { as: person })).toMatchObject({ status: 200 });
    const before = await shop.orderOf(order.id);
    expect((await erase(person)).status).toBe(204);
    expect(await mailsTo(person)).toEqual(['Your account was erased']);

    const pseudonym = `${person.id}@erased.invalid`;
    expect(await shop.orderOf(order.id)).toEqual({
      ...before,
      email: pseudonym,
      metadata: {},
      shippingAddress: { country: 'US' },
    });
    const { rows } = await shop.sql.query('SELECT email, name FROM users.users WHERE id = $1', [person.id]);
    expect(rows).toEqual([{ email: pseudonym, name: 'Erased user' }]);
    const left = await everything();
    // Not toContain, which would print everything.
    for (const trace of [person.email, name]) expect([trace, left.includes(trace)]).toEqual([trace, false]);
    expect((await shop.events(person.id)).at(-1)).toBe('user.erased');
  });

  it('leaves no trace in kept answers about an order that was a guest’s, or that staff canceled', async () => {
    const person = await shop.newCustomer();
    await confirmAddress(person);
    const name = `Grace ${newId()}`;
    const { id } = await shop.placedByGuest({
      email: person.email,
      shippingAddress: { ...ADDRESS, name },
    });
    expect(await shop.post(`${ORDERS}/claim`, {}, { as: person })).toMatchObject({ body: { claimed: 1 } });
    expect(await shop.cancel(id, { as: shop.staff })).toMatchObject({ status: 200 });
    expect((await erase(person)).status).toBe(204);
    expect(await mailsTo(person)).toContain('Your account was erased');
    const left = await everything();
    for (const trace of [person.email, name]) expect([trace, left.includes(trace)]).toEqual([trace, false]);
  });

  it('leaves no trace in kept answers of paying again, whoever paid', async () => {
    const person = await shop.newCustomer();
    await confirmAddress(person);
    const name = `Grace ${newId()}`;
    const wish = { method: 'pm_card_chargeDeclined', shippingAddress: { ...ADDRESS, name } };
    const { order: own } = await shop.placed(wish, { as: person }, 402);
    expect(await shop.pay(own.id, 'pm_card_visa', { as: person })).toMatchObject({ status: 201 });
    const { id: keyId, key } = await shop.apiKey('orders:pay');
    const claimed: string[] = [];
    for (const as of [null, { id: keyId, email: '', token: key }]) {
      const { order } = await shop.placedByGuest({ ...wish, email: person.email }, 402);
      const { id, orderToken } = order;
      const manner = { as, ...(as === null && { orderToken }) };
      expect(await shop.pay(id, 'pm_card_visa', manner)).toMatchObject({ status: 201 });
      claimed.push(id);
    }
    expect(await shop.post(`${ORDERS}/claim`, {}, { as: person })).toMatchObject({ body: { claimed: 2 } });
    for (const id of [own.id, ...claimed]) {
      expect(await shop.cancel(id, { as: person })).toMatchObject({ status: 200 });
    }
    expect((await erase(person)).status).toBe(204);
    expect(await mailsTo(person)).toContain('Your account was erased');
    const left = await everything();
    for (const trace of [person.email, name]) expect([trace, left.includes(trace)]).toEqual([trace, false]);
  });

  it('leaves no trace in orders that a guest has placed with the address and nobody has claimed', async () => {
    const person = await shop.newCustomer();
    await confirmAddress(person);
    const name = `Grace ${newId()}`;
    const id = await canceledByGuest(person.email, { ...ADDRESS, name });
    expect(
      await shop.placedByGuest({ email: person.email, method: 'pm_card_chargeDeclined' }, 402),
    ).toMatchObject({
      code: 'payment_declined',
    });
    const refused = await shop.expectRefusal(() => erase(person), 409, 'orders_open');
    expect(refused.body.orderIds).toHaveLength(1);
    expect(await shop.post(`${ORDERS}/claim`, {}, { as: person })).toMatchObject({ body: { claimed: 2 } });
    await shop.cancel(refused.body.orderIds[0], { as: person });
    const unclaimed = await canceledByGuest(person.email, { ...ADDRESS, name });
    expect((await erase(person)).status).toBe(204);
    expect(await mailsTo(person)).toContain('Your account was erased');
    for (const orderId of [id, unclaimed]) {
      expect(await shop.orderOf(orderId)).toMatchObject({
        email: `${person.id}@erased.invalid`,
        shippingAddress: { country: 'US' },
      });
    }
    const left = await everything();
    for (const trace of [person.email, name]) expect([trace, left.includes(trace)]).toEqual([trace, false]);
  });

  it('removes what they gave as reasons, which the export has, and leaves those of staff', async () => {
    const person = await shop.newCustomer();
    await confirmAddress(person);
    const words = [`I moved, call ${newId()}`, `As a guest: ${newId()}`, 'sold out'] as const;
    const own = await shop.placed({}, { as: person });
    await shop.cancel(own.id, { as: person }, words[0]);
    const { id: guests, orderToken } = await shop.placedByGuest({ email: person.email });
    await shop.cancel(guests, { as: null, orderToken }, words[1]);
    const other = await shop.placed({}, { as: person });
    await shop.cancel(other.id, { as: shop.staff }, words[2]);

    const { orderReasons } = (await shop.get(EXPORT, { as: person })).body.records;
    const cause = 'cancel_requested';
    const occurredAt = expect.stringMatching(/^\d{4}-.*Z$/);
    expect(orderReasons).toEqual([
      { orderId: own.id, cause, reason: words[0], occurredAt },
      { orderId: guests, cause, reason: words[1], occurredAt },
    ]);
    expect((await erase(person)).status).toBe(204);
    expect(await mailsTo(person)).toContain('Your account was erased');
    const left = await everything();
    for (const trace of words.slice(0, 2)) expect([trace, left.includes(trace)]).toEqual([trace, false]);
    const { rows } = await shop.sql.query(
      'SELECT reason FROM orders.timeline WHERE order_id = $1 AND reason IS NOT NULL',
      [other.id],
    );
    expect(rows).toEqual([{ reason: words[2] }]);
  });

  it('reaches what stood under an address that they have left', async () => {
    const person = { email: `${newId()}@example.com`, password: PASSWORD, name: `Grace ${newId()}` };
    const key = newId();
    const register = () => shop.api.post('/api/v1/users', person, { headers: { 'idempotency-key': key } });
    expect(await register()).toMatchObject({ status: 201 });
    const before = await shop.signIn(person.email, PASSWORD);
    await confirmAddress(before);
    const address = { ...ADDRESS, name: person.name };
    const claimed = await canceledByGuest(person.email, address);
    const { version } = (await shop.sql.query('SELECT version FROM users.users WHERE id = $1', [before.id]))
      .rows[0] as { version: number };
    const moved = await shop.api.call('PATCH', `/api/v1/users/${before.id}`, {
      ...{ token: shop.staff.token, headers: { 'if-match': `"${version}"` } },
      body: { email: `${newId()}@example.com` },
    });
    expect(moved.status).toBe(200);
    const after = await shop.signIn(moved.body.email, PASSWORD);
    expect((await shop.get(EXPORT, { as: after })).body.records.orders).toMatchObject([{ id: claimed }]);
    expect(await mailsTo(before)).toEqual(['Your e-mail address was changed']);
    expect((await erase(after)).status).toBe(204);
    expect(await mailsTo(after)).toContain('Your account was erased');
    const left = await everything();
    for (const trace of [person.email, person.name, after.email]) {
      expect([trace, left.includes(trace)]).toEqual([trace, false]);
    }
  });

  it('takes back what was about to be told to the addresses of the person', async () => {
    const before = await shop.newCustomer();
    const { rows } = await shop.sql.query<{ version: number }>(
      'SELECT version FROM users.users WHERE id = $1',
      [before.id],
    );
    const email = `${newId()}@example.com`;
    const moved = await shop.api.call('PATCH', `/api/v1/users/${before.id}`, {
      ...{ token: shop.staff.token, headers: { 'if-match': `"${rows[0]!.version}"` } },
      body: { email },
    });
    expect(moved.status).toBe(200);
    const after = await shop.signIn(email, PASSWORD);
    for (const [currentPassword, password] of [
      [PASSWORD, 'another horse battery'],
      ['another horse battery', PASSWORD],
    ]) {
      const body = { currentPassword, password };
      const changed = await shop.api.call('PUT', `${ME}/password`, { token: after.token, body });
      expect(changed.status).toBe(204);
    }
    expect((await erase(after)).status).toBe(204);
    const left = await everything();
    expect([before.email, left.includes(before.email)]).toEqual([before.email, false]);
    expect(await mailsTo(before)).toEqual([]);
    expect(await mailsTo(after)).toEqual(['Your account was erased']);
  });

  it('does not reach the guest orders of an address that they have never proven', async () => {
    const person = await shop.newCustomer();
    const { id } = await shop.placedByGuest({ email: person.email });
    const moved = await shop.api.call('PATCH', `/api/v1/users/${person.id}`, {
      ...{ token: shop.staff.token, headers: { 'if-match': '"1"' } },
      body: { email: `${newId()}@example.com` },
    });
    expect(moved.status).toBe(200);
    expect(await shop.orderOf(id)).toMatchObject({ customerId: null, email: person.email });
  });

  it('leaves the orders of a guest alone whose address is not known to be the person’s', async () => {
    const person = await shop.newCustomer();
    const wish = { email: person.email };
    const manner = { as: null, key: newId() };
    const open = await shop.placed(wish, manner);
    const canceled = await canceledByGuest(person.email);
    expect((await erase(person)).status).toBe(204);
    for (const id of [open.id, canceled]) {
      expect(await shop.orderOf(id)).toMatchObject({ email: person.email });
    }
    expect(await shop.placed(wish, manner)).toMatchObject({ id: open.id });
  });

  it('lets nobody in any more, and the address register anew', async () => {
    const person = await shop.newCustomer();
    const { body: tokens } = await shop.api.post(LOGIN, { email: person.email, password: PASSWORD });
    expect((await erase(person)).status).toBe(204);
    const login = await shop.api.post(LOGIN, { email: person.email, password: PASSWORD });
    expect([login.status, login.body.code]).toEqual([401, 'invalid_credentials']);
    const refresh = await shop.api.post('/api/v1/auth/refresh', { refreshToken: tokens.refreshToken });
    expect([refresh.status, refresh.body.code]).toEqual([401, 'invalid_refresh_token']);
    expect((await shop.get(ME, { as: person })).status).toBe(401);
    expect((await erase(person)).status).toBe(401);
    expect(await shop.place({}, { as: person })).toMatchObject({
      status: 401,
      body: { code: 'invalid_token' },
    });
    const anew = { email: person.email, password: PASSWORD, name: 'Another' };
    expect(await shop.api.post('/api/v1/users', anew)).toMatchObject({ status: 201 });
  });

  it('takes the password', async () => {
    const person = await shop.newCustomer();
    await shop.expectRefusal(() => erase(person, 'not the password'), 403, 'wrong_password');
  });

  it.each([
    [undefined, 'required'],
    ['', 'too_short'],
    ['a'.repeat(1_025), 'too_long'],
    [1, 'wrong_type'],
    [null, 'wrong_type'],
  ])('is refused with the password %j', async (password, code) => {
    const body = { password };
    await shop.expectRefusal(
      () => shop.api.call('DELETE', ME, { token: shop.customer.token, body }),
      400,
      'validation_failed',
      { pointer: '/password', code },
    );
  });

  it('waits for orders that still need the person', async () => {
    const person = await shop.newCustomer();
    const { id } = await shop.placed({ shippingAddress: ADDRESS }, { as: person });
    const refused = await shop.expectRefusal(() => erase(person), 409, 'orders_open');
    expect(refused.body.orderIds).toEqual([id]);
    await shop.cancel(id, { as: person });
    await shop.settle();
    expect((await erase(person)).status).toBe(204);
  });

  it('is refused to the last administrator', async () => {
    const erasing = () =>
      shop.api.call('DELETE', ME, { token: shop.admin.token, body: { password: 'steelyard-demo' } });
    await shop.expectRefusal(erasing, 409, 'last_admin');
  });

  it('waits for an order that is being placed at the same moment', async () => {
    const person = await shop.newCustomer();
    const product = await shop.product({ stock: 1 });
    const blocker = new Client({ connectionString: shop.api.database.url });
    await blocker.connect();
    try {
      await blocker.query('BEGIN');
      await blocker.query('SELECT FROM catalog.stock_levels WHERE product_id = $1 FOR UPDATE', [product.id]);
      const placing = shop.place({ lines: [line(product)] }, { as: person });
      await waiting(1);
      // The order is written, and nobody sees it before it commits.
      const erasing = erase(person);
      await Promise.race([erasing, waiting(2)]);
      await blocker.query('COMMIT');
      expect(await placing).toMatchObject({ status: 201 });
      expect(await erasing).toMatchObject({ status: 409, body: { code: 'orders_open' } });
    } finally {
      await blocker.end();
    }
  });
});

/** Waits until so many transactions wait for a lock. */
async function waiting(count: number): Promise<void> {
  await eventually(async () => {
    const { rows } = await shop.sql.query(
      `SELECT DISTINCT pid FROM pg_locks JOIN pg_stat_activity a USING (pid)
        WHERE NOT granted AND a.datname = current_database()`,
    );
    expect(rows).toHaveLength(count);
  });
}
