import type { FastifyRequest } from 'fastify';

/** The token in `Authorization: Bearer`; undefined where the header is another, or none. */
export function bearerToken({ headers }: FastifyRequest): string | undefined {
  const [, token] = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '') ?? [];
  return token;
}
