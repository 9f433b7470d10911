import Stripe from 'stripe';
import { eventually } from '../support/eventually.js';
import {
  type RunningSimulator,
  startGatewaySimulator,
  startWebhookReceiver,
  WEBHOOK_SECRET,
  type WebhookReceiver,
} from '../support/gateway-simulator.js';

let sim: RunningSimulator;
/** Stripe's own client, as anybody would use it. */
let stripe: Stripe;

async function start(webhookUrl?: string): Promise<void> {
  sim = await startGatewaySimulator(webhookUrl);
  const { hostname, port } = new URL(sim.url);
  stripe = new Stripe('sk_test_simulated', {
    protocol: 'http',
    host: hostname,
    port,
    maxNetworkRetries: 0,
    telemetry: false,
  });
}

beforeEach(() => sim.simulator.reset());

interface Sent {
  readonly method?: string;
  readonly form?: Record<string, string>;
  readonly headers?: Record<string, string>;
  readonly json?: unknown;
}

async function call(path: string, { method, form, headers, json }: Sent = {}) {
  const body = form ? new URLSearchParams(form) : json === undefined ? undefined : JSON.stringify(json);
  const response = await fetch(sim.url + path, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      authorization: 'Bearer sk_test_1',
      ...(json !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  };
}

const PAYMENT = { amount: '1000', currency: 'GBP', confirm: 'true', payment_method: 'pm_card_visa' };
const pay = (
  method = 'pm_card_visa',
  different: Partial<Stripe.PaymentIntentCreateParams> = {},
  key?: string,
) =>
  stripe.paymentIntents.create(
    {
      amount: 1_000,
      currency: 'gbp',
      confirm: true,
      payment_method: method,
      capture_method: 'automatic',
      ...different,
    },
    key === undefined ? {} : { idempotencyKey: key },
  );

describe('without webhooks', () => {
  beforeAll(() => start());
  afterAll(() => sim.close());

  describe('to Stripe’s client, the simulator', () => {
    it('is a gateway: it authorizes, captures in parts, refunds, lists and finds', async () => {
      const created = await pay('pm_card_visa', {
        capture_method: 'manual',
        metadata: { operation_id: 'op 1' },
        payment_method_options: { card: { request_multicapture: 'if_available' } },
      });
      expect(created).toMatchObject({
        status: 'requires_capture',
        amount_capturable: 1_000,
        currency: 'gbp',
      });

      const options = { amount_to_capture: 400, final_capture: false, expand: ['latest_charge'] };
      const part = await stripe.paymentIntents.capture(created.id, options);
      expect(part).toMatchObject({
        amount_received: 400,
        latest_charge: {
          object: 'charge',
          amount_captured: 400,
          captured: false,
          payment_method_details: { card: { multicapture: { status: 'available' } } },
        },
      });
      expect(await stripe.paymentIntents.capture(created.id)).toMatchObject({
        status: 'succeeded',
        amount_received: 1_000,
      });

      for (const amount of [1, 2, 3]) {
        await stripe.refunds.create({ payment_intent: created.id, amount, metadata: { nr: amount } });
      }
      const refunds = await stripe.refunds
        .list({ payment_intent: created.id, limit: 2 })
        .autoPagingToArray({ limit: 10 });
      expect(refunds.map(({ amount, status }) => [amount, status])).toEqual([
        [3, 'succeeded'],
        [2, 'succeeded'],
        [1, 'succeeded'],
      ]);
      expect(await stripe.refunds.retrieve(refunds[0]!.id)).toEqual(refunds[0]);

      const found = await stripe.paymentIntents.search({ query: "metadata['operation_id']:'op 1'" });
      expect(found.data).toMatchObject([{ id: created.id, metadata: { operation_id: 'op 1' } }]);
      expect(await stripe.paymentIntents.retrieve(created.id)).toEqual(found.data[0]);
    });

    it('cancels', async () => {
      const { id } = await pay('pm_card_visa', { capture_method: 'manual' });
      expect(await stripe.paymentIntents.cancel(id)).toMatchObject({
        status: 'canceled',
        amount_capturable: 0,
      });
      await expect(stripe.paymentIntents.cancel(id)).rejects.toMatchObject({
        type: 'StripeInvalidRequestError',
        code: 'payment_intent_unexpected_state',
        payment_intent: { id, status: 'canceled' },
      });
    });

    it.each([
      ['pm_card_chargeDeclined', 'card_declined', 'generic_decline'],
      ['pm_card_chargeDeclinedExpiredCard', 'expired_card', 'expired_card'],
    ])('declines %s', async (method, code, declineCode) => {
      await expect(pay(method)).rejects.toMatchObject({
        type: 'StripeCardError',
        statusCode: 402,
        code,
        decline_code: declineCode,
        payment_intent: { status: 'requires_payment_method', last_payment_error: { code } },
      });
    });

    it('waits for the shopper, or does not, as it is asked to', async () => {
      const method = 'pm_card_authenticationRequired';
      expect(await pay(method)).toMatchObject({
        status: 'requires_action',
        next_action: { type: 'use_stripe_sdk' },
      });
      await expect(pay(method, { error_on_requires_action: true })).rejects.toMatchObject({
        type: 'StripeCardError',
        code: 'authentication_required',
      });
    });

    it('keeps its promise about keys', async () => {
      const first = await pay('pm_card_visa', {}, 'key 1');
      const second = await pay('pm_card_visa', {}, 'key 1');
      expect(second).toEqual(first);
      expect(first.lastResponse.headers['idempotent-replayed']).toBeUndefined();
      expect(second.lastResponse.headers['idempotent-replayed']).toBe('true');
      await expect(pay('pm_card_visa', { amount: 2 }, 'key 1')).rejects.toMatchObject({
        type: 'StripeIdempotencyError',
      });
      await expect(
        stripe.paymentIntents.cancel(first.id, {}, { idempotencyKey: 'key 1' }),
      ).rejects.toMatchObject({ type: 'StripeIdempotencyError', statusCode: 400 });
      expect(sim.simulator.effects).toHaveLength(1);
    });

    it('keeps it also for what ended with an error that is kept', async () => {
      const method = 'pm_sim_error_500_kept_before_effect';
      for (let attempt = 1; attempt <= 2; attempt += 1) {
        await expect(pay(method, {}, 'key 1')).rejects.toMatchObject({ statusCode: 500 });
      }
      await expect(pay(method, { amount: 2 }, 'key 1')).rejects.toMatchObject({
        type: 'StripeIdempotencyError',
        statusCode: 400,
      });
    });

    it('says until when a card can be captured, and why it no longer can', async () => {
      sim.simulator.follow({ authorizationMs: 3_600_000 });
      const { id, created, latest_charge } = await pay('pm_card_visa', {
        capture_method: 'manual',
        expand: ['latest_charge'],
      });
      expect(latest_charge).toMatchObject({
        disputed: false,
        payment_method_details: { card: { capture_before: created + 3_600 } },
      });
      const reason = 'abandoned';
      expect(await stripe.paymentIntents.cancel(id, { cancellation_reason: reason })).toMatchObject({
        cancellation_reason: reason,
      });
    });

    it('shows disputes', async () => {
      const { id, latest_charge: charge } = await pay('pm_card_createDispute');
      const { data, has_more } = await stripe.disputes.list({ payment_intent: id });
      expect({ data, has_more }).toMatchObject({
        data: [
          {
            id: expect.stringMatching(/^dp_\w+$/),
            object: 'dispute',
            amount: 1_000,
            balance_transactions: [],
            charge,
            currency: 'gbp',
            evidence_details: { has_evidence: false },
            metadata: {},
            payment_intent: id,
            reason: 'fraudulent',
            status: 'needs_response',
          },
        ],
        has_more: false,
      });
      const [dispute] = data;
      expect(dispute!.evidence_details.due_by).toBe(dispute!.created + 7 * 86_400);
      expect(await stripe.disputes.retrieve(dispute!.id)).toMatchObject(dispute!);
      await expect(stripe.refunds.create({ payment_intent: id })).rejects.toMatchObject({
        type: 'StripeInvalidRequestError',
        code: 'charge_disputed',
      });
      expect(await stripe.paymentIntents.retrieve(id, { expand: ['latest_charge'] })).toMatchObject({
        latest_charge: { disputed: true },
      });
    });
  });

  describe('on the wire', () => {
    it.each<[string, string, Sent, number, object]>([
      ['no API key', '/v1/refunds/re_1', { headers: { authorization: '' } }, 401, {}],
      ['a publishable key', '/v1/refunds/re_1', { headers: { authorization: 'Bearer pk_test_1' } }, 401, {}],
      [
        'an unknown path',
        '/v1/charges',
        {},
        404,
        { message: 'Unrecognized request URL (GET: /v1/charges).' },
      ],
      [
        'an unknown payment',
        '/v1/payment_intents/pi_1',
        {},
        404,
        { code: 'resource_missing', param: 'intent' },
      ],
      ['an unknown refund', '/v1/refunds/re_1', {}, 404, { code: 'resource_missing', param: 'refund' }],
      [
        'a parameter that is missing',
        '/v1/payment_intents',
        { form: { currency: 'gbp' } },
        400,
        { code: 'parameter_missing', param: 'amount' },
      ],
      [
        'a parameter that nobody knows',
        '/v1/payment_intents',
        { form: { ...PAYMENT, 'payment_method_options[card][x]': '1' } },
        400,
        { code: 'parameter_unknown', param: 'payment_method_options[card][x]' },
      ],
      [
        'the parameter that Stripe no longer takes',
        '/v1/payment_intents',
        { form: { ...PAYMENT, 'payment_method_types[0]': 'card' } },
        400,
        { code: 'parameter_unknown', param: 'payment_method_types' },
      ],
      [
        'an amount that is none',
        '/v1/payment_intents',
        { form: { ...PAYMENT, amount: '1.5' } },
        400,
        { param: 'amount' },
      ],
      [
        'an amount of nothing',
        '/v1/payment_intents',
        { form: { ...PAYMENT, amount: '0' } },
        400,
        { param: 'amount' },
      ],
      ['an unknown dispute', '/v1/disputes/dp_1', {}, 404, { code: 'resource_missing', param: 'dispute' }],
      ['disputes of nothing', '/v1/disputes', {}, 400, { param: 'payment_intent' }],
      ['a query that is none', '/v1/payment_intents/search?query=x', {}, 400, { param: 'query' }],
      ['a behaviour that is none', '/v1/refunds/re_1', { headers: { 'simulator-behaviour': 'x' } }, 400, {}],
      ['an empty key', '/v1/payment_intents', { form: PAYMENT, headers: { 'idempotency-key': '' } }, 400, {}],
      ['JSON', '/v1/payment_intents', { json: PAYMENT }, 400, { code: 'parameter_missing' }],
      ['a text', '/v1/payment_intents', { form: {}, headers: { 'content-type': 'text/xml' } }, 400, {}],
    ])('%s is refused as Stripe would', async (_, path, sent, status, error) => {
      const answer = await call(path, sent);
      expect(answer.status).toBe(status);
      expect(answer.body.error).toMatchObject({ type: 'invalid_request_error', ...error });
      expect(answer.headers.get('request-id')).toMatch(/^req_\w+$/);
      expect(sim.simulator.effects).toEqual([]);
    });

    it('takes the key as curl sends it', async () => {
      const authorization = `Basic ${Buffer.from('sk_test_1:').toString('base64')}`;
      expect(await call('/v1/payment_intents', { form: PAYMENT, headers: { authorization } })).toMatchObject({
        status: 200,
        body: { object: 'payment_intent', status: 'succeeded' },
      });
    });

    it('misbehaves on request, for one request', async () => {
      const headers = { 'idempotency-key': 'key', 'simulator-behaviour': 'reset_after_effect' };
      await expect(call('/v1/payment_intents', { form: PAYMENT, headers })).rejects.toMatchObject({
        cause: { code: 'ECONNRESET' },
      });
      const again = await call('/v1/payment_intents', {
        form: PAYMENT,
        headers: { 'idempotency-key': 'key' },
      });
      expect(again).toMatchObject({ status: 200, body: { status: 'succeeded' } });
      expect(again.headers.get('idempotent-replayed')).toBe('true');
    });
  });

  describe('the controls', () => {
    it('show every effect, and the sums', async () => {
      const { id } = await pay('pm_card_visa', {}, 'key 1');
      await stripe.refunds.create({ payment_intent: id, amount: 300 }, { idempotencyKey: 'key 2' });
      const { body } = await call('/_sim/effects');
      expect(body.totals).toEqual({ gbp: { captured: 1_000, refunded: 300, disputed: 0, net: 700 } });
      expect(body.data).toMatchObject([
        {
          sequence: 1,
          kind: 'captured',
          key: 'key 1',
          intentId: id,
          refundId: null,
          amount: 1_000,
          currency: 'gbp',
        },
        { sequence: 2, kind: 'refunded', key: 'key 2', intentId: id, amount: 300 },
      ]);
      expect(new Date(body.data[0].at).getTime()).toBeGreaterThan(Date.now() - 60_000);
    });

    it('set a script, and end it', async () => {
      const script = {
        seed: 7,
        rules: [{ step: 'authorize', behaviour: 'rate_limited' }],
        chances: { slow: 0.5 },
      };
      expect(await call('/_sim/script', { json: script })).toMatchObject({ status: 204 });
      await expect(pay()).rejects.toMatchObject({ statusCode: 429, type: 'StripeRateLimitError' });
      expect(await call('/_sim/reset', { method: 'POST' })).toMatchObject({ status: 204 });
      expect(await pay()).toMatchObject({ status: 'succeeded' });
      expect(sim.simulator.effects).toHaveLength(1);
    });

    it('open a dispute, and end it', async () => {
      const { id } = await pay();
      const json = { payment_intent: id, amount: 400, reason: 'product_not_received' };
      const opened = await call('/_sim/disputes', { json });
      expect(opened).toMatchObject({
        status: 200,
        body: { object: 'dispute', amount: 400, reason: 'product_not_received', status: 'needs_response' },
      });
      const totals = async (): Promise<unknown> => (await call('/_sim/effects')).body.totals;
      expect(await totals()).toEqual({ gbp: { captured: 1_000, refunded: 0, disputed: 400, net: 600 } });
      const close = `/_sim/disputes/${opened.body.id}/close`;
      expect(await call(close, { json: { status: 'won' } })).toMatchObject({
        status: 200,
        body: { id: opened.body.id, status: 'won' },
      });
      expect(await totals()).toEqual({ gbp: { captured: 1_000, refunded: 0, disputed: 0, net: 1_000 } });
      expect(await call(close, { json: { status: 'lost' } })).toMatchObject({ status: 400 });
    });

    it('let an authorization expire', async () => {
      const { id } = await pay('pm_card_visa', { capture_method: 'manual' });
      const json = { payment_intent: id };
      expect(await call('/_sim/authorizations/expire', { json })).toMatchObject({
        status: 200,
        body: { id, object: 'payment_intent', status: 'canceled', cancellation_reason: 'automatic' },
      });
      await expect(stripe.paymentIntents.capture(id)).rejects.toMatchObject({
        code: 'payment_intent_unexpected_state',
        payment_intent: { status: 'canceled' },
      });
      expect(await call('/_sim/authorizations/expire', { json })).toMatchObject({
        status: 400,
        body: { error: { code: 'payment_intent_unexpected_state' } },
      });
    });

    it.each<[string, Sent, object]>([
      ['/_sim/disputes', { json: {} }, { param: 'payment_intent' }],
      ['/_sim/disputes', { json: { payment_intent: 'pi_1', reason: 'x' } }, { param: 'reason' }],
      ['/_sim/disputes', { json: { payment_intent: 'pi_1', amount: 0 } }, { param: 'amount' }],
      ['/_sim/disputes', { json: { payment_intent: 'pi_1' } }, { code: 'resource_missing' }],
      ['/_sim/disputes/dp_1/close', { json: { status: 'x' } }, { param: 'status' }],
      ['/_sim/disputes/dp_1/close', { json: { status: 'won' } }, { code: 'resource_missing' }],
      ['/_sim/authorizations/expire', { method: 'POST' }, { param: 'payment_intent' }],
      [
        '/_sim/authorizations/expire',
        { form: { payment_intent: 'pi_1' } },
        { message: 'Send JSON, with Content-Type: application/json.' },
      ],
    ])('refuse at %s what makes no sense: %j', async (path, sent, error) => {
      const answer = await call(path, sent);
      expect([400, 404]).toContain(answer.status);
      expect(answer.body.error).toMatchObject(error);
    });

    it.each<[string, unknown, string]>([
      ['a rule without a behaviour', { rules: [{ step: 'capture' }] }, 'rules[0][behaviour]'],
      ['a step that is none', { rules: [{ step: 'x', behaviour: 'slow' }] }, 'rules[0][step]'],
      ['chances of more than one', { chances: { slow: 0.6, fails: 0.6 } }, 'chances'],
      ['what it does not know', { speed: 1 }, 'speed'],
    ])('refuse a script with %s', async (_, json, param) => {
      expect(await call('/_sim/script', { json })).toMatchObject({ status: 400, body: { error: { param } } });
    });
  });
});

describe('webhooks', () => {
  let receiver: WebhookReceiver;

  beforeAll(async () => {
    receiver = await startWebhookReceiver();
    await start(receiver.url);
  });
  beforeEach(() => {
    receiver.received.length = 0;
    receiver.statuses.length = 0;
  });
  afterAll(async () => {
    await sim.close();
    await receiver.close();
  });

  const eventOf = ({ body, signature }: { body: string; signature: string }): Stripe.Event =>
    stripe.webhooks.constructEvent(body, signature, WEBHOOK_SECRET);
  const received = () => receiver.received.map((each) => eventOf(each));
  const types = () => received().map(({ type }) => type);

  it('are signed: Stripe’s own check accepts them, and nothing else', async () => {
    const { id } = await pay('pm_card_visa', { metadata: { operation_id: 'op 1' } }, 'key 1');
    await eventually(() => expect(receiver.received).toHaveLength(1));
    const [webhook] = receiver.received;
    expect(eventOf(webhook!)).toMatchObject({
      object: 'event',
      type: 'payment_intent.succeeded',
      livemode: false,
      request: { idempotency_key: 'key 1' },
      data: {
        object: { id, object: 'payment_intent', metadata: { operation_id: 'op 1' }, status: 'succeeded' },
      },
    });
    const { body, signature } = webhook!;
    expect(() => stripe.webhooks.constructEvent(body, signature, 'whsec_other')).toThrow();
    expect(() => stripe.webhooks.constructEvent(`${body} `, signature, WEBHOOK_SECRET)).toThrow();
    expect(() =>
      stripe.webhooks.constructEvent(body, signature, WEBHOOK_SECRET, 300, undefined, Date.now() + 301_000),
    ).toThrow();
  });

  it('tell of everything that happens to a payment', async () => {
    const { id } = await pay('pm_card_visa', { capture_method: 'manual' });
    await stripe.paymentIntents.capture(id);
    await stripe.refunds.create({ payment_intent: id });
    const { id: other } = await pay('pm_card_visa', { capture_method: 'manual' });
    await stripe.paymentIntents.cancel(other);
    await pay('pm_card_chargeDeclined').catch(() => undefined);
    await pay('pm_card_authenticationRequired');
    await eventually(() =>
      expect(types().sort()).toEqual([
        'charge.captured',
        'charge.refunded',
        'payment_intent.amount_capturable_updated',
        'payment_intent.amount_capturable_updated',
        'payment_intent.amount_capturable_updated',
        'payment_intent.canceled',
        'payment_intent.payment_failed',
        'payment_intent.requires_action',
        'payment_intent.succeeded',
        'refund.created',
      ]),
    );
    const charge = received().find(({ type }) => type === 'charge.refunded');
    expect(charge?.data.object).toMatchObject({ object: 'charge', amount_refunded: 1_000, refunded: true });
  });

  it('tell of a refund that fails later', async () => {
    sim.simulator.follow({ settleMs: 50 });
    const { id } = await pay('pm_card_refundFail');
    const refund = await stripe.refunds.create({ payment_intent: id });
    expect(refund.status).toBe('succeeded');
    await eventually(() => expect(types()).toContain('refund.failed'));
    const failed = received().find(({ type }) => type === 'refund.failed');
    expect(failed?.data.object).toMatchObject({
      id: refund.id,
      status: 'failed',
      failure_reason: 'declined',
    });
    expect(sim.simulator.totals).toEqual({ gbp: { captured: 1_000, refunded: 0, disputed: 0, net: 1_000 } });
  });

  it('tell of disputes, from the first word to the last', async () => {
    const { id, latest_charge: charge } = await pay('pm_card_createDispute', {}, 'key 1');
    const [dispute] = (await stripe.disputes.list({ payment_intent: id })).data;
    await call(`/_sim/disputes/${dispute!.id}/close`, { json: { status: 'won' } });
    await eventually(() =>
      expect(types().sort()).toEqual([
        'charge.dispute.closed',
        'charge.dispute.created',
        'charge.dispute.funds_reinstated',
        'charge.dispute.funds_withdrawn',
        'payment_intent.succeeded',
      ]),
    );
    const about = (type: string) => received().find((event) => event.type === type);
    expect(about('charge.dispute.created')).toMatchObject({
      data: {
        object: { id: dispute!.id, object: 'dispute', payment_intent: id, charge, status: 'needs_response' },
      },
      request: { idempotency_key: 'key 1' },
    });
    expect(about('charge.dispute.closed')?.data.object).toMatchObject({ id: dispute!.id, status: 'won' });
  });

  it('tell of an authorization that expires, and why it ended', async () => {
    const { id } = await pay('pm_card_visa', { capture_method: 'manual' });
    await call('/_sim/authorizations/expire', { json: { payment_intent: id } });
    await eventually(() => expect(types()).toContain('payment_intent.canceled'));
    const canceled = received().find(({ type }) => type === 'payment_intent.canceled');
    expect(canceled?.data.object).toMatchObject({ id, status: 'canceled', cancellation_reason: 'automatic' });
  });

  it('tell of a refund also when its request hangs', async () => {
    sim.simulator.follow({ settleMs: 50, rules: [{ step: 'refund', behaviour: 'timeout_after_effect' }] });
    const { id } = await pay('pm_card_refundFail');
    const signal = AbortSignal.timeout(100);
    const authorization = 'Bearer sk_test_1';
    const body = new URLSearchParams({ payment_intent: id });
    await expect(
      fetch(`${sim.url}/v1/refunds`, { method: 'POST', headers: { authorization }, body, signal }),
    ).rejects.toThrow();
    await eventually(() =>
      expect(types()).toEqual(expect.arrayContaining(['refund.created', 'refund.failed'])),
    );
  });

  it('may come before the answer', async () => {
    await pay('pm_sim_webhook_before_response');
    expect(types()).toEqual(['payment_intent.succeeded']);
  });

  it('may come twice, signed each time, as the same event', async () => {
    await pay('pm_sim_webhook_duplicate');
    await eventually(() => expect(receiver.received).toHaveLength(2));
    const [first, second] = received();
    expect(second).toEqual(first);
  });

  it('may come the wrong way round', async () => {
    sim.simulator.follow({ outOfOrderMs: 150 });
    const { id } = await pay('pm_card_visa', { capture_method: 'manual' });
    const behaviour = 'webhook_out_of_order';
    sim.simulator.follow({ outOfOrderMs: 150, rules: [{ step: 'capture', behaviour }] });
    await stripe.paymentIntents.capture(id);
    await stripe.refunds.create({ payment_intent: id });
    await eventually(() => expect(receiver.received).toHaveLength(6));
    const order = types().filter((type) => type !== 'charge.captured');
    expect(order.indexOf('charge.refunded')).toBeLessThan(order.indexOf('payment_intent.succeeded'));
    expect(order.at(-1)).toBe('payment_intent.amount_capturable_updated');
  });

  it('may be lost', async () => {
    await pay('pm_sim_webhook_lost');
    await pay('pm_card_visa', {}, 'heard of');
    await eventually(() => expect(receiver.received.length).toBeGreaterThan(0));
    expect(received().map(({ request }) => request?.idempotency_key)).toEqual(['heard of']);
  });

  it('are tried again when they are not taken', async () => {
    receiver.statuses.push(500, 503);
    await pay();
    await eventually(() => expect(receiver.received).toHaveLength(3));
    expect(new Set(received().map(({ id }) => id)).size).toBe(1);
  });
});

describe('a simulator that ends', () => {
  beforeAll(() => start());

  it('leaves no request hanging', async () => {
    const headers = { authorization: 'Bearer sk_test_1', 'simulator-behaviour': 'timeout_after_effect' };
    const hanging = fetch(`${sim.url}/v1/payment_intents`, {
      method: 'POST',
      headers,
      body: new URLSearchParams(PAYMENT),
    });
    const ended = expect(hanging).rejects.toThrow();
    await eventually(() => expect(sim.simulator.effects).toHaveLength(1));
    await sim.close();
    await ended;
  });
});
