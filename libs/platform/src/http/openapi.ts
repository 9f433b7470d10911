import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { z } from 'zod';
import { toJsonSchema } from './json-schema.js';
import { httpErrors } from './http.errors.js';
import { PROBLEM_MEDIA_TYPE, problemSchema } from './problem.js';
import { mergeProblemResponses, problemResponses } from './problem-responses.js';

const DESCRIPTION = `The backend for selling things.

* Log in with \`POST /api/v1/auth/login\` and put the access token under **Authorize**.
* Money is integer minor units and a currency: \`{ "amount": 1250, "currency": "GBP" }\` is twelve pounds fifty.
* Errors are RFC 9457 problems with a stable \`code\`.
* Lists are pages: pass \`nextCursor\` back as \`cursor\`.
* A POST that moves something of value needs an \`Idempotency-Key\`; repeat it with the same key as often as you like.`;

/** What the schemas of the endpoints do not say of the API. */
export interface ApiDescription {
  readonly version: string;
  /** In the order in which they are shown. */
  readonly tags: readonly { readonly name: string; readonly description: string }[];
}

/** Builds the OpenAPI document from the schemas that validate. */
export function buildOpenApi(app: INestApplication, { version, tags }: ApiDescription): OpenAPIObject {
  const builder = new DocumentBuilder()
    .setTitle('Steelyard')
    .setDescription(DESCRIPTION)
    .setVersion(version)
    .setOpenAPIVersion('3.1.0')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addServer('/')
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' });
  for (const { name, description } of tags) builder.addTag(name, description);
  const config = builder.build();
  const document = SwaggerModule.createDocument(app, config, {
    operationIdFactory: (_controller, method) => method,
    standardSchemaConverter: (schema, { schemaType }) => {
      const { root, definitions } = toJsonSchema(schema as z.ZodType, schemaType);
      return {
        schema: toComponentRefs(root),
        components: toComponentRefs(definitions) as Record<string, object>,
      };
    },
  });
  document.components ??= {};
  const { definitions } = toJsonSchema(problemSchema, 'output');
  const components = { ...document.components.schemas, ...(toComponentRefs(definitions) as Components) };
  document.paths = sorted(document.paths);
  for (const [address, path] of Object.entries(document.paths)) {
    for (const method of METHODS) {
      const operation = path[method];
      if (!operation) continue;
      describeEdge(operation);
      tellExamplesOfFilters(operation);
      locateProblems(operation, address);
      hoistDefinitions(operation, components);
      if (operation.requestBody) relaxBody(operation.requestBody, document);
    }
  }
  document.components.schemas = sorted(components);
  return document;
}

const EXAMPLE_ID = '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d13';
const METHODS = ['get', 'post', 'patch', 'put', 'delete'] as const;
type Components = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;
type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;

const IDEMPOTENCY_REPLAYED = {
  'Idempotency-Replayed': {
    description: '`true` when this is the stored answer of an earlier call with the same key.',
    schema: { type: 'string' as const },
  },
};
const RATE_LIMIT = {
  'RateLimit-Policy': {
    description:
      'The limit that this call counts under, or of two the one nearer to its end: `q` calls at once, and as many evenly in each `w` seconds after.',
    schema: { type: 'string' as const },
    example: '"requests";q=1200;w=60',
  },
  RateLimit: {
    description: 'How many calls are left of it, and the seconds until all of them are there again.',
    schema: { type: 'string' as const },
    example: '"requests";r=1199;t=60',
  },
};
const RETRY_AFTER = {
  'Retry-After': {
    description: 'Seconds after which to try again, where that helps.',
    schema: { type: 'integer' as const },
  },
};
const RETRYABLE_STATUSES: ReadonlySet<string> = new Set(['409', '429', '503']);
const WWW_AUTHENTICATE = {
  'WWW-Authenticate': {
    description:
      'How to say who calls; `error="invalid_token"` where a token is sent that is not good (any more).',
    schema: { type: 'string' as const },
    example: 'Bearer',
  },
};

