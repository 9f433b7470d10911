import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { z } from 'zod';
import { toJsonSchema } from './json-schema.js';
import { problemSchema } from './problem.js';

const DESCRIPTION = `The backend for selling things.

* Log in with \`POST /api/v1/auth/login\` and put the access token under **Authorize**.
* Money is integer minor units and a currency: \`{ "amount": 1250, "currency": "GBP" }\` is twelve pounds fifty.
* Errors are RFC 9457 problems with a stable \`code\`.
* Lists are pages: pass \`nextCursor\` back as \`cursor\`.
* A POST that moves something of value needs an \`Idempotency-Key\`; repeat it with the same key as often as you like.`;

/** Builds the OpenAPI document from the schemas that validate. */
export function buildOpenApi(app: INestApplication, version: string): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('Steelyard')
    .setDescription(DESCRIPTION)
    .setVersion(version)
    .setOpenAPIVersion('3.1.0')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addServer('/')
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' })
    .build();
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
  document.components.schemas = sorted({
    ...document.components.schemas,
    ...(toComponentRefs(definitions) as NonNullable<typeof document.components.schemas>),
  });
  document.paths = sorted(document.paths);
  return document;
}

/** Serves Swagger UI at /api/docs and the document at /api/openapi.json. */
export function serveOpenApi(app: INestApplication, document: OpenAPIObject): void {
  SwaggerModule.setup('api/docs', app, document, {
    jsonDocumentUrl: 'api/openapi.json',
    customSiteTitle: 'Steelyard API',
    swaggerOptions: { persistAuthorization: true, displayRequestDuration: true, tryItOutEnabled: true },
  });
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
