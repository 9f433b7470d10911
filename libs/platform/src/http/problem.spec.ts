import {
  BadRequestException,
  ForbiddenException,
  InternalServerErrorException,
  NotFoundException,
  ServiceUnavailableException,
} from '@nestjs/common';
import { DomainError, type ErrorKind } from '#kernel';
import { httpErrors } from './http.errors.js';
import { problemSchema, STATUS_OF_KIND, toDomainError, toProblem } from './problem.js';

describe('the status of each kind of error', () => {
  it.each<[ErrorKind, number]>([
    ['invalid', 400],
    ['unauthenticated', 401],
    ['payment_required', 402],
    ['forbidden', 403],
    ['not_found', 404],
    ['method_not_allowed', 405],
    ['conflict', 409],
    ['precondition_failed', 412],
    ['payload_too_large', 413],
    ['unsupported_media_type', 415],
    ['unprocessable', 422],
    ['precondition_required', 428],
    ['too_many_requests', 429],
    ['internal', 500],
    ['unavailable', 503],
    ['deadline_exceeded', 504],
  ])('%s is %d', (kind, status) => {
    expect(STATUS_OF_KIND[kind]).toBe(status);
  });

  it('is one of its own', () => {
    const statuses = Object.values(STATUS_OF_KIND);
    expect(new Set(statuses).size).toBe(statuses.length);
  });
});

describe('a problem document', () => {
  const definition = {
    code: 'insufficient_stock',
    kind: 'conflict',
    title: 'There is not enough stock',
  } as const;

  it('says what happened, where, and under which code', () => {
    const error = new DomainError(definition, { detail: 'Two mugs are left.' });
    expect(toProblem(error, '/api/v1/orders', 'request-1')).toEqual({
      type: '/docs/errors#insufficient_stock',
      title: 'There is not enough stock',
      status: 409,
      detail: 'Two mugs are left.',
      instance: '/api/v1/orders',
      code: 'insufficient_stock',
      requestId: 'request-1',
    });
  });

  it('lists the problems of the request, where there are any', () => {
    const errors = [{ pointer: '/lines/0', code: 'required', detail: 'It is missing.' }];
    expect(toProblem(new DomainError(definition, { errors }), '/', 'r')).toMatchObject({ errors });
    expect(toProblem(new DomainError(definition), '/', 'r')).not.toHaveProperty('errors');
  });

  it('carries what else the error has to tell', () => {
    const error = new DomainError(definition, { extensions: { available: { mug: 2 } } });
    expect(toProblem(error, '/', 'r')).toMatchObject({ code: 'insufficient_stock', available: { mug: 2 } });
  });

  it('lets nothing else take the place of a member that every problem has', () => {
    const extensions = { type: 'x', title: 'x', status: 'shipped', detail: 'x', instance: 'x', code: 'x' };
    const errors = [{ pointer: '/lines/0', code: 'required', detail: 'It is missing.' }];
    const plain = toProblem(new DomainError(definition, { errors }), '/', 'r');
    const error = new DomainError(definition, {
      errors,
      extensions: { ...extensions, requestId: 'x', errors: 'x' },
    });
    expect(toProblem(error, '/', 'r')).toEqual(plain);
  });

  it('never shows the cause', () => {
    const error = new DomainError(definition, { cause: new Error('password=hunter2') });
    expect(JSON.stringify(toProblem(error, '/', 'r'))).not.toContain('hunter2');
  });

  it('is what the API documents', () => {
    const errors = [{ pointer: '', code: 'required', detail: 'It is missing.' }];
    const problem = toProblem(new DomainError(definition, { errors, extensions: { a: 1 } }), '/', 'r');
    expect(problemSchema.parse(problem)).toEqual(problem);
  });
});

describe('what was thrown means to the caller', () => {
  const withCode = (code: string, statusCode?: number) =>
    Object.assign(new Error(code), { code, statusCode });

  it('an error of the domain: itself', () => {
    const error = new DomainError(httpErrors.stale_etag);
    expect(toDomainError(error)).toBe(error);
  });

  it.each([
    ['a body that is not JSON', withCode('FST_ERR_CTP_INVALID_JSON_BODY', 400), 'malformed_json'],
    ['an empty body that says it is JSON', withCode('FST_ERR_CTP_EMPTY_JSON_BODY', 400), 'malformed_json'],
    ['a body that is too large', withCode('FST_ERR_CTP_BODY_TOO_LARGE', 413), 'body_too_large'],
    ['an upload that is too large', withCode('FST_REQ_FILE_TOO_LARGE', 413), 'body_too_large'],
    ['another content type', withCode('FST_ERR_CTP_INVALID_MEDIA_TYPE', 415), 'unsupported_media_type'],
    ['a wrong content length', withCode('FST_ERR_CTP_INVALID_CONTENT_LENGTH', 400), 'malformed_request'],
    ['an address that no route answers', new NotFoundException(), 'route_not_found'],
    ['a refusal of Fastify that has no code here', withCode('FST_ERR_SOMETHING', 400), 'malformed_request'],
    ['a refusal of the framework', new BadRequestException('x'), 'malformed_request'],
    ['a status of 413 alone', { statusCode: 413 }, 'body_too_large'],
    ['a status of 415 alone', { statusCode: 415 }, 'unsupported_media_type'],
    ['a server that is about to stop', withCode('FST_ERR_REOPENED', 503), 'service_unavailable'],
    ['a service that is not there', new ServiceUnavailableException(), 'service_unavailable'],
    ['a defect', new TypeError('x is not a function'), 'internal_error'],
    ['an error of the database', withCode('23505'), 'internal_error'],
    ['an error of the framework', new InternalServerErrorException(), 'internal_error'],
    ['a status that is none', { statusCode: 200 }, 'internal_error'],
    ['a status that is text', { statusCode: '404' }, 'internal_error'],
    ['text', 'oops', 'internal_error'],
    ['a number', 42, 'internal_error'],
    ['null', null, 'internal_error'],
    ['nothing at all', undefined, 'internal_error'],
  ])('%s', (_, thrown, code) => {
    const error = toDomainError(thrown);
    expect(error.code).toBe(code);
    expect(error.cause).toBe(thrown);
  });

  it.each([
    '57014',
    '57P01',
    '57P03',
    '53300',
    '08006',
    'ECONNREFUSED',
    'ECONNRESET',
    'ETIMEDOUT',
    'ENOTFOUND',
    'EAI_AGAIN',
  ])('a database that cannot answer now, by its code %s: come back soon', (code) => {
    const error = toDomainError(withCode(code));
    expect(error).toMatchObject({ code: 'service_unavailable', kind: 'unavailable' });
    expect(error.retryAfterSeconds).toBeGreaterThan(0);
  });

  it('nothing of a defect’s own words', () => {
    const error = toDomainError(new Error('password=hunter2'));
    expect(JSON.stringify(toProblem(error, '/', 'r'))).not.toContain('hunter2');
  });

  it('nothing of a refusal’s own words either, which may repeat what was sent', () => {
    const error = toDomainError(new ForbiddenException('password=hunter2'));
    expect(JSON.stringify(toProblem(error, '/', 'r'))).not.toContain('hunter2');
  });
});
