import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '#kernel';
import { closeHttpServer } from '#platform/http';
import { Lifecycle } from '#platform/lifecycle';
import { ManagementServer } from '#platform/management';
import { ensureDemoData } from '../../apps/api/src/index.js';
import { blockTable } from '../support/block-table.js';
import { sendRaw } from '../support/send-raw.js';
import { type CallOptions, TestApp } from '../support/test-app.js';

const LOGIN = '/api/v1/auth/login';
const PRODUCTS = '/api/v1/products';
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;

describe('the edge', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });

  afterAll(() => app.stop());

  const json = { 'content-type': 'application/json' };
  it.each<[string, string, string, CallOptions, number, string]>([
    ['half a JSON document', 'POST', LOGIN, { body: '{"email":' }, 400, 'malformed_json'],
    ['no JSON at all', 'POST', LOGIN, { body: 'email=a' }, 400, 'malformed_json'],
    ['an empty body that says it is JSON', 'POST', LOGIN, { body: '' }, 400, 'malformed_json'],
    ['a prototype in disguise', 'POST', LOGIN, { body: '{"__proto__":{}}' }, 400, 'malformed_json'],
    ['JSON that is no object', 'POST', LOGIN, { body: '[]' }, 400, 'validation_failed'],
    ['no body', 'POST', LOGIN, {}, 400, 'validation_failed'],
    [
      'text',
      'POST',
      LOGIN,
      { body: '{}', headers: { 'content-type': 'text/plain' } },
      415,
      'unsupported_media_type',
    ],
    [
      'a form',
      'POST',
      LOGIN,
      { body: 'email=a', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      415,
      'unsupported_media_type',
    ],
    ['a body over 1 MiB', 'POST', LOGIN, { body: `"${'x'.repeat(1_048_576)}"` }, 413, 'body_too_large'],
    ['an unknown address', 'GET', '/api/v1/unicorns', {}, 404, 'route_not_found'],
    ['an unknown address outside the API', 'GET', '/wp-login.php', {}, 404, 'route_not_found'],
    [
      'a body to an unknown address',
      'POST',
      '/api/v1/unicorns',
      { body: '{', headers: json },
      404,
      'route_not_found',
    ],
    ['NUL in an address', 'GET', '/api/v1/%00', {}, 404, 'route_not_found'],
    ['NUL in an id', 'GET', `${PRODUCTS}/%00`, {}, 400, 'validation_failed'],
    ['NUL in a filter', 'GET', `${PRODUCTS}?q=%00`, {}, 400, 'validation_failed'],
    ['an address that is not encoded', 'GET', '/api/v1/%zz', {}, 400, 'malformed_request'],
    ['an endless id', 'GET', `${PRODUCTS}/${'a'.repeat(2_000)}`, {}, 400, 'malformed_request'],
    ['a wrong method', 'PUT', PRODUCTS, {}, 405, 'method_not_allowed'],
    ['a wrong method for one resource', 'DELETE', `${PRODUCTS}/${newId()}`, {}, 405, 'method_not_allowed'],
    ['metrics, which are not for customers', 'GET', '/metrics', {}, 404, 'route_not_found'],
  ])('refuses %s with a problem', async (_, method, path, options, status, code) => {
    const answer = await app.call(method, path, options);
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(answer.body).toMatchObject({
      type: `/docs/errors#${code}`,
      title: expect.any(String),
      status,
      detail: expect.any(String),
      instance: path.split('?', 1)[0],
      code,
      requestId: answer.headers.get('x-request-id'),
    });
    expect(answer.status).toBe(status);
    expect(answer.body.requestId).toMatch(UUID);
  });

  it.each<[string, CallOptions, string]>([
    ['nobody says who they are', {}, 'Bearer'],
    ['the token is none', { token: 'open-sesame' }, 'Bearer error="invalid_token"'],
  ])('says how to say who one is, where %s', async (_, credentials, challenge) => {
    const { status, headers } = await app.get('/api/v1/users/me', credentials);
    expect({ status, challenge: headers.get('www-authenticate') }).toEqual({ status: 401, challenge });
  });

  it('names the methods that an address knows', async () => {
    const { headers } = await app.call('PUT', PRODUCTS);
    expect(headers.get('allow')).toBe('GET, HEAD, POST');
  });

  it.each([
    ['what is not HTTP', 'SELL me a mug\r\n\r\n', 400],
    ['headers beyond measure', `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(40_000)}\r\n\r\n`, 431],
  ])('refuses %s with a problem', async (_, bytes, status) => {
    const answer = await sendRaw(app.baseUrl, bytes);
    expect(answer).toMatchObject({ status, body: { status, code: 'malformed_request' } });
    expect((answer.body as { requestId: string }).requestId).toMatch(UUID);
  });

  it.each([
    'order-42',
    '01976F5E-8D3C-7A51-9C7E-3F1F3B2A9D10',
    '01JD6TQ8C5K9M7R4V2X0Z3N1BP',
    '4bf92f3577b34da6a3ce929d0e0e4736',
    'x_'.repeat(32),
  ])('takes the request id %s over', async (id) => {
    const { headers } = await app.get('/healthz', { headers: { 'x-request-id': id } });
    expect(headers.get('x-request-id')).toBe(id);
  });

  it.each([
    ...['two words', '"quoted"', '<script>', 'x'.repeat(65), ''],
    ...['ada@example.com', 'ada.lovelace', 'urn:ada', 'ada/lovelace', 'ada+1', 'ada='],
  ])('makes an id of its own instead of %j, which is kept with what the request changes', async (id) => {
    const { headers } = await app.get('/healthz', { headers: { 'x-request-id': id } });
    expect(headers.get('x-request-id')).toMatch(UUID);
  });

  it('explains its error codes at the address that every problem names', async () => {
    const { body } = await app.get('/api/v1/unicorns');
    const [page = '', anchor] = (body.type as string).split('#');
    expect((await app.get(page)).body).toContain(`id="${anchor}"`);
  });

  it('keeps the metrics of a flood of random addresses few, and ids out of them', async () => {
    const paths = Array.from({ length: 100 }, (_, index) => [
      `/${newId()}`,
      `/api/v1/${newId()}/${index}`,
      `${PRODUCTS}/${newId()}`,
      `/api/v1/%zz${newId()}`,
    ]).flat();
    const answers = await Promise.all(paths.map((path) => app.get(path)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([400, 404]));

    const management = app.app.get(ManagementServer, { strict: false });
    const port = await management.listen();
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    await management.close();
    expect(metrics).not.toMatch(UUID);
    const requests = metrics.split('\n').filter((line) => line.startsWith('http_requests_total{'));
    const ofTheFlood = requests.filter((line) => /path="(<unmatched>|\/api\/v1\/products\/:id)"/.test(line));
    expect(ofTheFlood.length).toBeGreaterThanOrEqual(3);
    expect(requests.length).toBeLessThan(30);
    expect(metrics).toMatch(/^error_total\{type="route_not_found"\} 2\d\d$/m);
  });
});

