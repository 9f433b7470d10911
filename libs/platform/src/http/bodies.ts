import type { Readable } from 'node:stream';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { DomainError } from '#kernel';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { httpErrors } from './http.errors.js';
import { AddRouteConfig } from './route-config.js';

/**
 * Largest body, but for files. The largest that means something, an order with every line and all of its metadata
 * written in escapes, has about this size, and the process holds as many as there are calls.
 */
export const MAX_BODY_BYTES = 262_144;
const FIRST_BYTES = 4_096;

/** Marks a route that needs its body as it came, byte for byte, because something was signed. It is not parsed. */
export const KeepsRawBody = () => AddRouteConfig({ keepsRawBody: true });

/** The body of a request as it came, on a route that keeps it. */
export const RawBody = createParamDecorator((_: unknown, context: ExecutionContext): Buffer => {
  const { body } = context.switchToHttp().getRequest<FastifyRequest>();
  // Whoever sends nothing says no content type, and is not asked for one.
  if (body === undefined || body === null) return Buffer.alloc(0);
  if (!Buffer.isBuffer(body)) throw new Error('The body was not kept: the route lacks KeepsRawBody().');
  return body;
});

/** Has JSON read by us, and refuses other bodies: Fastify keeps each piece of a body as it comes, however small. */
export function takeJsonBodies(fastify: FastifyInstance): void {
  fastify.removeContentTypeParser(['application/json', 'text/plain']);
  const parseJson = fastify.getDefaultJsonParser('error', 'error');
  fastify.addContentTypeParser('application/json', (request, payload, done) => {
    const { keepsRawBody } = request.routeOptions.config as { keepsRawBody?: boolean };
    const declaredBytes = Number(request.headers['content-length']);
    if (declaredBytes > MAX_BODY_BYTES) {
      done(new DomainError(httpErrors.body_too_large));
      return;
    }
    void readAll(payload, declaredBytes).then((body) => {
      if (keepsRawBody) done(null, body);
      else void parseJson(request, body.toString(), done);
    }, done);
  });
}

/**
 * Reads a body into one piece of memory: one that comes byte by byte would take hundreds for each as it came.
 *
 * @param declaredBytes how long it says that it is; NaN where it does not say. Small ones share the pool of Node's buffers.
 */
function readAll(payload: Readable, declaredBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let memory = Buffer.allocUnsafe(Math.min(declaredBytes || FIRST_BYTES, FIRST_BYTES));
    let size = 0;
    const take = (chunk: Buffer) => {
      const needed = size + chunk.length;
      if (needed > MAX_BODY_BYTES) {
        payload.off('data', take);
        reject(new DomainError(httpErrors.body_too_large));
        return;
      }
      if (needed > memory.length) {
        const larger = Buffer.allocUnsafe(Math.min(MAX_BODY_BYTES, Math.max(needed, 2 * memory.length)));
        memory.copy(larger, 0, 0, size);
        memory = larger;
      }
      chunk.copy(memory, size);
      size = needed;
    };
    payload.on('data', take);
    payload.once('end', () => resolve(memory.subarray(0, size)));
    payload.on('error', (cause) => reject(new DomainError(httpErrors.malformed_request, { cause })));
  });
}
