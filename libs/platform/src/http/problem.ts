import { DomainError, type ErrorKind } from '#kernel';
import { z } from 'zod';
import { isUnavailable } from '../database/index.js';
import { httpErrors } from './http.errors.js';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';
export const PROBLEM_CONTENT_TYPE = `${PROBLEM_MEDIA_TYPE}; charset=utf-8`;

/** The one place where a kind of error becomes an HTTP status. */
export const STATUS_OF_KIND: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  payment_required: 402,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  gone: 410,
  precondition_failed: 412,
  payload_too_large: 413,
  unsupported_media_type: 415,
  unprocessable: 422,
  precondition_required: 428,
  too_many_requests: 429,
  internal: 500,
  unavailable: 503,
  deadline_exceeded: 504,
};

/** RFC 9457 problem details, with the members that every error of this API adds. */
export const problemSchema = z
  .looseObject({
    type: z.string().meta({ description: 'Address of the page that explains the code.' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string().meta({ description: 'Path of the request.' }),
    code: z.string().meta({ description: 'Stable; branch on this one.' }),
    requestId: z.string(),
    errors: z
      .array(
        z.looseObject({
          pointer: z.string().meta({
            description:
              'JSON pointer into the body; into another part of the request with that part in front: `query:/limit`, ' +
              '`param:/id`, `header:/If-Match`.',
          }),
          code: z.string().meta({
            description: 'Stable: a field code, or the code of an error, of which /docs/errors has a list.',
          }),
          detail: z.string(),
        }),
      )
      .optional()
      .meta({ description: 'Every problem of the request at once.' }),
  })
  .meta({
    id: 'Problem',
    description: 'An error, as RFC 9457 describes it.',
    example: {
      type: '/docs/errors#validation_failed',
      title: 'The request is not valid',
      status: 400,
      detail: 'The request is not valid',
      instance: '/api/v1/orders',
      code: 'validation_failed',
      requestId: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10',
      errors: [
        { pointer: '/lines/0/quantity', code: 'too_small', detail: 'Too small: expected number to be >=1' },
      ],
    },
  });

export type Problem = z.output<typeof problemSchema>;

/** Renders an error for a REST client. */
export function toProblem(error: DomainError, instance: string, requestId: string): Problem {
  return {
    ...error.extensions,
    type: `/docs/errors#${error.code}`,
    title: error.title,
    status: STATUS_OF_KIND[error.kind],
    detail: error.message,
    instance,
    code: error.code,
    requestId,
    ...(error.errors.length > 0 ? { errors: error.errors.map((problem) => ({ ...problem })) } : {}),
  };
}

/**
 * What a thrown value means to the caller. Fastify's own refusals are translated to our codes; whatever is left
 * unknown is a defect, of which the caller learns nothing but that it happened.
 */
export function toDomainError(thrown: unknown): DomainError {
  if (thrown instanceof DomainError) return thrown;
  const { code, statusCode, status } = (thrown ?? {}) as {
    code?: unknown;
    statusCode?: unknown;
    status?: unknown;
  };
  if (typeof code === 'string') {
    const known = BY_FASTIFY_CODE[code];
    if (known) return new DomainError(known, { cause: thrown });
  }
  if (isUnavailable(thrown)) {
    const retryAfterSeconds = UNAVAILABLE_RETRY_AFTER_SECONDS;
    return new DomainError(httpErrors.service_unavailable, { retryAfterSeconds, cause: thrown });
  }
  const httpStatus = statusCode ?? status;
  if (httpStatus === 404) return new DomainError(httpErrors.route_not_found, { cause: thrown });
  if (httpStatus === 413) return new DomainError(httpErrors.body_too_large, { cause: thrown });
  if (httpStatus === 415) return new DomainError(httpErrors.unsupported_media_type, { cause: thrown });
  if (httpStatus === 503) return new DomainError(httpErrors.service_unavailable, { cause: thrown });
  if (typeof httpStatus === 'number' && httpStatus >= 400 && httpStatus < 500) {
    return new DomainError(httpErrors.malformed_request, { cause: thrown });
  }
  return new DomainError(httpErrors.internal_error, { cause: thrown });
}

const UNAVAILABLE_RETRY_AFTER_SECONDS = 2;

const BY_FASTIFY_CODE: Readonly<Record<string, (typeof httpErrors)[keyof typeof httpErrors]>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: httpErrors.unsupported_media_type,
  FST_ERR_CTP_BODY_TOO_LARGE: httpErrors.body_too_large,
  FST_ERR_CTP_EMPTY_JSON_BODY: httpErrors.malformed_json,
  FST_ERR_CTP_INVALID_JSON_BODY: httpErrors.malformed_json,
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: httpErrors.malformed_request,
  FST_REQ_FILE_TOO_LARGE: httpErrors.body_too_large,
};
