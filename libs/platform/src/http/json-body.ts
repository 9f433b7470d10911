import type { FastifyInstance } from 'fastify';

/**
 * Takes bodies of JSON. One without a byte counts as none: clients name the type with every call, body or not, and
 * what a route needs of a body its schema asks for.
 */
export function acceptJson(fastify: FastifyInstance): void {
  const parse = fastify.getDefaultJsonParser('error', 'error');
  fastify.removeContentTypeParser('application/json');
  fastify.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void parse(request, body, done);
  });
}