describe('a request that takes longer than its deadline', () => {
  it('is answered 504, and the next one is fine; an upload takes the time it needs', async () => {
    const app = await TestApp.start({ REQUEST_TIMEOUT_MS: '200' });
    try {
      const accounts = await ensureDemoData(app.app);
      const { email, password } = accounts.find(({ role }) => role === 'staff')!;
      const token = (await app.post(LOGIN, { email, password })).body.accessToken as string;
      const block = await blockTable(app, 'catalog.products');
      const upload = app.call('POST', `${PRODUCTS}/import`, {
        token,
        body: 'sku,name,description,price_amount,currency,active\nLATE,Late,,100,GBP,true\n',
        headers: { 'content-type': 'text/csv' },
      });

      const startedAt = performance.now();
      const late = await app.get(PRODUCTS);
      expect(late).toMatchObject({ status: 504, body: { code: 'deadline_exceeded' } });
      expect(late.body.requestId).toBe(late.headers.get('x-request-id'));
      expect(performance.now() - startedAt).toBeLessThan(3_000);

      await delay(300);
      await block.release();
      expect(await app.get(PRODUCTS)).toMatchObject({ status: 200 });
      expect(await upload).toMatchObject({ status: 200 });
    } finally {
      await app.stop();
    }
  });
});

describe('health, from the start to the end', () => {
  it('tells starting, ready, draining, and serves what is in flight before it stops', async () => {
    const app = await TestApp.start();
    try {
      const statuses = async () => {
        const paths = ['/healthz', '/startupz', '/readyz'];
        return (await Promise.all(paths.map((path) => app.get(path)))).map(({ status }) => status);
      };
      const lifecycle = app.app.get(Lifecycle);
      expect(await statuses()).toEqual([200, 503, 503]);
      lifecycle.markStarted();
      expect(await statuses()).toEqual([200, 200, 200]);

      const draining = lifecycle.drain(50);
      expect(await statuses()).toEqual([200, 200, 503]);
      expect((await app.get('/readyz')).body).toMatchObject({
        code: 'service_unavailable',
        checks: { details: { draining: { status: 'down' } } },
      });
      await draining;

      const block = await blockTable(app, 'catalog.products');
      const inFlight = app.get(PRODUCTS);
      await delay(100);
      const closing = closeHttpServer(app.app, 5_000);
      await delay(100);
      const releasedAt = performance.now();
      await block.release();
      const { status, headers } = await inFlight;
      expect({ status, connection: headers.get('connection') }).toEqual({ status: 200, connection: 'close' });
      await closing;
      expect(performance.now() - releasedAt).toBeLessThan(2_500);
      await expect(app.get('/healthz')).rejects.toThrow();
    } finally {
      await app.stop();
    }
  });

  it('cuts what does not end within the grace', async () => {
    const app = await TestApp.start();
    const block = await blockTable(app, 'catalog.products');
    try {
      const inFlight = app.get(PRODUCTS).catch(() => 'cut');
      await delay(100);
      const startedAt = performance.now();
      await closeHttpServer(app.app, 100);
      expect(performance.now() - startedAt).toBeLessThan(2_000);
      expect(await inFlight).toBe('cut');
    } finally {
      await block.release();
      await app.stop();
    }
  });
});
