import { Controller, Get, Module } from '@nestjs/common';
import { createHttpApplication } from '#platform/http';
import { PlatformModule } from '../../apps/api/src/platform.module.js';
import { routesOf } from '../support/routes.js';
import { TestApp } from '../support/test-app.js';
import { testSettings } from '../support/test-settings.js';
import { ROUTES } from './authorization-matrix.js';

describe('endpoints', () => {
  let api: TestApp;
  beforeAll(async () => {
    api = await TestApp.start();
  });
  afterAll(() => api.stop());

  it('a route without a rule would be noticed, and answers nobody', async () => {
    @Controller('forgotten')
    class ForgottenController {
      @Get()
      forgotten(): string {
        return 'open to the world';
      }
    }
    @Module({ controllers: [ForgottenController] })
    class ForgottenModule {}

    const settings = await testSettings({ DATABASE_URL: api.database.url });
    @Module({ imports: [PlatformModule.forRoot(settings, 'careless'), ForgottenModule] })
    class CarelessModule {}
    const careless = await createHttpApplication(CarelessModule, settings);
    await careless.listen(0, '127.0.0.1');
    try {
      expect(routesOf(careless)).toContainEqual({ name: 'GET /forgotten', access: undefined });
      const response = await fetch(`${await careless.getUrl()}/api/v1/forgotten`);
      expect(response.status).toBe(403);
      expect(await response.json()).toMatchObject({ code: 'forbidden' });
    } finally {
      await careless.close();
    }
  });

  it('every route of the API is documented with a summary, a tag, schemas and its errors', async () => {
    const { body: document } = await api.get('/api/openapi.json');
    const operations = Object.entries<Record<string, Operation>>(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        name: `${method.toUpperCase()} ${path.replace(/^\/api\/v1/, '').replaceAll(/\{(\w+)\}/g, ':$1')}`,
        operation,
      })),
    );
    const probes = [
      'GET /dev/mailbox',
      'GET /docs/errors',
      'GET /health',
      'GET /healthz',
      'GET /readyz',
      'GET /startupz',
    ];
    const documented = operations.map(({ name }) => name).sort();
    expect(documented).toEqual(
      Object.keys(ROUTES)
        .filter((name) => !probes.includes(name))
        .sort(),
    );
    for (const { name, operation } of operations) {
      expect({ name, missing: whatIsMissing(name, operation) }).toEqual({ name, missing: [] });
    }
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('what answers hold beyond their bodies, and problems beyond what all of them do, is documented', async () => {
    const { body: document } = await api.get('/api/openapi.json');
    const answer = (method: string, path: string, status: number) =>
      document.paths[`/api/v1${path}`][method].responses[status] as {
        headers: object;
        content: Record<string, { schema: { allOf: [object, { properties: object }] } }>;
      };
    const headersOf = (...where: Parameters<typeof answer>) => Object.keys(answer(...where).headers);
    expect(headersOf('post', '/products', 201)).toEqual(expect.arrayContaining(['ETag', 'Location']));
    expect(headersOf('patch', '/users/me', 200)).toContain('ETag');
    expect(headersOf('get', '/users/me', 401)).toContain('WWW-Authenticate');
    for (const status of [429, 503]) expect(headersOf('get', '/users/me', status)).toContain('Retry-After');
    const membersOf = (...where: Parameters<typeof answer>) =>
      answer(...where).content['application/problem+json']!.schema.allOf[1].properties;
    expect(Object.keys(membersOf('post', '/auth/login', 403))).toEqual([
      ...['challengeToken', 'expiresIn', 'methods', 'passkeyOptions'],
    ]);
    expect(membersOf('post', '/orders', 402)).toMatchObject({
      order: { $ref: '#/components/schemas/Order' },
    });
    const examples = document.paths['/api/v1/users/me'].delete.responses[409].content[
      'application/problem+json'
    ].examples as Record<string, { value: object }>;
    expect(examples['orders_open']?.value).toMatchObject({ orderIds: [expect.any(String)] });
    expect(Object.keys(membersOf('post', '/orders', 409))).toEqual(
      expect.arrayContaining(['lines', 'total']),
    );
  });

  it('nothing is documented that never comes: a version of what is not made yet, a key that nobody needs', async () => {
    const { body: document } = await api.get('/api/openapi.json');
    const operations = Object.values<Record<string, Operation>>(document.paths).flatMap((path) =>
      Object.values(path),
    );
    const versioned = operations.filter(({ responses }) => 'ETag' in (responses['202']?.headers ?? {}));
    expect(versioned.map(({ operationId }) => operationId)).toEqual([]);
    const withKey = operations.flatMap(({ parameters = [], responses }) => {
      const key = parameters.find(({ name }) => name === 'Idempotency-Key');
      const description = responses['400']?.description ?? '';
      return key
        ? [{ required: key.required, isTold: description.includes('`idempotency_key_required`') }]
        : [];
    });
    expect(withKey.filter(({ required, isTold }) => required !== isTold)).toEqual([]);
    expect(new Set(withKey.map(({ required }) => required))).toEqual(new Set([true, false]));
  });

  it('a body that nobody has asked for is refused as the document says', async () => {
    const { body: document } = await api.get('/api/openapi.json');
    const path = '/api/v1/auth/passkey/options';
    const { responses } = document.paths[path].post as Operation;
    for (const [type, status, code] of [
      ['application/json', 400, 'malformed_json'],
      ['text/plain', 415, 'unsupported_media_type'],
    ] as const) {
      const answer = await api.post(path, '{', { headers: { 'content-type': type } });
      expect([answer.status, answer.body.code]).toEqual([status, code]);
      expect(responses[status]?.description).toContain(`\`${code}\``);
    }
  });

  it('every answer that If-Match may be made of says so', async () => {
    const { body: document } = await api.get('/api/openapi.json');
    const silent = Object.entries<Record<string, Operation>>(document.paths).filter(([, { get, patch }]) => {
      const takes = patch?.parameters?.some(({ name }) => name === 'If-Match');
      return takes && !('ETag' in (get?.responses['200']?.headers ?? {}));
    });
    expect(silent).toEqual([]);
  });

  it('filters have their examples in words, since Swagger UI fills in any other', async () => {
    const { body: document } = await api.get('/api/openapi.json');
    const filters = Object.values<Record<string, Operation>>(document.paths)
      .flatMap((path) => Object.values(path))
      .flatMap(({ parameters = [] }) => parameters)
      .filter((parameter) => parameter.in === 'query' && !parameter.required);
    expect(filters.filter(({ schema }) => schema?.example !== undefined)).toEqual([]);
    expect(filters).toContainEqual(
      expect.objectContaining({ name: 'q', description: expect.stringContaining('For example `mug`.') }),
    );
  });

  it('every reference of the document resolves', async () => {
    const { body: document } = await api.get('/api/openapi.json');
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)];
    const unresolved = references
      .map(([, name]) => name ?? '')
      .filter((name) => !(name in document.components.schemas));
    expect(references.length).toBeGreaterThan(50);
    expect(unresolved).toEqual([]);
  });
});

