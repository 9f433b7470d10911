import { newId } from '#kernel';
import type { ServerResponse } from 'node:http';
import { OutcomeUnknown } from '../../libs/payments/src/infrastructure/outcome-unknown.js';
import { StripeGateway } from '../../libs/payments/src/infrastructure/stripe-gateway.js';
import { type CannedAnswer, type CannedServer, startCannedServer } from '../support/canned-server.js';

/** What Stripe never, or hardly ever, answers, and what may stand between it and us. */
let server: CannedServer;
let gateway: StripeGateway;
const operationId = newId();

beforeAll(async () => {
  server = await startCannedServer();
  gateway = new StripeGateway({ apiKey: 'sk_test_canned', apiBase: server.url });
});
beforeEach(() => server.requests.splice(0));
afterAll(() => server.close());

const FROM_STRIPE = { 'request-id': 'req_1' };
const authorization = {
  operationId,
  amount: 1_000,
  currency: 'GBP',
  method: 'pm_card_visa',
  captureNow: false,
  get signal() {
    return AbortSignal.timeout(5_000);
  },
};
const INTENT = {
  id: 'pi_1',
  object: 'payment_intent',
  amount: 1_000,
  amount_capturable: 1_000,
  amount_received: 0,
  currency: 'gbp',
  last_payment_error: null,
  latest_charge: 'ch_1',
  metadata: { operation_id: operationId },
  status: 'requires_capture',
};
const REFUND = {
  id: 're_1',
  object: 'refund',
  amount: 1_000,
  currency: 'gbp',
  metadata: { operation_id: operationId },
  payment_intent: 'pi_1',
  status: 'succeeded',
};
const intent = (different: object): CannedAnswer => ({
  status: 200,
  headers: FROM_STRIPE,
  body: { ...INTENT, ...different },
});
const refused = (
  status: number,
  error: object,
  headers: Record<string, string> = FROM_STRIPE,
): CannedAnswer => ({
  status,
  headers,
  body: { error: { message: 'No.', ...error } },
});
const cut = (response: ServerResponse): void => {
  response.writeHead(200, { ...FROM_STRIPE, 'content-type': 'application/json', 'content-length': '500' });
  response.write('{"id":"pi_1",', () => response.destroy());
};
const reset = (response: ServerResponse): void => {
  response.socket?.resetAndDestroy();
};

async function authorize(...answers: CannedAnswer[]): Promise<unknown> {
  server.answers = answers;
  return gateway.authorize(authorization).catch((error: unknown) => error);
}

describe('an authorization is known', () => {
  it.each<[string, object, object]>([
    ['authorized', {}, { result: 'succeeded', gatewayId: 'pi_1' }],
    [
      'declined',
      {
        status: 'requires_payment_method',
        last_payment_error: { code: 'card_declined', decline_code: 'lost_card' },
      },
      { result: 'declined', declineCode: 'lost_card' },
    ],
    [
      'in need of the shopper',
      { status: 'requires_payment_method', last_payment_error: { code: 'authentication_required' } },
      { result: 'requires_action' },
    ],
    ['canceled', { status: 'canceled', amount_capturable: 0 }, { result: 'failed', declineCode: 'canceled' }],
  ])('to be %s', async (_, different, outcome) => {
    expect(await authorize(intent(different))).toEqual(outcome);
    expect(server.requests).toEqual(['POST /v1/payment_intents']);
  });

  it('once it is no longer under way', async () => {
    const outcome = await authorize(intent({ status: 'processing' }), intent({}));
    expect(outcome).toEqual({ result: 'succeeded', gatewayId: 'pi_1' });
    expect(server.requests).toEqual([
      'POST /v1/payment_intents',
      'GET /v1/payment_intents/pi_1?expand[0]=latest_charge',
    ]);
  });
});

