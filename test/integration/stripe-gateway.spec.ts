import { newId } from '#kernel';
import { StripeGateway } from '../../libs/payments/src/infrastructure/stripe-gateway.js';
import { OutcomeUnknown } from '../../libs/payments/src/infrastructure/outcome-unknown.js';
import { type RunningSimulator, startGatewaySimulator } from '../support/gateway-simulator.js';

const KINDS = ['authorize', 'capture', 'void', 'refund'] as const;
type Kind = (typeof KINDS)[number];

const DAY_MS = 86_400_000;
/** How long a call may take here; what hangs, hangs for longer. */
const CALL_MS = 250;
const NO_SIGNAL = new AbortController().signal;

let sim: RunningSimulator;
let gateway: StripeGateway;

beforeAll(async () => {
  sim = await startGatewaySimulator();
  const options = { apiKey: 'sk_test_simulated', apiBase: sim.url };
  gateway = new StripeGateway(options);
});
beforeEach(() => sim.simulator.reset());
afterAll(() => sim.close());

interface Different {
  readonly operationId?: string;
  readonly amount?: number;
  readonly currency?: string;
  readonly signal?: AbortSignal;
  readonly method?: string;
  readonly captureNow?: boolean;
  readonly gatewayPaymentId?: string;
  readonly paymentId?: string;
  readonly orderId?: string;
  readonly sentForMs?: number;
}

const request = (different: Different = {}) => ({
  operationId: newId(),
  amount: 1_000,
  currency: 'GBP',
  signal: NO_SIGNAL,
  method: 'pm_card_visa',
  captureNow: false,
  gatewayPaymentId: 'pi_none',
  ...different,
});

/** The same a day later: then it is too old to be sent. */
const tomorrow = <T extends object>(sent: T) => ({ ...sent, sentForMs: DAY_MS });

/** What a call came to: its outcome, or that it is not known. */
async function outcomeOf(call: Promise<unknown>): Promise<unknown> {
  return call.catch((error: unknown) => {
    if (error instanceof OutcomeUnknown) return 'unknown';
    throw error;
  });
}

async function authorized(method = 'pm_card_visa', captureNow = false): Promise<string> {
  const outcome = await gateway.authorize(request({ method, captureNow }));
  if (outcome.result !== 'succeeded') throw new Error(`${method} was not authorized.`);
  return outcome.gatewayId;
}

/** A request that can be carried out, with the payment that it needs. */
async function readyFor(kind: Kind): Promise<ReturnType<typeof request>> {
  if (kind === 'authorize') return request();
  return request({ gatewayPaymentId: await authorized('pm_card_visa', kind === 'refund') });
}

const effectsOf = (operationId: string) =>
  sim.simulator.effects.filter(({ key }) => key === operationId).map(({ kind, amount }) => [kind, amount]);
const EFFECT: Record<Kind, string> = {
  authorize: 'authorized',
  capture: 'captured',
  void: 'voided',
  refund: 'refunded',
};
const succeeded = { result: 'succeeded', gatewayId: expect.any(String) as unknown };
/** What is held has an end, beside that. */
const held = { ...succeeded, authorizedUntil: expect.any(Date) as unknown };
/** A capture says whether something more is held. */
const last = { ...succeeded, isLast: true };
const notLast = { ...succeeded, isLast: false };

