import { Clock, newId } from '#kernel';
import { line, ORDERS, Shop } from '../support/shop.js';
import type { Answer } from '../support/test-app.js';
import { column } from '../support/users-fixture.js';

const KEYS = '/api/v1/api-keys';
const HOUR_MS = 3_600_000;

let shop: Shop;
beforeAll(async () => {
  shop = await Shop.open();
});
afterAll(() => shop.close());

/** All keys that the API shows. */
async function list(): Promise<{ id: string; name: string; lastUsedAt: string | null }[]> {
  const { body } = await shop.get(`${KEYS}?limit=100`, { as: shop.admin });
  return body.data as Awaited<ReturnType<typeof list>>;
}

const callWith = (key: string, path = ORDERS): Promise<Answer> => shop.api.get(path, { token: key });

describe('an API key', () => {
  it('is shown once, stored as a hash, and listed without what the machine sends', async () => {
    const wish = { name: 'Warehouse', scopes: ['orders:read', 'orders:list', 'orders:read'] };
    const { status, headers, body } = await shop.post(KEYS, wish, { as: shop.admin, key: null });
    expect({ status, body }).toMatchObject({
      status: 201,
      body: {
        name: 'Warehouse',
        scopes: ['orders:list', 'orders:read'],
        createdBy: `user:${shop.admin.id}`,
        expiresAt: null,
        lastUsedAt: null,
      },
    });
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body.key).toMatch(/^sty_[\w-]{22}_[\w-]{43}$/);
    const { key, ...shown } = body as { key: string };
    expect(await list()).toContainEqual(shown);
    const { rows } = await shop.sql.query('SELECT t::text AS text FROM users.api_keys t');
    expect(JSON.stringify(rows)).not.toContain(key.slice(-43));
  });

  it('is listed by who made it', async () => {
    const { id } = await shop.apiKey('orders:read');
    const madeBy = async (userId: string) =>
      column(await shop.get(`${KEYS}?limit=100&createdBy=user:${userId}`, { as: shop.admin }), 'id');
    expect(await madeBy(shop.admin.id)).toContain(id);
    expect(await madeBy(shop.staff.id)).toEqual([]);
    const query = () => shop.get(`${KEYS}?createdBy=admin`, { as: shop.admin });
    await shop.expectRefusal(query, 400, 'validation_failed');
  });

  it('is in the audit log with the rights that it got', async () => {
    const wish = { name: 'Till', scopes: ['orders:place'], expiresAt: '2100-01-01T00:00:00.000Z' };
    const headers = { 'x-request-id': newId() };
    expect(await shop.post(KEYS, wish, { as: shop.admin, key: null, headers })).toMatchObject({
      status: 201,
    });
    const { rows } = await shop.sql.query('SELECT details FROM platform.audit_log WHERE request_id = $1', [
      headers['x-request-id'],
    ]);
    expect(rows).toEqual([{ details: { ...wish, name: '[redacted]' } }]);
  });

  it('opens what its scope names to a machine, and the order says who did it', async () => {
    const { id, lines } = await shop.placed();
    const machine = await shop.apiKey('orders:fulfil');
    const pieces = { lines: [{ lineId: lines[0].id, quantity: 1 }] };
    const as = { id: machine.id, email: '', token: machine.key };
    expect(await shop.post(`${ORDERS}/${id}/fulfillments`, pieces, { as })).toMatchObject({ status: 201 });
    const { rows } = await shop.sql.query(
      `SELECT actor, role, session_id AS by FROM platform.audit_log WHERE target = $1`,
      [id],
    );
    expect(rows).toEqual([{ actor: `key:${machine.id}`, role: 'key', by: machine.id }]);
    expect(await callWith(machine.key)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  });

  it('places orders for guests, and is nobody with an account', async () => {
    const { key } = await shop.apiKey('orders:place');
    const order = shop.order({ lines: [line(shop.mug)] });
    const send = (body: object) =>
      shop.api.post(ORDERS, body, { token: key, headers: { 'idempotency-key': newId() } });
    expect(await send({ ...order, email: 'walk-in@example.com' })).toMatchObject({
      status: 201,
      body: { customerId: null, orderToken: expect.any(String) },
    });
    expect(await send(order)).toMatchObject({ status: 400, body: { code: 'email_required' } });
    expect(await callWith(key, '/api/v1/users/me')).toMatchObject({ status: 403 });
  });

  it('changes names of customers, and no address, with which its holder could log in', async () => {
    const { id } = await shop.newCustomer();
    const { key } = await shop.apiKey('users:write');
    const change = (body: object) =>
      shop.api.call('PATCH', `/api/v1/users/${id}`, { token: key, body, headers: { 'if-match': '"1"' } });
    expect(await change({ name: 'Ada King' })).toMatchObject({ status: 200 });
    await shop.expectRefusal(() => change({ email: `${newId()}@example.com` }), 403, 'forbidden');
  });

  it('that may pay a guest’s order gets no token of it', async () => {
    const { id } = await shop
      .placedByGuest({ method: 'pm_card_chargeDeclined' }, 402)
      .then(({ order }) => order as { id: string });
    const { key } = await shop.apiKey('orders:pay');
    const { status, body } = await shop.api.post(
      `${ORDERS}/${id}/payments`,
      { method: 'pm_card_visa' },
      { token: key, headers: { 'idempotency-key': newId() } },
    );
    expect(status).toBe(201);
    expect(body).not.toHaveProperty('orderToken');
  });

  it('is refused from the moment it was revoked', async () => {
    const { id, key } = await shop.apiKey('orders:list');
    expect(await callWith(key)).toMatchObject({ status: 200 });
    const revoke = () => shop.api.call('DELETE', `${KEYS}/${id}`, { token: shop.admin.token });
    expect(await revoke()).toMatchObject({ status: 204 });
    expect(await callWith(key)).toMatchObject({ status: 401, body: { code: 'invalid_token' } });
    expect(await revoke()).toMatchObject({ status: 404, body: { code: 'api_key_not_found' } });
    expect((await list()).map((shown) => shown.id)).not.toContain(id);
  });

  it('ends by itself, and notes its last use to the minute', async () => {
    const clock = shop.api.app.get(Clock);
    const now = clock.now.bind(clock);
    const start = now();
    const at = (offsetMs: number) => new Date(start.getTime() + offsetMs);
    const wish = { name: 'Till', scopes: ['orders:list'], expiresAt: at(HOUR_MS).toISOString() };
    const { body } = await shop.post(KEYS, wish, { as: shop.admin, key: null });
    const lastUse = async () => (await list()).find(({ id }) => id === body.id)?.lastUsedAt;
    const useAt = async (offsetMs: number) => {
      clock.now = () => at(offsetMs);
      try {
        return await callWith(body.key);
      } finally {
        clock.now = now;
      }
    };
    expect(await useAt(0)).toMatchObject({ status: 200 });
    expect(await useAt(59_000)).toMatchObject({ status: 200 });
    expect(await lastUse()).toBe(start.toISOString());
    expect(await useAt(60_000)).toMatchObject({ status: 200 });
    expect(await lastUse()).toBe(at(60_000).toISOString());
    expect(await useAt(HOUR_MS - 1)).toMatchObject({ status: 200 });
    expect(await useAt(HOUR_MS)).toMatchObject({ status: 401, body: { code: 'invalid_token' } });
  });

  it.each<[string, (key: string) => string]>([
    ['another secret', (key) => `${key.slice(0, -43)}${'A'.repeat(43)}`],
    ['the id of no key', (key) => `sty_${Buffer.alloc(16).toString('base64url')}${key.slice(-44)}`],
    ['no secret', (key) => key.slice(0, -44)],
    ['something behind it', (key) => `${key}x`],
    ['the prefix alone', () => 'sty_'],
  ])('with %s is invalid_token', async (_, spoil) => {
    const { key } = await shop.apiKey('orders:list');
    expect(await callWith(spoil(key))).toMatchObject({ status: 401, body: { code: 'invalid_token' } });
  });

  it.each<[string, object, string, string]>([
    ['a scope that is none', { name: 'a', scopes: ['orders:everything'] }, 'validation_failed', '/scopes/0'],
    ['what no machine may', { name: 'a', scopes: ['keys:manage'] }, 'validation_failed', '/scopes/0'],
    ['no scope', { name: 'a', scopes: [] }, 'validation_failed', '/scopes'],
    ['no name', { name: ' ', scopes: ['orders:list'] }, 'validation_failed', '/name'],
  ])('is not made with %s', async (_, wish, code, pointer) => {
    const make = () => shop.post(KEYS, wish, { as: shop.admin, key: null });
    await shop.expectRefusal(make, 400, code, { pointer, code: expect.any(String) as string });
  });

  it('is not made with an end that is past', async () => {
    const wish = { name: 'a', scopes: ['orders:list'], expiresAt: '2020-01-01T00:00:00.000Z' };
    const make = () => shop.post(KEYS, wish, { as: shop.admin, key: null });
    await shop.expectRefusal(make, 400, 'api_key_expiry_past');
  });
});
