import { newId, type Role } from '#kernel';
import { PROBES } from '#platform/http';
import { Lifecycle } from '#platform/lifecycle';
import { AccessTokens } from '#platform/security';
import { DemoUsers } from '#users';
import { WEBHOOK_SECRET } from '../support/gateway-simulator.js';
import { eventAbout, sendEvent } from '../support/stripe-shop.js';
import { type CallOptions, TestApp } from '../support/test-app.js';

const LOGIN = '/api/v1/auth/login';
const PRODUCTS = '/api/v1/products';
const ORDERS = '/api/v1/orders';

const LIMITS = {
  RATE_LIMIT_ENABLED: 'true',
  RATE_LIMIT_REQUESTS_PER_MINUTE: '3',
  RATE_LIMIT_WRITES_PER_MINUTE: '2',
  RATE_LIMIT_LOGINS_PER_MINUTE: '2',
};

let app: TestApp;

/** Starts an application that nobody has called. */
async function start(overrides: Record<string, string> = {}): Promise<void> {
  app = await TestApp.start({ ...LIMITS, ...overrides });
}

afterEach(() => app.stop());

function tokenOf(role: Role, userId = newId()): Promise<string> {
  return app.app.get(AccessTokens).issue({ userId, role, sessionId: newId(), aal: 1, amr: ['pwd'] });
}

/** The statuses of so many calls, one after the other. */
async function statusesOf(count: number, call: (index: number) => Promise<{ status: number }>) {
  const statuses: number[] = [];
  for (let index = 0; index < count; index += 1) statuses.push((await call(index)).status);
  return statuses;
}

