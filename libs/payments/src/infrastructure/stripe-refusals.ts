import Stripe from 'stripe';
import type { GatewayOutcome } from '../domain/payment-gateway.js';
import { OutcomeUnknown } from './outcome-unknown.js';

/** An outcome of which it is certain that no money moved, and none will. */
export type CertainRefusal = Exclude<GatewayOutcome, { readonly result: 'succeeded' }>;

/** What Stripe says when the bank wants to see the shopper; `error_on_requires_action` makes it a decline. */
const ACTION_CODES = new Set(['authentication_required', 'authentication_not_handled']);

/**
 * Codes of requests that were refused for the state of our account, of our key or of Stripe, not for what they ask.
 * Sent again when that has changed, the same request may well have its effect.
 */
const PASSING_CODES = new Set([
  'account_closed',
  'account_invalid',
  'api_key_expired',
  'idempotency_key_in_use',
  'livemode_mismatch',
  'lock_timeout',
  'payment_method_provider_timeout',
  'platform_account_required',
  'platform_api_key_expired',
  'rate_limit',
  'secret_key_required',
  'testmode_charges_only',
]);

/**
 * What is certain when Stripe answers with an error; undefined when nothing is. The table of StripeGateway says why.
 *
 * The SDK judges an answer by its HTTP status alone. So may a proxy speak that stands in between: only an answer with
 * Stripe's request id and its type of error counts.
 */
export function certainRefusal(error: unknown): CertainRefusal | undefined {
  if (!(error instanceof Stripe.errors.StripeError) || error.requestId === undefined) return undefined;
  const { statusCode, rawType, code = '', decline_code: declineCode = '' } = error;
  if (statusCode === 402 && rawType === 'card_error') return failedAttempt(code, declineCode);
  if (rawType !== 'invalid_request_error' || PASSING_CODES.has(code)) return undefined;
  if (code === 'resource_missing') {
    // Without the payment itself we look into the wrong account, and what it says is about something else.
    return error.param === 'payment_method' ? { result: 'failed', declineCode: code } : undefined;
  }
  return statusCode === 400 ? { result: 'failed', declineCode: code || 'invalid_request' } : undefined;
}

/** What an attempt came to that the bank has not agreed to. */
export function failedAttempt(code: string, declineCode: string): CertainRefusal {
  if (ACTION_CODES.has(code) || ACTION_CODES.has(declineCode)) return { result: 'requires_action' };
  return { result: 'declined', declineCode: declineCode || code || 'card_declined' };
}

/** A server error that Stripe keeps under the key: to send the request again brings the same, and nothing else. */
export function isKeptServerError(error: unknown): boolean {
  return (
    error instanceof Stripe.errors.StripeError &&
    (error.statusCode ?? 0) >= 500 &&
    error.headers?.['idempotent-replayed'] === 'true'
  );
}

/** The key was first used for something else, which Stripe has received. */
export function isKeyTaken(error: unknown): boolean {
  return (
    error instanceof Stripe.errors.StripeError &&
    error.requestId !== undefined &&
    error.rawType === 'idempotency_error' &&
    error.code !== 'idempotency_key_in_use'
  );
}

/** What went wrong, without what Stripe's errors hold that must not be logged. Other errors stay as they are. */
export function unknownBecause(error: unknown): unknown {
  if (!(error instanceof Stripe.errors.StripeError)) return error;
  const { statusCode, code, requestId, rawType } = error;
  if (statusCode === undefined) {
    const reason = connectionErrorCode(error);
    return new OutcomeUnknown(`Stripe has not answered (${reason ?? error.type}).`, {
      code: reason,
      requestId,
    });
  }
  const answer = `${statusCode} ${rawType ?? ''}`.trim();
  return new OutcomeUnknown(`Stripe answered ${answer}, which says nothing certain.`, {
    statusCode,
    code,
    requestId,
  });
}

/** The code of the system call that failed is somewhere down the chain. */
function connectionErrorCode(error: unknown): string | undefined {
  let current = error as { code?: unknown; detail?: unknown; cause?: unknown } | undefined;
  for (let depth = 0; depth < 5 && current; depth += 1) {
    if (typeof current.code === 'string') return current.code;
    current = (current.detail ?? current.cause) as typeof current;
  }
  return undefined;
}
