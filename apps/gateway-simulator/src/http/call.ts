import type { FastifyRequest } from 'fastify';
import { BEHAVIOUR_NAMES, type Call, GatewayRefusal, invalidRequest } from '#simulated-gateway';
import { canonicalForm } from './form.js';

/** Asks for a behaviour, for this one request. */
const BEHAVIOUR_HEADER = 'simulator-behaviour';
const LONGEST_KEY = 255;

/**
 * What a request brings beside its parameters.
 *
 * @param form what it sent, as text: the body of a POST
 * @throws GatewayRefusal when there is no API key, or a header makes no sense
 */
export function callOf({ headers, method, url }: FastifyRequest, form: string): Call {
  requireApiKey(headers.authorization);
  const key = headers['idempotency-key'];
  if (Array.isArray(key) || (key !== undefined && (key === '' || key.length > LONGEST_KEY))) {
    throw invalidRequest(`The Idempotency-Key must be one text of 1 to ${LONGEST_KEY} characters.`);
  }
  const asked = headers[BEHAVIOUR_HEADER];
  if (asked !== undefined && !(BEHAVIOUR_NAMES as readonly unknown[]).includes(asked)) {
    throw invalidRequest(`${BEHAVIOUR_HEADER} must be one of ${BEHAVIOUR_NAMES.join(', ')}.`);
  }
  const [path = ''] = url.split('?');
  return {
    // As at Stripe, the key of a request that only reads means nothing.
    key: method === 'POST' ? key : undefined,
    fingerprint: `${method} ${path} ${canonicalForm(method === 'POST' ? form : (url.split('?')[1] ?? ''))}`,
    asked: asked as string | undefined,
  };
}

/** Any secret key will do: as a bearer token, or as the user name that curl sends. */
function requireApiKey(authorization = ''): void {
  const [scheme = '', value = ''] = authorization.split(' ');
  const key =
    scheme.toLowerCase() === 'basic' ? Buffer.from(value, 'base64').toString().split(':')[0] : value;
  if (key?.startsWith('sk_') || key?.startsWith('rk_')) return;
  throw new GatewayRefusal({
    status: 401,
    type: 'invalid_request_error',
    message: 'Send a secret key that begins with sk_ or rk_, as in Authorization: Bearer sk_test_1.',
  });
}