describe.each(KINDS)('%s', (kind) => {
  const done = { authorize: held, capture: last, void: succeeded, refund: succeeded }[kind];
  const send = (sent: ReturnType<typeof request>): Promise<unknown> =>
    outcomeOf(gateway[kind]({ ...sent, signal: AbortSignal.timeout(CALL_MS) }));

  it('succeeds, and sent again says the same without a second effect', async () => {
    const sent = await readyFor(kind);
    const first = await send(sent);
    expect(first).toEqual(done);
    expect(await send(sent)).toEqual(first);
    expect(effectsOf(sent.operationId)).toEqual([[EFFECT[kind], 1_000]]);
  });

  it.each([
    'timeout_before_effect',
    'error_500_before_effect',
    'reset_before_effect',
    'rate_limited',
  ] as const)('is unknown after %s, and goes through when it is sent again', async (behaviour) => {
    const sent = await readyFor(kind);
    sim.simulator.follow({ rules: [{ step: kind, behaviour, times: 1 }] });
    expect(await send(sent)).toBe('unknown');
    expect(effectsOf(sent.operationId)).toEqual([]);
    expect(await send(sent)).toEqual(done);
    expect(effectsOf(sent.operationId)).toEqual([[EFFECT[kind], 1_000]]);
  });

  it.each(['timeout_after_effect', 'error_500_after_effect', 'reset_after_effect'] as const)(
    'is unknown after %s, and sent again finds its effect',
    async (behaviour) => {
      const sent = await readyFor(kind);
      sim.simulator.follow({ rules: [{ step: kind, behaviour, times: 1 }] });
      expect(await send(sent)).toBe('unknown');
      expect(effectsOf(sent.operationId)).toEqual([[EFFECT[kind], 1_000]]);
      expect(await send(sent)).toEqual(done);
      expect(effectsOf(sent.operationId)).toEqual([[EFFECT[kind], 1_000]]);
    },
  );

  it('is unknown while the first try is still being carried out', async () => {
    const sent = await readyFor(kind);
    sim.simulator.follow({ rules: [{ step: kind, behaviour: 'slow', times: 1 }], slowMs: 2 * CALL_MS });
    const first = send(sent);
    await new Promise((resolve) => setTimeout(resolve, CALL_MS / 5));
    // What has its effect at once can be seen at once, by whoever looks before sending; the others wait for the key.
    const second = await send(sent);
    expect(second).toEqual(kind === 'authorize' || kind === 'refund' ? 'unknown' : done);
    expect(await first).toBe('unknown');
    await new Promise((resolve) => setTimeout(resolve, 2 * CALL_MS));
    expect(await send(sent)).toEqual(done);
    expect(effectsOf(sent.operationId)).toEqual([[EFFECT[kind], 1_000]]);
  });

  it('is found by our reference when Stripe keeps a server error under its key', async () => {
    const sent = await readyFor(kind);
    const behaviour = 'error_500_kept_after_effect';
    sim.simulator.follow({ rules: [{ step: kind, behaviour, times: 1 }] });
    expect(await send(sent)).toBe('unknown');
    expect(await send(sent)).toEqual(done);
    expect(effectsOf(sent.operationId)).toEqual([[EFFECT[kind], 1_000]]);
  });

  it('stays unknown when Stripe keeps a server error and knows nothing of it', async () => {
    const sent = await readyFor(kind);
    const behaviour = 'error_500_kept_before_effect';
    sim.simulator.follow({ rules: [{ step: kind, behaviour, times: 1 }] });
    for (let attempt = 1; attempt <= 3; attempt += 1) expect(await send(sent)).toBe('unknown');
    expect(effectsOf(sent.operationId)).toEqual([]);
  });

  it('is not sent when Stripe may have forgotten its key, but found', async () => {
    const sent = await readyFor(kind);
    await send(sent);
    sim.simulator.follow({ keyRetentionMs: 0 });
    expect(await send(tomorrow(sent))).toEqual(done);
    expect(effectsOf(sent.operationId)).toEqual([[EFFECT[kind], 1_000]]);
  });

  it('that is as old as that and nowhere to be found stays unknown, and is not sent', async () => {
    const sent = await readyFor(kind);
    expect(await send(tomorrow(sent))).toBe('unknown');
    expect(effectsOf(sent.operationId)).toEqual([]);
  });

  it('stays unknown while Stripe cannot be asked either', async () => {
    const sent = await readyFor(kind);
    sim.simulator.follow({ rules: [{ behaviour: 'rate_limited' }] });
    expect(await send(sent)).toBe('unknown');
    expect(await send(tomorrow(sent))).toBe('unknown');
    sim.simulator.follow({});
    expect(await send(sent)).toEqual(done);
  });

  it('ends with its signal, and does not begin when that has fired', async () => {
    const sent = await readyFor(kind);
    sim.simulator.follow({ rules: [{ behaviour: 'timeout_before_effect' }] });
    const startedAt = performance.now();
    expect(await send(sent)).toBe('unknown');
    expect(performance.now() - startedAt).toBeLessThan(4 * CALL_MS);
    sim.simulator.follow({});
    const reason = new Error('The caller has gone.');
    await expect(gateway[kind]({ ...sent, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(effectsOf(sent.operationId)).toEqual([]);
  });
});

describe('an authorization', () => {
  it.each([
    ['pm_card_chargeDeclined', { result: 'declined', declineCode: 'generic_decline' }],
    ['pm_card_chargeDeclinedInsufficientFunds', { result: 'declined', declineCode: 'insufficient_funds' }],
    ['pm_card_chargeDeclinedExpiredCard', { result: 'declined', declineCode: 'expired_card' }],
    ['pm_card_authenticationRequired', { result: 'requires_action' }],
    ['pm_none', { result: 'failed', declineCode: 'resource_missing' }],
  ])('with %s ends as %j, every time, and has no effect', async (method, outcome) => {
    const sent = request({ method });
    expect(await gateway.authorize(sent)).toEqual(outcome);
    expect(await gateway.authorize(sent)).toEqual(outcome);
    expect(await outcomeOf(gateway.authorize(tomorrow(sent)))).toEqual(
      method === 'pm_none' ? 'unknown' : outcome,
    );
    expect(sim.simulator.effects).toEqual([]);
  });

  it('captures at once when it is asked to', async () => {
    const sent = request({ captureNow: true });
    expect(await gateway.authorize(sent)).toEqual(succeeded);
    expect(effectsOf(sent.operationId)).toEqual([['captured', 1_000]]);
  });

  it('leaves nothing that a shopper could complete later', async () => {
    const sent = request({ method: 'pm_card_authenticationRequired' });
    await gateway.authorize(sent);
    const found = sim.simulator.search({ fingerprint: 'search' }, 'operation_id', sent.operationId);
    expect(found.executed).toMatchObject({ result: [{ status: 'requires_payment_method' }] });
  });

  it('tells Stripe our references', async () => {
    const sent = request({ paymentId: 'payment 1', orderId: 'order 1' });
    await gateway.authorize(sent);
    const found = sim.simulator.search({ fingerprint: 'search' }, 'order_id', 'order 1');
    expect(found.executed).toMatchObject({
      result: [
        { metadata: { operation_id: sent.operationId, payment_id: 'payment 1', order_id: 'order 1' } },
      ],
    });
  });

  it('counts as Stripe does', async () => {
    const sent = request({ amount: 5, currency: 'ISK' });
    expect(await gateway.authorize(sent)).toEqual(held);
    expect(sim.simulator.effects).toMatchObject([{ amount: 500, currency: 'isk' }]);
  });

  it('is not found at once: until Stripe finds it, it stays unknown', async () => {
    const sent = request();
    sim.simulator.follow({ searchLagMs: 60_000 });
    await gateway.authorize(sent);
    expect(await outcomeOf(gateway.authorize(tomorrow(sent)))).toBe('unknown');
  });

  it('that charged twice is for people to look at', async () => {
    const sent = request();
    sim.simulator.follow({ keyRetentionMs: 0 });
    await gateway.authorize(sent);
    await gateway.authorize(sent);
    expect(await outcomeOf(gateway.authorize(tomorrow(sent)))).toBe('unknown');
  });

  it.each([
    ['pm_card_visa', true],
    ['pm_1PqZ8cLkdIwHu7ix', true],
    ['pm_', false],
    ['tok_visa', false],
    ['pm_card visa', false],
    ['', false],
  ])('can be asked for with %j: %s', (method, isKnown) => {
    expect(gateway.knowsMethod(method)).toBe(isKnown);
  });
});

describe('a capture', () => {
  it('of a part keeps the rest held, and can be followed by another', async () => {
    const gatewayPaymentId = await authorized();
    const part = request({ gatewayPaymentId, amount: 400 });
    const rest = request({ gatewayPaymentId, amount: 600 });
    expect(await gateway.capture(part)).toEqual(notLast);
    expect(await gateway.capture(rest)).toEqual(last);
    expect(await gateway.capture(part)).toEqual(last);
    expect(sim.simulator.effects.map(({ kind, amount }) => [kind, amount])).toEqual([
      ['authorized', 1_000],
      ['captured', 400],
      ['captured', 600],
    ]);
  });

  it('of a part is the last one of a card that allows no other', async () => {
    const gatewayPaymentId = await authorized('pm_card_credit_disableEnterpriseCardFeatures');
    expect(await gateway.capture(request({ gatewayPaymentId, amount: 400 }))).toEqual(last);
    expect(await gateway.capture(request({ gatewayPaymentId, amount: 600 }))).toEqual({
      result: 'failed',
      declineCode: 'payment_intent_unexpected_state',
    });
  });

  it('of more than is held fails', async () => {
    const gatewayPaymentId = await authorized();
    expect(await gateway.capture(request({ gatewayPaymentId, amount: 1_001 }))).toEqual({
      result: 'failed',
      declineCode: 'amount_too_large',
    });
  });

  it('that the bank refuses is declined', async () => {
    const gatewayPaymentId = await authorized('pm_sim_capture_fails');
    expect(await gateway.capture(request({ gatewayPaymentId }))).toEqual({
      result: 'declined',
      declineCode: 'generic_decline',
    });
  });
});

describe('a void', () => {
  it('of what was captured in part gives back the rest', async () => {
    const gatewayPaymentId = await authorized();
    await gateway.capture(request({ gatewayPaymentId, amount: 400 }));
    const sent = request({ gatewayPaymentId, amount: 600 });
    expect(await gateway.void(sent)).toEqual(succeeded);
    expect(await gateway.void(sent)).toEqual(succeeded);
    expect(effectsOf(sent.operationId)).toEqual([['voided', 600]]);
  });

  it('of what has been given back already, by whomever, is done', async () => {
    const gatewayPaymentId = await authorized();
    sim.simulator.cancel({ key: 'somebody', fingerprint: 'cancel' }, gatewayPaymentId);
    expect(await gateway.void(request({ gatewayPaymentId }))).toEqual(succeeded);
  });

  it('of the rest that the only capture of a card has released is done', async () => {
    const gatewayPaymentId = await authorized('pm_card_credit_disableEnterpriseCardFeatures');
    await gateway.capture(request({ gatewayPaymentId, amount: 400 }));
    expect(await gateway.void(request({ gatewayPaymentId, amount: 600 }))).toEqual(succeeded);
  });

  it('of what somebody else has captured is unknown: the money was taken', async () => {
    const gatewayPaymentId = await authorized();
    const order = { intentId: gatewayPaymentId, isFinal: true, metadata: {} };
    sim.simulator.capture({ key: 'somebody', fingerprint: 'capture' }, order);
    expect(await outcomeOf(gateway.void(request({ gatewayPaymentId })))).toBe('unknown');
  });
});

describe('a refund', () => {
  it('of parts never gives back more than there is', async () => {
    const gatewayPaymentId = await authorized('pm_card_visa', true);
    expect(await gateway.refund(request({ gatewayPaymentId, amount: 700 }))).toEqual(succeeded);
    expect(await gateway.refund(request({ gatewayPaymentId, amount: 301 }))).toEqual({
      result: 'failed',
      declineCode: 'invalid_request',
    });
    expect(await gateway.refund(request({ gatewayPaymentId, amount: 300 }))).toEqual(succeeded);
    expect(await gateway.refund(request({ gatewayPaymentId, amount: 1 }))).toEqual({
      result: 'failed',
      declineCode: 'charge_already_refunded',
    });
    expect(sim.simulator.totals).toEqual({
      gbp: { captured: 1_000, refunded: 1_000, disputed: 0, net: 0 },
    });
  });

  it('that the bank refuses fails', async () => {
    const gatewayPaymentId = await authorized('pm_sim_refund_fails', true);
    const sent = request({ gatewayPaymentId });
    const failed = { result: 'failed', declineCode: 'declined', gatewayId: expect.any(String) as unknown };
    expect(await gateway.refund(sent)).toEqual(failed);
    expect(await gateway.refund(sent)).toEqual(failed);
    expect(await gateway.refund(tomorrow(sent))).toEqual(failed);
  });

  it('that is pending is unknown until the bank has decided', async () => {
    sim.simulator.follow({ settleMs: 100 });
    const gatewayPaymentId = await authorized('pm_card_pendingRefund', true);
    const sent = request({ gatewayPaymentId });
    expect(await outcomeOf(gateway.refund(sent))).toBe('unknown');
    expect(await outcomeOf(gateway.refund(sent))).toBe('unknown');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await gateway.refund(sent)).toEqual(succeeded);
  });

  it('is found among many', async () => {
    const gatewayPaymentId = await authorized('pm_card_visa', true);
    const sent = request({ gatewayPaymentId, amount: 1 });
    await gateway.refund(sent);
    for (let count = 1; count <= 120; count += 1) {
      const order = { intentId: gatewayPaymentId, amount: 1, reason: null, metadata: {} };
      sim.simulator.refund({ key: `refund ${count}`, fingerprint: 'refund' }, order);
    }
    expect(await gateway.refund(tomorrow(sent))).toEqual(succeeded);
  });
});

describe.each(['capture', 'void', 'refund'] as const)('a %s of a payment', (kind) => {
  it('that is not there is unknown: this may be the wrong account', async () => {
    expect(await outcomeOf(gateway[kind](request()))).toBe('unknown');
  });
});
