import { applyDecorators, createParamDecorator, type ExecutionContext, HttpCode } from '@nestjs/common';
import { ApiBearerAuth, ApiHeader, ApiOperation, ApiProduces, ApiResponse } from '@nestjs/swagger';
import { RouteSchema } from '@nestjs/platform-fastify';
import { DomainError, type ErrorDefinition } from '#kernel';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { idempotencyErrors } from '../idempotency/index.js';
import { Access, type AccessRule, grantOf, isForAdmins, securityErrors } from '../security/index.js';
import { httpErrors } from './http.errors.js';
import { toSerializerSchema } from './json-schema.js';
import type { ProblemMembers } from './problem-members.js';
import { problemResponses } from './problem-responses.js';
import { AddRouteConfig } from './route-config.js';

export interface EndpointOptions {
  /** A few words, imperative: the line in Swagger UI. */
  readonly summary: string;
  /** What a front-end developer has to know beyond the summary; Markdown. */
  readonly description?: string;
  /** Who may call it. Without a rule nobody may. */
  readonly access: AccessRule;
  /** The answer's schema by status; the first status is the usual one. `null` for an answer without a body. */
  readonly responses: Readonly<Record<number, z.ZodType | null>>;
  /** What the answer tells in headers: the version that `If-Match` may name, and where what was made is found. */
  readonly headers?: readonly (keyof typeof ANSWER_HEADERS)[];
  /** What the answer is where it is not JSON; the endpoint writes it, and its schema is for readers. */
  readonly mediaType?: 'text/event-stream';
  /** The errors of the use case. Those of the edge (401, 403, 400, 429, …) follow from the other options. */
  readonly errors?: readonly ErrorDefinition[];
  /** What the problems of some of these errors hold beside what every problem does. */
  readonly problemMembers?: ProblemMembers;
  /** Whether an `Idempotency-Key` is needed, or honoured when it is there. */
  readonly idempotencyKey?: 'required' | 'optional';
  /** Whether `If-Match` must name the version to change. */
  readonly ifMatch?: boolean;
  /** The stricter limit of calls that guess passwords, or the wider one of gateways that report. */
  readonly rateLimit?: 'login' | 'webhook';
}

const ANSWER_HEADERS = {
  ETag: {
    description: 'The version, for `If-Match` and `If-None-Match`.',
    schema: { type: 'string' as const },
    example: '"1"',
  },
  Location: { description: 'The address of what was made.', schema: { type: 'string' as const } },
};

/** What keeps the answers of callers apart whom nothing else keeps apart. */
const KEYS_OF_NOBODY =
  'Who is not logged in chooses a random one: whoever knows it and their e-mail address gets the answer of their call.';

/** Everything about an endpoint but its address: access, documentation, status, compiled serializers. */
export function Endpoint(options: EndpointOptions): MethodDecorator {
  const statuses = Object.keys(options.responses).map(Number);
  const usual = statuses[0] ?? 200;
  const decorators: (MethodDecorator | ClassDecorator)[] = [
    Access(options.access),
    HttpCode(usual),
    ApiOperation({
      summary: options.summary,
      description: [options.description, whoMay(options.access)].filter(Boolean).join('\n\n'),
      // Knowing who calls is welcome and not needed.
      ...(opensTo(options.access) === 'anyone' ? { security: [{}, { bearer: [] }] } : {}),
    }),
    ...statuses.map((status) => describeResponse(status, options)),
    ...Object.entries(problemResponses(errorsOf(options), options.problemMembers)).map(([status, response]) =>
      ApiResponse({ status: Number(status), ...response }),
    ),
    RouteSchema({ response: options.mediaType ? {} : serializers(options.responses) }),
  ];
  if (opensTo(options.access) === 'somebody') decorators.push(ApiBearerAuth());
  if (isForAdmins(options.access)) decorators.push(AddRouteConfig({ isForAdmins: true }));
  if (options.mediaType) decorators.push(ApiProduces(options.mediaType));
  if (options.rateLimit) decorators.push(AddRouteConfig({ rateLimit: options.rateLimit }));
  if (options.idempotencyKey) {
    decorators.push(
      ApiHeader({
        name: 'Idempotency-Key',
        required: options.idempotencyKey === 'required',
        description: [
          'A key of your choice, such as a UUID, that makes a retry safe: at most 255 characters.',
          ...(opensTo(options.access) === 'somebody' ? [] : [KEYS_OF_NOBODY]),
        ].join(' '),
        schema: { type: 'string', maxLength: 257 },
        example: '0b6f6d0e-5b0a-4d0c-9a53-2f3b0a3b9b61',
      }),
    );
  }
  if (options.ifMatch) {
    decorators.push(
      ApiHeader({
        name: 'If-Match',
        required: true,
        description: 'The ETag of the version to change, several of them, or `*` for whichever it is.',
        example: '"1"',
      }),
    );
  }
  return applyDecorators(...decorators);
}

