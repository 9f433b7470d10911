import { Readable } from 'node:stream';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { DomainError } from '#kernel';
import type { FastifyRequest, preParsingHookHandler } from 'fastify';
import { httpErrors } from './http.errors.js';
import { AddRouteConfig } from './route-config.js';

/** Marks a route that needs its body as it came, byte for byte, because something was signed. */
export const KeepsRawBody = () => AddRouteConfig({ keepsRawBody: true });

const rawBodies = new WeakMap<FastifyRequest, Buffer>();

/** The body of a request as it came, on a route that keeps it. */
export const RawBody = createParamDecorator((_: unknown, context: ExecutionContext): Buffer => {
  const body = rawBodies.get(context.switchToHttp().getRequest<FastifyRequest>());
  if (!body) throw new Error('The body was not kept: the route lacks KeepsRawBody().');
  return body;
});

/** Keeps the body of the routes that ask for it, up to `limitBytes`, before it is parsed. */
export function keepRawBodies(limitBytes: number): preParsingHookHandler {
  return (request, _reply, payload, done) => {
    const { keepsRawBody } = request.routeOptions.config as { keepsRawBody?: boolean };
    if (!keepsRawBody) return done(null, payload);
    void readAll(payload, limitBytes).then(
      (body) => {
        rawBodies.set(request, body);
        done(null, Readable.from([body]));
      },
      (error: unknown) => done(error as Error),
    );
  };
}

async function readAll(payload: AsyncIterable<unknown>, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of payload as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > limitBytes) throw new DomainError(httpErrors.body_too_large);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