describe('nobody knows what became of an authorization', () => {
  it.each<[string, CannedAnswer]>([
    ['that is under way', intent({ status: 'processing' })],
    ['that a shopper may still complete', intent({ status: 'requires_action' })],
    ['that was never tried', intent({ status: 'requires_payment_method' })],
    ['that waits to be confirmed', intent({ status: 'requires_confirmation' })],
    ['that is canceled after money was taken', intent({ status: 'canceled', amount_received: 1 })],
    ['that was captured unasked', intent({ status: 'succeeded', amount_received: 1_000 })],
    ['that holds less', intent({ amount_capturable: 999 })],
    ['of another amount', intent({ amount: 999 })],
    ['in another currency', intent({ currency: 'eur' })],
    ['of another operation', intent({ metadata: { operation_id: newId() } })],
    ['of no operation', intent({ metadata: {} })],
    ['that is no payment', intent({ object: 'charge' })],
    ['of a status that is new', intent({ status: 'requires_patience' })],
    ['after an answer that is cut off', cut],
    ['after a connection that breaks', reset],
    ['after a proxy’s page', { status: 200, body: '<html>Welcome</html>' }],
    ['after a proxy’s error page', { status: 502, body: '<html>Bad gateway</html>' }],
    ['after a proxy’s JSON', { status: 502, body: { message: 'Bad gateway' } }],
    ['after a proxy’s one-word error', { status: 400, body: { error: 'invalid_request' } }],
    ['after a proxy’s refusal', refused(400, { type: 'invalid_request_error' }, {})],
    ['after a proxy’s decline', refused(402, { type: 'card_error', code: 'card_declined' }, {})],
    ['after nothing', { status: 204 }],
    ['after an empty object', { status: 200, body: {}, headers: FROM_STRIPE }],
    ['after null', { status: 200, body: null, headers: FROM_STRIPE }],
    ['after a redirect', { status: 307, headers: { location: '/v1/payment_intents' } }],
    ['after 401', refused(401, { type: 'invalid_request_error' })],
    ['after 403', refused(403, { type: 'invalid_request_error' })],
    ['after 409', refused(409, { type: 'idempotency_error', code: 'idempotency_key_in_use' })],
    ['after 429', refused(429, { type: 'invalid_request_error', code: 'rate_limit' })],
    ['after a key used for something else', refused(400, { type: 'idempotency_error' })],
    ['after 500', refused(500, { type: 'api_error' })],
    [
      'after 503 that asks to be tried again',
      refused(503, { type: 'api_error' }, { ...FROM_STRIPE, 'stripe-should-retry': 'true' }),
    ],
  ])('%s', async (_, answer) => {
    expect(await authorize(answer)).toBeInstanceOf(Error);
    const posts = server.requests.filter((request) => request.startsWith('POST'));
    expect(posts).toHaveLength(1);
  });

  it('when nobody listens', async () => {
    const nowhere = new StripeGateway({ apiKey: 'sk_test_1', apiBase: 'http://127.0.0.1:9' });
    await expect(nowhere.authorize(authorization)).rejects.toThrow(OutcomeUnknown);
  });
});

describe('what is thrown', () => {
  it('holds no secret that Stripe has sent', async () => {
    const body = { client_secret: 'pi_1_secret_2', payment_method: { card: { last4: '4242' } } };
    const error = await authorize(refused(500, { type: 'api_error', payment_intent: body }));
    expect(error).toBeInstanceOf(OutcomeUnknown);
    expect(error).toMatchObject({ statusCode: 500, requestId: 'req_1' });
    expect(JSON.stringify(error)).not.toMatch(/secret|4242/);
  });
});

describe('nobody knows what became of a refund', () => {
  it.each<[string, object]>([
    ['that is pending', { status: 'pending' }],
    ['that the shopper has to take', { status: 'requires_action' }],
    ['without a status', { status: null }],
    ['of another amount', { amount: 1 }],
    ['of another payment', { payment_intent: 'pi_2' }],
    ['of another operation', { metadata: null }],
    ['that is no refund', { object: 'charge' }],
  ])('%s', async (_, different) => {
    server.answers = [{ status: 200, headers: FROM_STRIPE, body: { ...REFUND, ...different } }];
    await expect(gateway.refund({ ...authorization, gatewayPaymentId: 'pi_1' })).rejects.toThrow(
      OutcomeUnknown,
    );
  });
});

describe('a refund is known to have failed', () => {
  it.each<[string, object, string]>([
    [
      'for a reason',
      { status: 'failed', failure_reason: 'expired_or_canceled_card' },
      'expired_or_canceled_card',
    ],
    ['for none', { status: 'failed' }, 'failed'],
    ['when it was canceled', { status: 'canceled' }, 'canceled'],
  ])('%s', async (_, different, declineCode) => {
    server.answers = [{ status: 200, headers: FROM_STRIPE, body: { ...REFUND, ...different } }];
    const outcome = await gateway.refund({ ...authorization, gatewayPaymentId: 'pi_1' });
    expect(outcome).toEqual({ result: 'failed', declineCode, gatewayId: 're_1' });
  });

  it('unless Stripe lists it all the same', async () => {
    server.answers = [
      refused(400, { type: 'invalid_request_error', code: 'charge_already_refunded' }),
      {
        status: 200,
        headers: FROM_STRIPE,
        body: { object: 'list', data: [REFUND], has_more: false, url: '/v1/refunds' },
      },
    ];
    const outcome = await gateway.refund({ ...authorization, gatewayPaymentId: 'pi_1' });
    expect(outcome).toEqual({ result: 'succeeded', gatewayId: 're_1' });
  });
});

describe('nobody knows what became of a follow-up', () => {
  it.each(['capture', 'void'] as const)('%s, when the payment is another one', async (kind) => {
    server.answers = [intent({ id: 'pi_2' })];
    await expect(gateway[kind]({ ...authorization, gatewayPaymentId: 'pi_1' })).rejects.toThrow(
      OutcomeUnknown,
    );
    expect(server.requests.every((request) => request.startsWith('GET'))).toBe(true);
  });

  it.each([
    ['for less than it should', '1000', 999],
    ['for another amount', '999', 1_000],
  ])('that was captured %s', async (_, noted, received) => {
    const metadata = { [`capture_${operationId.replaceAll('-', '')}`]: noted };
    server.answers = [intent({ status: 'succeeded', amount_received: received, metadata })];
    await expect(gateway.capture({ ...authorization, gatewayPaymentId: 'pi_1' })).rejects.toThrow(
      OutcomeUnknown,
    );
  });
});