interface Operation {
  readonly operationId: string;
  readonly summary?: string;
  readonly tags?: string[];
  readonly requestBody?: { content: Record<string, { schema?: object }> };
  readonly parameters?: {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly description?: string;
    readonly schema?: { readonly example?: unknown };
  }[];
  readonly responses: Record<
    string,
    { description?: string; headers?: object; content?: Record<string, { schema?: object }> }
  >;
}

/** Posts that have nothing to say, or whose body is a file. */
const WITHOUT_JSON_BODY = new Set([
  'POST /products/import',
  'POST /auth/passkey/options',
  'POST /auth/step-up/passkey-options',
]);

function hasSchema(content: Record<string, { schema?: object }> | undefined): boolean {
  return ['application/json', 'text/event-stream'].some((type) => content?.[type]?.schema);
}

function whatIsMissing(name: string, operation: Operation): string[] {
  const missing: string[] = [];
  if (!operation.summary) missing.push('summary');
  if (!operation.tags?.length) missing.push('tags');
  const writes = name.startsWith('POST') || name.startsWith('PATCH') || name.startsWith('PUT');
  const body = operation.requestBody?.content['application/json']?.schema;
  if (writes && !body && !WITHOUT_JSON_BODY.has(name)) missing.push('request schema');
  const statuses = Object.keys(operation.responses);
  const successes = statuses.filter((status) => status.startsWith('2'));
  const isEmpty = successes.every((status) => status === '204');
  if (successes.length === 0) missing.push('success');
  if (!isEmpty && !successes.some((status) => hasSchema(operation.responses[status]?.content))) {
    missing.push('response schema');
  }
  if (!statuses.includes('500')) missing.push('500');
  for (const status of statuses.filter((code) => code >= '400')) {
    if (!operation.responses[status]?.content?.['application/problem+json'])
      missing.push(`problem for ${status}`);
  }
  return missing;
}