/** What the edge itself adds to an operation: refused bodies, and headers of every answer. */
function describeEdge(operation: Operation): void {
  if (operation.requestBody) {
    const { malformed_json, body_too_large, unsupported_media_type } = httpErrors;
    mergeProblemResponses(
      operation.responses,
      problemResponses([malformed_json, body_too_large, unsupported_media_type]),
    );
  }
  const isIdempotent = operation.parameters?.some(
    (parameter) => 'name' in parameter && parameter.name === 'Idempotency-Key',
  );
  for (const [status, response] of Object.entries(operation.responses)) {
    if (!response || '$ref' in response) continue;
    response.headers = {
      ...response.headers,
      'X-Request-ID': { description: 'Names this request in logs.', schema: { type: 'string' } },
      ...RATE_LIMIT,
      ...(isIdempotent && (status.startsWith('2') || status === '402') ? IDEMPOTENCY_REPLAYED : {}),
      ...(RETRYABLE_STATUSES.has(status) ? RETRY_AFTER : {}),
      ...(status === '401' ? WWW_AUTHENTICATE : {}),
    };
  }
}

/**
 * Swagger UI fills in the examples of parameters, and whoever then asks for a list gets what no row agrees with. What
 * nobody has to send shows its example in words.
 */
function tellExamplesOfFilters({ parameters = [] }: Operation): void {
  for (const parameter of parameters) {
    if (!('in' in parameter) || parameter.in !== 'query' || parameter.required) continue;
    const { example, ...schema } = parameter.schema as { example?: string };
    if (example === undefined) continue;
    parameter.schema = schema;
    parameter.description = [parameter.description, `For example \`${example}\`.`].filter(Boolean).join(' ');
  }
}

/** The examples of problems name the path of the request, as problems do. */
function locateProblems({ responses }: Operation, address: string): void {
  const instance = address.replaceAll(/\{\w+\}/g, EXAMPLE_ID);
  for (const response of Object.values(responses)) {
    const content = response && 'content' in response ? response.content?.[PROBLEM_MEDIA_TYPE] : undefined;
    for (const example of Object.values(content?.examples ?? {})) {
      if ('value' in example) example.value = { ...(example.value as object), instance };
    }
  }
}

/** What the members of some problems are made of goes into `components`, where everything else is. */
function hoistDefinitions({ responses }: Operation, components: Components): void {
  for (const response of Object.values(responses)) {
    const content = response && 'content' in response ? response.content?.[PROBLEM_MEDIA_TYPE] : undefined;
    if (!content?.schema || !('$defs' in content.schema)) continue;
    const { $defs, ...schema } = content.schema;
    content.schema = toComponentRefs(schema) as object;
    Object.assign(components, toComponentRefs($defs));
  }
}

/** A body in which nothing is required is not required itself: it counts as an empty one. */
function relaxBody(body: NonNullable<Operation['requestBody']>, { components }: OpenAPIObject): void {
  const schema = 'content' in body ? body.content['application/json']?.schema : undefined;
  if (!('content' in body) || !schema || !('$ref' in schema)) return;
  const component = components?.schemas?.[schema.$ref.replace('#/components/schemas/', '')];
  const isObject = component !== undefined && 'type' in component && component.type === 'object';
  if (isObject && !component.required?.length && !component.minProperties) body.required = false;
}

/**
 * Serves Swagger UI at /api/docs and the document at /api/openapi.json. It is built for the first who asks: it costs a
 * third of a second of CPU, which no start has to wait for.
 */
export function serveOpenApi(app: INestApplication, build: () => OpenAPIObject): void {
  SwaggerModule.setup('api/docs', app, build, {
    jsonDocumentUrl: 'api/openapi.json',
    customSiteTitle: 'Steelyard API',
    swaggerOptions: {
      persistAuthorization: true,
      displayRequestDuration: true,
      tryItOutEnabled: true,
      requestInterceptor: withFreshKey,
    },
  });
}

/**
 * Swagger UI fills in the example of the key, with which a second, different call would be refused: who leaves it as it
 * is gets a fresh one. It runs in the browser, as text, and can use nothing from here.
 */
function withFreshKey(request: { headers: Record<string, string> }): object {
  const name = 'Idempotency-Key';
  if (request.headers[name] === '0b6f6d0e-5b0a-4d0c-9a53-2f3b0a3b9b61')
    request.headers[name] = crypto.randomUUID();
  return request;
}

function toComponentRefs(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toComponentRefs);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      key === '$ref' && typeof member === 'string'
        ? member.replace('#/$defs/', '#/components/schemas/')
        : toComponentRefs(member),
    ]),
  );
}

function sorted<T extends object>(record: T): T {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1))) as T;
}
