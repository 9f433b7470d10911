import { runInNewContext } from 'node:vm';
import { TestApp } from '../support/test-app.js';

const PRODUCTS = '/api/v1/products';
const SHOP = 'https://shop.example.com';
const STRANGER = 'https://evil.example.com';

const NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

describe('what a browser is told of an answer', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.stop());

  it.each<[string, string, string, number]>([
    ['an answer', 'GET', PRODUCTS, 200],
    ['a refusal', 'GET', '/api/v1/orders', 401],
    ['an unknown address', 'GET', '/api/v1/unicorns', 404],
    ['a wrong method', 'PUT', PRODUCTS, 405],
    ['an address that is not encoded', 'GET', '/api/v1/%zz', 400],
    ['an address that is spelled otherwise', 'GET', '/%61pi/v1/products', 200],
    ['an endless id', 'GET', `${PRODUCTS}/${'a'.repeat(2_000)}`, 400],
  ])('of %s: nothing in it runs, nothing frames or keeps it', async (_, method, path, status) => {
    const answer = await app.call(method, path);
    expect(answer.status).toBe(status);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-security-policy': NOTHING,
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(answer.headers.get('cache-control')).toBe(status === 400 ? null : 'no-store');
    expect(answer.headers.get('x-powered-by')).toBeNull();
    expect(answer.headers.get('strict-transport-security')).toBeNull();
  });

  it('of Swagger UI: it runs its own scripts, which are all there, and none that stands in the page', async () => {
    const page = await app.get('/api/docs');
    const policy = page.headers.get('content-security-policy');
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toMatch(/script-src [^;]*unsafe/);
    const scripts = [...(page.body as string).matchAll(/<script([^>]*)>([^<]*)<\/script>/g)];
    expect(scripts.length).toBeGreaterThanOrEqual(3);
    for (const [, attributes = '', inline = ''] of scripts) {
      expect(inline.trim()).toBe('');
      const [, source = ''] = /src=["']([^"']+)["']/.exec(attributes) ?? [];
      const script = await app.get(new URL(source, `${app.baseUrl}/api/docs`).pathname);
      expect(script.status).toBe(200);
      expect(script.headers.get('content-type')).toContain('javascript');
    }
  });

  it('of Swagger UI: a key of its own for each call to which nobody has given one', async () => {
    const { body: script } = await app.get('/api/docs/swagger-ui-init.js');
    const [source] = /function withFreshKey[\s\S]*?\n}/.exec(script as string) ?? [];
    const withFreshKey = runInNewContext(`(${source})`, { crypto }) as (request: object) => {
      headers: object;
    };
    const { body: document } = await app.get('/api/openapi.json');
    const parameters = document.paths['/api/v1/orders'].post.parameters as {
      readonly name: string;
      readonly schema: { readonly example: string };
    }[];
    const filledIn = parameters.find(({ name }) => name === 'Idempotency-Key')!.schema.example;
    const sent = (key: string) => withFreshKey({ headers: { 'Idempotency-Key': key } }).headers;
    expect(sent('mine')).toEqual({ 'Idempotency-Key': 'mine' });
    expect(sent(filledIn)).not.toEqual(sent(filledIn));
    expect(withFreshKey({ headers: {} }).headers).toEqual({});
  });

  it('of the document of the API: it is kept, and asked after by its tag', async () => {
    const { body: script } = await app.get('/api/docs/swagger-ui-init.js');
    expect(script).toContain('"swaggerUrl": "/api/openapi.json"');
    expect((script as string).length).toBeLessThan(10_000);
    const { headers } = await app.get('/api/openapi.json');
    expect(Object.fromEntries(headers)).toMatchObject({
      'cache-control': 'no-cache',
      'content-type': expect.stringMatching(/^application\/json/),
    });
    const tag = headers.get('etag')!;
    const again = await app.get('/api/openapi.json', { headers: { 'if-none-match': tag } });
    expect(again).toMatchObject({ status: 304, body: '' });
    expect((await app.get('/api/docs-yaml')).status).toBe(404);
  });

  it('of the error codes: the page may style itself, and no more', async () => {
    const { headers } = await app.get('/docs/errors');
    expect(headers.get('content-security-policy')).toBe(`${NOTHING}; style-src 'unsafe-inline'`);
  });

  it('nothing of other pages, unless some are allowed', async () => {
    const { headers } = await app.get(PRODUCTS, { headers: { origin: SHOP } });
    expect(headers.get('access-control-allow-origin')).toBeNull();
    expect((await app.call('OPTIONS', PRODUCTS)).status).toBe(405);
  });
});

describe('pages of another origin', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await TestApp.start({
      CORS_ORIGINS: `${SHOP}, http://localhost:5173`,
      RATE_LIMIT_ENABLED: 'true',
      RATE_LIMIT_WRITES_PER_MINUTE: '1',
    });
  });
  afterAll(() => app.stop());

  const ask = (origin: string, path = PRODUCTS) =>
    app.call('OPTIONS', path, {
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,idempotency-key',
      },
    });

  it.each([SHOP, 'http://localhost:5173'])('may call when they are allowed: %s', async (origin) => {
    const { status, headers } = await ask(origin);
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe(origin);
    expect(headers.get('access-control-allow-methods')).toBe('GET, HEAD, POST, PUT, PATCH, DELETE');
    for (const header of ['Authorization', 'Content-Type', 'Idempotency-Key', 'If-Match', 'X-Order-Token']) {
      expect(headers.get('access-control-allow-headers')).toContain(header);
    }
    expect(headers.get('access-control-allow-credentials')).toBeNull();
    expect(headers.get('vary')).toContain('Origin');
  });

  it.each([STRANGER, `${SHOP}.evil.example`, 'http://shop.example.com', 'null'])(
    'may not otherwise: %s',
    async (origin) => {
      expect((await ask(origin)).headers.get('access-control-allow-origin')).toBeNull();
      const answer = await app.get(PRODUCTS, { headers: { origin } });
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    },
  );

  it('can read every answer and what its headers say, refusals too', async () => {
    const call = (method: string, path: string) => app.call(method, path, { headers: { origin: SHOP } });
    const answers = [
      await call('GET', PRODUCTS),
      await call('GET', '/api/v1/orders'),
      await call('GET', '/api/v1/unicorns'),
      await call('PUT', PRODUCTS),
      await call('POST', PRODUCTS),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 401, 404, 405, 429]);
    expect(answers[3]!.headers.get('allow')).toBe('GET, HEAD, POST');
    for (const { headers } of answers) {
      expect(headers.get('access-control-allow-origin')).toBe(SHOP);
      expect(headers.get('access-control-expose-headers')?.split(', ')).toEqual(
        expect.arrayContaining(['ETag', 'Idempotency-Replayed', 'RateLimit', 'Retry-After', 'X-Request-ID']),
      );
    }
  });
});

describe('in production', () => {
  it('browsers are told to come with TLS only', async () => {
    const app = await TestApp.start({ NODE_ENV: 'production' });
    try {
      const { headers } = await app.get(PRODUCTS);
      expect(headers.get('strict-transport-security')).toBe('max-age=31536000');
    } finally {
      await app.stop();
    }
  });
});
