import { Controller, Get, Module, RequestMethod } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { ModulesContainer } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Config } from '#platform/config';
import { createHttpApplication } from '#platform/http';
import { ACCESS_RULE, type AccessRule } from '#platform/security';
import { PlatformModule } from '../../apps/api/src/platform.module.js';
import { TestApp } from '../support/test-app.js';
import { testSettings } from '../support/test-settings.js';

interface Route {
  readonly name: string;
  readonly access: AccessRule | undefined;
}

/** Every route of every controller that the application has, with the access rule it declares. */
function routesOf(app: NestFastifyApplication): Route[] {
  const controllers = [...app.get(ModulesContainer).values()].flatMap((module) => [
    ...module.controllers.values(),
  ]);
  return controllers.flatMap(({ metatype }) => {
    const type = metatype as { prototype: object };
    const prefix = Reflect.getMetadata(PATH_METADATA, type) as string;
    return Object.getOwnPropertyNames(type.prototype).flatMap((property) => {
      const handler = Object.getOwnPropertyDescriptor(type.prototype, property)?.value as object;
      const path = Reflect.getMetadata(PATH_METADATA, handler) as string | undefined;
      if (path === undefined) return [];
      const method = RequestMethod[Reflect.getMetadata(METHOD_METADATA, handler) as number] ?? 'GET';
      const address = [prefix, path]
        .map((part) => part.replace(/^\/|\/$/g, ''))
        .filter((part) => part !== '');
      const access =
        (Reflect.getMetadata(ACCESS_RULE, handler) as AccessRule | undefined) ??
        (Reflect.getMetadata(ACCESS_RULE, type) as AccessRule | undefined);
      return [{ name: `${method} /${address.join('/')}`, access }];
    });
  });
}

/**
 * Who may call what. A new route fails this suite until it has its row here, so that opening something to the world is
 * always a line in a review.
 */
const EXPECTED: Record<string, AccessRule> = {
  'GET /.well-known/jwks.json': 'public',
  'GET /dev/mailbox': 'public',
  'GET /docs/errors': 'public',
  'GET /health': 'public',
  'GET /healthz': 'public',
  'GET /readyz': 'public',
  'GET /startupz': 'public',

  'POST /users': 'public',
  'POST /auth/login': 'public',
  'POST /auth/refresh': 'public',
  'POST /auth/logout': 'public',
  'POST /auth/verify-email': 'public',
  'POST /auth/resend-verification': 'public',
  'POST /auth/forgot-password': 'public',
  'POST /auth/reset-password': 'public',
  'POST /auth/confirm-email-change': 'public',
  'GET /users/me': 'customer',
  'PATCH /users/me': 'customer',
  'DELETE /users/me': 'customer',
  'GET /users/me/export': 'customer',
  'POST /users/me/email-change': 'customer',
  'GET /users/me/sessions': 'customer',
  'DELETE /users/me/sessions': 'customer',
  'DELETE /users/me/sessions/:id': 'customer',
  'GET /users': 'staff',
  'GET /users/:id': 'staff',
  'PATCH /users/:id': 'admin',

  'GET /products': 'anyone',
  'GET /products/:id': 'anyone',
  'POST /products': 'staff',
  'POST /products/import': 'staff',
  'PATCH /products/:id': 'staff',
  'GET /products/:id/stock': 'staff',
  'GET /products/:id/stock-movements': 'staff',
  'POST /products/:id/stock-movements': 'staff',

  'POST /orders': 'anyone',
  'POST /orders/quote': 'anyone',
  'POST /orders/claim': 'customer',
  'GET /orders': 'customer',
  'GET /orders/:id': 'anyone',
  'GET /orders/:id/timeline': 'anyone',
  'POST /orders/:id/payments': 'anyone',
  'POST /orders/:id/cancel': 'anyone',
  'GET /orders/:id/fulfillments': 'anyone',
  'POST /orders/:id/fulfillments': 'staff',
  'GET /orders/:id/returns': 'anyone',
  'POST /orders/:id/returns': 'staff',

  'GET /payments': 'staff',
  'GET /payments/:id': 'staff',
  'POST /payments/:id/capture': 'staff',
  'POST /payments/:id/cancel': 'staff',
  'POST /payments/:id/refunds': 'staff',

  'POST /payment-webhooks/:gateway': 'public',
  'GET /disputes': 'staff',
  'GET /disputes/:id': 'staff',
  'GET /admin/stuck': 'admin',
  'POST /admin/operations/:id/resolve': 'admin',
  'POST /admin/reports/:id/settle': 'admin',

  'GET /ledger/accounts': 'admin',
  'GET /ledger/transactions': 'admin',
  'GET /ledger/trial-balance': 'admin',

  'GET /admin/invariants': 'admin',
  'POST /admin/invariants/freeze': 'admin',
  'DELETE /admin/invariants/freeze': 'admin',
};

describe('endpoints', () => {
  let api: TestApp;
  beforeAll(async () => {
    api = await TestApp.start();
  });
  afterAll(() => api.stop());

  it('every route declares who may call it, and it is what the table says', () => {
    const routes = routesOf(api.app);
    expect(Object.fromEntries(routes.map(({ name, access }) => [name, access]))).toEqual(EXPECTED);
  });

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
    const careless = await createHttpApplication(CarelessModule, new Config(settings));
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
      Object.keys(EXPECTED)
        .filter((name) => !probes.includes(name))
        .sort(),
    );
    for (const { name, operation } of operations) {
      expect({ name, missing: whatIsMissing(name, operation) }).toEqual({ name, missing: [] });
    }
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
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
  readonly responses: Record<string, { content?: Record<string, { schema?: object }> }>;
}

/** Posts that have nothing to say, or whose body is a file. */
const WITHOUT_JSON_BODY = new Set(['POST /products/import']);

function whatIsMissing(name: string, operation: Operation): string[] {
  const missing: string[] = [];
  if (!operation.summary) missing.push('summary');
  if (!operation.tags?.length) missing.push('tags');
  const writes = name.startsWith('POST') || name.startsWith('PATCH');
  const body = operation.requestBody?.content['application/json']?.schema;
  if (writes && !body && !WITHOUT_JSON_BODY.has(name)) missing.push('request schema');
  const statuses = Object.keys(operation.responses);
  const successes = statuses.filter((status) => status.startsWith('2'));
  const isEmpty = successes.every((status) => status === '204');
  if (successes.length === 0) missing.push('success');
  if (
    !isEmpty &&
    !successes.some((status) => operation.responses[status]?.content?.['application/json']?.schema)
  ) {
    missing.push('response schema');
  }
  if (!statuses.includes('500')) missing.push('500');
  for (const status of statuses.filter((code) => code >= '400')) {
    if (!operation.responses[status]?.content?.['application/problem+json'])
      missing.push(`problem for ${status}`);
  }
  return missing;
}
