import Stripe from 'stripe';
import { OutcomeUnknown } from './outcome-unknown.js';
import { certainRefusal, isKeptServerError, unknownBecause } from './stripe-refusals.js';

/** An error as the SDK makes it of an answer. */
function answered(statusCode: number, error: object, headers: Record<string, string> = {}): unknown {
  const requestId = 'req_1';
  return Stripe.errors.StripeError.generate({
    message: 'No.',
    requestId,
    headers,
    statusCode,
    ...error,
  });
}

const cardError = (codes: object) => answered(402, { type: 'card_error', ...codes });
const invalid = (codes: object, statusCode = 400) =>
  answered(statusCode, { type: 'invalid_request_error', ...codes });

describe('it is certain that no money moved, and none will, after', () => {
  it.each<[string, unknown, object]>([
    [
      'a decline',
      cardError({ code: 'card_declined', decline_code: 'insufficient_funds' }),
      { result: 'declined', declineCode: 'insufficient_funds' },
    ],
    [
      'a decline by code',
      cardError({ code: 'expired_card' }),
      { result: 'declined', declineCode: 'expired_card' },
    ],
    ['a decline without any code', cardError({}), { result: 'declined', declineCode: 'card_declined' }],
    [
      'a bank that wants to see the shopper',
      cardError({ code: 'authentication_required' }),
      { result: 'requires_action' },
    ],
    [
      'a shopper who was not shown to the bank',
      cardError({ code: 'card_declined', decline_code: 'authentication_not_handled' }),
      { result: 'requires_action' },
    ],
    [
      'a request that makes no sense',
      invalid({ code: 'parameter_invalid_integer', param: 'amount' }),
      { result: 'failed', declineCode: 'parameter_invalid_integer' },
    ],
    [
      'a request that comes too late',
      invalid({ code: 'payment_intent_unexpected_state' }),
      { result: 'failed', declineCode: 'payment_intent_unexpected_state' },
    ],
    ['a refused request without a code', invalid({}), { result: 'failed', declineCode: 'invalid_request' }],
    [
      'a payment method that is not there',
      invalid({ code: 'resource_missing', param: 'payment_method' }),
      { result: 'failed', declineCode: 'resource_missing' },
    ],
    [
      'a payment method that is not found',
      invalid({ code: 'resource_missing', param: 'payment_method' }, 404),
      { result: 'failed', declineCode: 'resource_missing' },
    ],
  ])('%s', (_, error, outcome) => {
    expect(certainRefusal(error)).toEqual(outcome);
  });
});

describe('nothing is certain after', () => {
  it.each<[string, unknown]>([
    ['an answer to another account', invalid({ code: 'resource_missing', param: 'intent' }, 404)],
    ['a payment that is not found', invalid({ code: 'resource_missing', param: 'payment_intent' })],
    ['a URL that is not there', invalid({}, 404)],
    ['a key that was used for something else', answered(400, { type: 'idempotency_error' })],
    ['a key that is in use', answered(409, { type: 'idempotency_error', code: 'idempotency_key_in_use' })],
    ['an account that is closed', invalid({ code: 'account_closed' })],
    ['an API key that has expired', invalid({ code: 'api_key_expired' })],
    ['too many requests by code', invalid({ code: 'rate_limit' })],
    ['a lock that was not had', invalid({ code: 'lock_timeout' }, 429)],
    ['no API key', invalid({}, 401)],
    ['an API key that may not', invalid({}, 403)],
    ['too many requests', invalid({ code: 'rate_limit' }, 429)],
    ['an error of Stripe', answered(500, { type: 'api_error' })],
    ['an unavailable Stripe', answered(503, { type: 'api_error' })],
    ['a decline that is no card error', answered(402, { type: 'api_error' })],
    ['a proxy that refuses', answered(400, {})],
    ['a proxy that wants money', answered(402, {})],
    ['an answer without a request id', answered(402, { type: 'card_error', requestId: undefined })],
    ['a broken connection', new Stripe.errors.StripeConnectionError({ message: 'gone' })],
    ['anything else', new TypeError('fetch failed')],
    ['nothing', undefined],
  ])('%s', (_, error) => {
    expect(certainRefusal(error)).toBeUndefined();
  });
});

describe('a server error', () => {
  const replayed = { 'idempotent-replayed': 'true' };

  it.each<[string, unknown, boolean]>([
    ['that was kept', answered(500, { type: 'api_error' }, replayed), true],
    ['that is new', answered(500, { type: 'api_error' }), false],
    ['that is none', cardError({}), false],
    ['that is a decline, kept', answered(402, { type: 'card_error' }, replayed), false],
    ['that never arrived', new Error('gone'), false],
  ])('%s', (_, error, isKept) => {
    expect(isKeptServerError(error)).toBe(isKept);
  });
});

describe('what is logged', () => {
  it('names status, code and request, and nothing that Stripe sent beside', () => {
    const error = unknownBecause(
      answered(500, {
        type: 'api_error',
        code: 'oops',
        message: 'card 4242 of jane@example.com',
        payment_intent: { client_secret: 'pi_1_secret_2' },
      }),
    );
    expect(error).toBeInstanceOf(OutcomeUnknown);
    expect(error).toMatchObject({ statusCode: 500, code: 'oops', requestId: 'req_1' });
    expect(JSON.stringify([error, (error as Error).message, (error as Error).cause])).not.toMatch(
      /secret|4242|jane/,
    );
  });

  it('names why there was no answer', () => {
    const detail = new TypeError('fetch failed', {
      cause: Object.assign(new Error(), { code: 'ECONNRESET' }),
    });
    const error = unknownBecause(new Stripe.errors.StripeConnectionError({ message: 'gone', detail }));
    expect(error).toMatchObject({ message: 'Stripe has not answered (ECONNRESET).', code: 'ECONNRESET' });
  });

  it('leaves defects of ours as they are', () => {
    const defect = new TypeError('undefined is not a function');
    expect(unknownBecause(defect)).toBe(defect);
  });
});