describe('rate limits', () => {
  it('count down on every answer, then refuse and say when to come back', async () => {
    await start();
    for (const left of [2, 1, 0]) {
      const { status, headers } = await app.get(PRODUCTS);
      expect(status).toBe(200);
      expect(headers.get('ratelimit-policy')).toBe('"requests";q=3;w=60');
      expect(headers.get('ratelimit')).toMatch(new RegExp(`^"requests";r=${left};t=\\d+$`));
    }
    const refused = await app.get(PRODUCTS);
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    expect(refused.headers.get('ratelimit')).toMatch(/^"requests";r=0;t=\d+$/);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('are stricter for whoever guesses passwords', async () => {
    await start();
    const guess = { email: 'nobody@example.com', password: 'guess number one' };
    expect(await statusesOf(3, () => app.post(LOGIN, guess))).toEqual([401, 401, 429]);
  });

  it('bound whoever sends webhooks that the gateway has not signed, and never the gateway beside them', async () => {
    await start({
      PAYMENT_GATEWAY: 'stripe',
      STRIPE_API_KEY: 'sk_test_1',
      STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
    });
    const send = (manner: object) => sendEvent({ api: app }, eventAbout('charge.expired', {}), manner);
    expect(await statusesOf(3, () => send({}))).toEqual([200, 200, 200]);
    expect(await statusesOf(3, () => send({ secret: 'whsec_other' }))).toEqual([400, 400, 429]);
    const elsewhere = await send({ path: '/api/v1/payment-webhooks/adyen' });
    expect(elsewhere).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    expect(elsewhere.headers.get('ratelimit-policy')).toBe('"writes";q=2;w=60');
    const { status, headers } = await send({});
    expect(status).toBe(200);
    expect(headers.get('ratelimit-policy')).toBe('"webhook";q=60000;w=60');
  });

  it('bound whoever has many networks of IPv6 to guess from', async () => {
    await start({ TRUSTED_PROXIES: '127.0.0.1' });
    const from = (site: string) => (index: number) =>
      app.post(
        LOGIN,
        { email: `nobody-${index}@example.com`, password: 'guess number one' },
        { headers: { 'x-forwarded-for': `2001:db8:${site}:${index.toString(16)}::1` } },
      );
    const statuses = await statusesOf(21, from('1'));
    expect(statuses).toEqual([...Array<number>(20).fill(401), 429]);
    expect(await statusesOf(1, from('2'))).toEqual([401]);
  });

  it('count a key and a user apart who have one id', async () => {
    await start();
    await app.app.get(DemoUsers).ensure();
    const login = { email: 'admin@example.com', password: 'steelyard-demo' };
    const { body: admin } = await app.post(LOGIN, login);
    const wish = { name: 'till', scopes: ['catalog:read'] };
    const { body: key } = await app.post('/api/v1/api-keys', wish, { token: admin.accessToken });
    const namesake = await tokenOf('customer', key.id);
    expect(await statusesOf(4, () => app.get(PRODUCTS, { token: namesake }))).toEqual([200, 200, 200, 429]);
    expect((await app.get(PRODUCTS, { token: key.key })).status).toBe(200);
  });

  it.each<[string, string, string, CallOptions, number, string]>([
    ['without a token', 'GET', ORDERS, {}, 401, 'requests'],
    ['with a bad one', 'GET', ORDERS, { token: 'open-sesame' }, 401, 'requests'],
    ['to an unknown address', 'GET', '/api/v1/unicorns', {}, 404, 'requests'],
    ['to an address that is not encoded', 'GET', '/api/v1/%zz', {}, 400, 'requests'],
    ['with a wrong method', 'PUT', PRODUCTS, {}, 405, 'writes'],
    ['that may not', 'POST', PRODUCTS, { body: {} }, 401, 'writes'],
    ['with half a body', 'POST', ORDERS, { body: '{' }, 400, 'writes'],
    ['of another type', 'POST', ORDERS, { body: '', headers: { 'content-type': 'a/b' } }, 415, 'writes'],
  ])('mark and count a call %s', async (_, method, path, options, status, policy) => {
    await start();
    const answer = await app.call(method, path, options);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('ratelimit-policy')).toMatch(new RegExp(`^"${policy}";q=\\d;w=60$`));
    expect(answer.headers.get('ratelimit')).toMatch(new RegExp(`^"${policy}";r=\\d;t=\\d+$`));
    const statuses = await statusesOf(3, () => app.call(method, path, options));
    expect(statuses.at(-1)).toBe(429);
  });

  it('count people, not the address that they share; bad tokens count for the address', async () => {
    await start();
    const [ada, grace] = [await tokenOf('customer'), await tokenOf('customer')];
    const as = (token?: string) => () => app.get(PRODUCTS, { token });
    expect(await statusesOf(4, as(ada))).toEqual([200, 200, 200, 429]);
    expect(await statusesOf(3, as(grace))).toEqual([200, 200, 200]);
    expect(await statusesOf(4, (index) => as(`bad-${index}`)())).toEqual([401, 401, 401, 429]);
    expect((await as()()).status).toBe(429);
  });

  it('count what bears a credential by its address first, and look at none beyond that', async () => {
    await start({ RATE_LIMIT_CREDENTIALS_PER_MINUTE: '4' });
    const token = await tokenOf('customer');
    const tokens = app.app.get(AccessTokens);
    const verify = tokens.verify.bind(tokens);
    let looks = 0;
    tokens.verify = (bearer) => {
      looks += 1;
      return verify(bearer);
    };
    const told: (string | null)[] = [];
    for (const bearer of [token, token, await tokenOf('staff'), await tokenOf('staff'), token]) {
      const { headers, status } = await app.get(PRODUCTS, { token: bearer });
      told.push(`${status} ${headers.get('ratelimit-policy')} ${headers.get('ratelimit')}`);
    }
    // Of two limits the one that is nearer to its end is told.
    expect(told).toEqual([
      expect.stringMatching(/^200 "requests";q=3;w=60 "requests";r=2;t=\d+$/),
      expect.stringMatching(/^200 "requests";q=3;w=60 "requests";r=1;t=\d+$/),
      expect.stringMatching(/^200 "credentials";q=4;w=60 "credentials";r=1;t=\d+$/),
      expect.stringMatching(/^200 "credentials";q=4;w=60 "credentials";r=0;t=\d+$/),
      expect.stringMatching(/^429 "credentials";q=4;w=60 "credentials";r=0;t=\d+$/),
    ]);
    expect(looks).toBe(4);
    expect((await app.get(PRODUCTS)).status).toBe(200);
  });

  it('count what writes for itself', async () => {
    await start();
    const token = await tokenOf('customer');
    const write = () => app.post(PRODUCTS, {}, { token });
    expect(await statusesOf(3, write)).toEqual([403, 403, 429]);
    expect((await app.get(PRODUCTS, { token })).status).toBe(200);
  });

  it.each(Object.values(PROBES))('never refuse the probe %s', async (path) => {
    await start();
    app.app.get(Lifecycle).markStarted();
    const statuses = await statusesOf(10, () => app.get(path));
    expect(new Set(statuses)).toEqual(new Set([200]));
  });
});

describe('the address of a caller', () => {
  const from = (forwarded: string) => app.get(PRODUCTS, { headers: { 'x-forwarded-for': forwarded } });

  it('is not what an unknown proxy says it is', async () => {
    await start();
    expect(await statusesOf(4, (index) => from(`203.0.113.${index}`))).toEqual([200, 200, 200, 429]);
  });

  it('is what a trusted proxy says it is, and not what the caller told the proxy', async () => {
    await start({ TRUSTED_PROXIES: '127.0.0.0/8, 10.0.0.0/8' });
    expect(await statusesOf(4, () => from('203.0.113.1'))).toEqual([200, 200, 200, 429]);
    expect((await from('203.0.113.2')).status).toBe(200);
    const liar = (index: number) => from(`192.0.2.${index}, 203.0.113.3, 10.0.0.1`);
    expect(await statusesOf(4, liar)).toEqual([200, 200, 200, 429]);
  });

  it('is the same whatever port a proxy writes beside it', async () => {
    await start({ TRUSTED_PROXIES: '127.0.0.1' });
    expect(await statusesOf(4, (index) => from(`203.0.113.4:${50_000 + index}`))).toEqual([
      200, 200, 200, 429,
    ]);
    expect(await statusesOf(4, (index) => from(`${index}`.repeat(6_000)))).toEqual([200, 200, 200, 429]);
  });

  it('is one for all that share a network of IPv6', async () => {
    await start({ TRUSTED_PROXIES: '127.0.0.1' });
    expect(await statusesOf(4, (index) => from(`2001:db8:1:2::${index}`))).toEqual([200, 200, 200, 429]);
    expect((await from('2001:db8:1:3::1')).status).toBe(200);
  });
});
