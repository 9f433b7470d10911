import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { newId } from '#kernel';
import { StripeGateway } from '../../libs/payments/src/infrastructure/stripe-gateway.js';

/**
 * stripe-mock is Stripe's own server: it checks requests against the OpenAPI document of Stripe's API, and answers
 * with fixtures that know nothing of what was asked before. So what is looked at is that it accepts every request;
 * what the answers mean is for the simulator to show.
 */
const STRIPE_MOCK_URL = process.env['STRIPE_MOCK_URL'];
const whereThereIsOne = STRIPE_MOCK_URL === undefined ? describe.skip : describe;
if (STRIPE_MOCK_URL === undefined) {
  process.stderr.write(
    'Skipped: STRIPE_MOCK_URL names no stripe-mock to check the requests to Stripe against.\n',
  );
}

interface Exchange {
  readonly request: string;
  readonly form: string;
  readonly key: string | undefined;
  readonly status: number;
  readonly answer: string;
}

let proxy: Server;
let gateway: StripeGateway;
/** Put over what is read of a payment: stripe-mock knows of none that was captured in part. */
let overPayment: object;
const exchanges: Exchange[] = [];

/** Passes every request on to stripe-mock, and remembers it with its answer. */
function startProxy(): Server {
  return createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const form = Buffer.concat(chunks).toString();
      const { authorization = '', 'idempotency-key': key } = request.headers;
      const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded' };
      const { method = '', url = '' } = request;
      void fetch(new URL(url, STRIPE_MOCK_URL), { method, headers, ...(form && { body: form }) })
        .then(async (upstream) => {
          const text = await upstream.text();
          const isPayment = method === 'GET' && url.startsWith('/v1/payment_intents/pi_1');
          const answer = isPayment
            ? JSON.stringify({ ...(JSON.parse(text) as object), ...overPayment })
            : text;
          const sent = { request: `${method} ${url.split('?')[0]}`, form: decodeURIComponent(form) };
          exchanges.push({ ...sent, key: key?.toString(), status: upstream.status, answer });
          response.writeHead(upstream.status, { 'content-type': 'application/json' }).end(answer);
        })
        .catch(() => response.destroy());
    });
  }).listen(0, '127.0.0.1');
}

const followUp = () => ({
  operationId: newId(),
  amount: 1_000,
  currency: 'GBP',
  signal: AbortSignal.timeout(5_000),
  gatewayPaymentId: 'pi_1',
});
const authorization = (captureNow: boolean) => ({ ...followUp(), method: 'pm_card_visa', captureNow });

/** What was asked of stripe-mock while `call` ran; that the answer is about something else is of no interest. */
async function exchangesOf(call: Promise<unknown>): Promise<Exchange[]> {
  exchanges.length = 0;
  await call.catch(() => undefined);
  return [...exchanges];
}

whereThereIsOne('stripe-mock', () => {
  beforeAll(async () => {
    proxy = startProxy();
    await once(proxy, 'listening');
    const apiBase = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    gateway = new StripeGateway({ apiKey: 'sk_test_123', apiBase });
  });
  afterAll(async () => {
    proxy.closeAllConnections();
    proxy.close();
    await once(proxy, 'close');
  });

  const READ = 'GET /v1/payment_intents/pi_1';
  const CAPTURE = 'POST /v1/payment_intents/pi_1/capture';
  const MULTICAPTURE = { card: { multicapture: { status: 'available' } } };
  const HELD = { amount: 5_000, amount_capturable: 5_000, status: 'requires_capture' };
  const CHARGED = { latest_charge: { id: 'ch_1', payment_method_details: MULTICAPTURE } };

  it.each<[string, object, () => Promise<unknown>, string[], string[]]>([
    [
      'an authorization',
      {},
      () => gateway.authorize({ ...authorization(false), paymentId: newId(), orderId: newId() }),
      ['POST /v1/payment_intents'],
      [
        'amount=1000&currency=gbp&payment_method=pm_card_visa&allowed_payment_method_types[0]=card&confirm=true',
        'capture_method=manual&error_on_requires_action=true&metadata[operation_id]=',
        'payment_method_options[card][request_multicapture]=if_available',
      ],
    ],
    [
      'an authorization that captures',
      {},
      () => gateway.authorize(authorization(true)),
      ['POST /v1/payment_intents'],
      ['capture_method=automatic'],
    ],
    [
      'a capture',
      {},
      () => gateway.capture(followUp()),
      [READ, CAPTURE],
      ['amount_to_capture=1000', '[capture_'],
    ],
    [
      'a capture of a part',
      { ...HELD, ...CHARGED },
      () => gateway.capture(followUp()),
      [READ, CAPTURE],
      ['final_capture=false'],
    ],
    ['a void', {}, () => gateway.void(followUp()), [READ, 'POST /v1/payment_intents/pi_1/cancel'], []],
    [
      'a void of the rest',
      { ...HELD, amount_received: 4_000 },
      () => gateway.void(followUp()),
      [READ, CAPTURE],
      ['amount_to_capture=0', 'final_capture=true'],
    ],
    [
      'a refund',
      {},
      () => gateway.refund(followUp()),
      ['POST /v1/refunds'],
      ['payment_intent=pi_1&amount=1000'],
    ],
  ])('accepts %s', async (_, payment, call, requests, parts) => {
    overPayment = payment;
    const all = await exchangesOf(call());
    expect(all.slice(0, requests.length).map(({ request }) => request)).toEqual(requests);
    expect(all.filter(({ status }) => status !== 200)).toEqual([]);
    const [sent] = all.filter(({ request }) => request.startsWith('POST'));
    expect(sent?.key).toMatch(/^[0-9a-f-]{36}$/);
    for (const part of parts) expect(sent?.form).toContain(part);
  });

  it.each(['authorize', 'refund', 'capture', 'void'] as const)('accepts what looks up: %s', async (kind) => {
    overPayment = {};
    const old = { ...authorization(false), gatewayPaymentId: 'pi_1', sentForMs: 86_400_000 };
    const all = await exchangesOf(gateway[kind](old));
    expect(all.length).toBeGreaterThan(0);
    for (const { request, status } of all) expect([request.startsWith('GET'), status]).toEqual([true, 200]);
  });

  it('accepts what takes the key of an operation, so that it is ruled out', async () => {
    const all = await exchangesOf(gateway.ruleOut(authorization(true)));
    expect(all.map(({ request, status }) => [request.replace(/pi_\w+/, 'pi'), status])).toEqual([
      ['POST /v1/payment_intents', 200],
      ['POST /v1/payment_intents/pi/cancel', 200],
    ]);
  });

  it('refuses what Stripe does not know, so that its acceptance means something', async () => {
    const headers = { authorization: 'Bearer sk_test_123' };
    const body = new URLSearchParams({ amount: '1', currency: 'gbp', no_such_parameter: '1' });
    const response = await fetch(new URL('/v1/payment_intents', STRIPE_MOCK_URL), {
      method: 'POST',
      headers,
      body,
    });
    expect(response.status).toBe(400);
  });
});