/** The `Idempotency-Key` header, unquoted. Refuses the call without one. */
export const IdempotencyKey = createParamDecorator((_: unknown, context: ExecutionContext): string => {
  const key = readIdempotencyKey(context);
  if (key === undefined) throw new DomainError(idempotencyErrors.idempotency_key_required);
  return key;
});

/** The `Idempotency-Key` header, unquoted, where there is one. */
export const OptionalIdempotencyKey = createParamDecorator((_: unknown, context: ExecutionContext) =>
  readIdempotencyKey(context),
);

function readIdempotencyKey(context: ExecutionContext): string | undefined {
  const header = context.switchToHttp().getRequest<FastifyRequest>().headers['idempotency-key'];
  if (header === undefined) return undefined;
  const bare = String(header).trim();
  const key = /^".*"$/.test(bare) ? bare.slice(1, -1) : bare;
  if (!/^[\x20-\x7e]{1,255}$/.test(key)) {
    const detail = 'Must be 1 to 255 printable ASCII characters.';
    throw new DomainError(idempotencyErrors.idempotency_key_invalid, {
      errors: [{ pointer: 'header:/Idempotency-Key', code: 'invalid_format', detail }],
    });
  }
  return key;
}

/** Whether a call needs no token at all, may have one, or needs one. */
function opensTo(access: AccessRule): 'everybody' | 'anyone' | 'somebody' {
  if (access === 'public') return 'everybody';
  return grantOf(access).own === 'anyone' ? 'anyone' : 'somebody';
}

/** What the policy says of a route, for its documentation. */
function whoMay(access: AccessRule): string | undefined {
  if (access === 'public') return undefined;
  const { own, all, scope } = grantOf(access);
  const persons = [
    own === 'anyone' ? 'anyone, on what is theirs' : '',
    own === 'customer' ? 'whoever is logged in, on what is theirs' : '',
    all === undefined ? '' : `${all} and above`,
    scope ? `keys with the scope \`${access}\`` : '',
  ];
  return `For ${persons.filter((text) => text !== '').join('; ')}.`;
}

function describeResponse(status: number, { responses, headers = [] }: EndpointOptions): MethodDecorator {
  const schema = responses[status] ?? null;
  const description = schema?.meta()?.description ?? (schema ? 'Done.' : 'Done; the answer has no body.');
  // What is accepted for later is no version of anything yet.
  const told = status === 202 ? {} : Object.fromEntries(headers.map((name) => [name, ANSWER_HEADERS[name]]));
  return ApiResponse({ status, description, headers: told, ...(schema ? { standardSchema: schema } : {}) });
}

function serializers(responses: EndpointOptions['responses']): Record<number, object> {
  return Object.fromEntries(
    Object.entries(responses).flatMap(([status, schema]) =>
      schema ? [[status, toSerializerSchema(schema)]] : [],
    ),
  );
}

function errorsOf(options: EndpointOptions): ErrorDefinition[] {
  const errors: ErrorDefinition[] = [httpErrors.validation_failed, securityErrors.rate_limited];
  if (options.access !== 'public') {
    const { invalid_token, forbidden, identity_email_unverified, identity_email_taken } = securityErrors;
    errors.push(invalid_token, forbidden, identity_email_unverified, identity_email_taken);
    if (opensTo(options.access) === 'somebody') errors.push(securityErrors.authentication_required);
    if (grantOf(options.access).stepUp) errors.push(securityErrors.insufficient_aal);
  }
  if (options.idempotencyKey) {
    const { idempotency_key_required, ...withKey } = idempotencyErrors;
    errors.push(...(options.idempotencyKey === 'required' ? [idempotency_key_required] : []));
    errors.push(...Object.values(withKey));
  }
  if (options.ifMatch) errors.push(httpErrors.if_match_required, httpErrors.stale_etag);
  const { internal_error, service_unavailable, deadline_exceeded } = httpErrors;
  return [...errors, ...(options.errors ?? []), internal_error, service_unavailable, deadline_exceeded];
}
