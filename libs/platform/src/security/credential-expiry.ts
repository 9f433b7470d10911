import type { FastifyRequest } from 'fastify';
import { decodeJwt } from 'jose';
import { bearerToken } from './bearer-token.js';

/**
 * When the token of a request expires, in milliseconds since 1970; undefined where there is none that says so, such as
 * an API key. Of a request that was let in: the token is not verified here.
 */
export function credentialExpiryMs(request: FastifyRequest): number | undefined {
  const token = bearerToken(request);
  if (token?.split('.').length !== 3) return undefined;
  try {
    const { exp } = decodeJwt(token);
    return exp === undefined ? undefined : exp * 1_000;
  } catch {
    return undefined;
  }
}
