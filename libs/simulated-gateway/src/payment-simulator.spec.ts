import { BEHAVIOURS, type BehaviourName } from './behaviours.js';
import { type Call, type PaymentOrder, PaymentSimulator, type Reply } from './payment-simulator.js';
import type { Intent } from './records.js';
import { resultOf } from './testing/replies.js';

let now: number;
let simulator: PaymentSimulator;

beforeEach(() => {
  now = 10_000;
  simulator = new PaymentSimulator({ now: () => now });
});

const call = (key: string | undefined, fingerprint = `request of ${key}`, asked?: BehaviourName): Call => ({
  key,
  fingerprint,
  asked,
});
const order = (paymentMethod: string, different: Partial<PaymentOrder> = {}): PaymentOrder => ({
  amount: 1_000,
  currency: 'gbp',
  captureMethod: 'manual',
  confirm: true,
  paymentMethod,
  metadata: { operation_id: 'create' },
  multicapture: true,
  errorOnAction: true,
  ...different,
});
const create = (
  paymentMethod: string,
  key = 'create',
  different: Partial<PaymentOrder> = {},
): Reply<Intent> => simulator.create(call(key), order(paymentMethod, different));
const refund = (intentId: string, key = 'refund') =>
  simulator.refund(call(key), { intentId, reason: null, metadata: {} });

function refusedOf({ executed }: Reply<unknown>) {
  return 'refusal' in executed ? executed.refusal.details : undefined;
}
const captured = (method = 'pm_card_visa'): Intent =>
  resultOf(create(method, 'taken', { captureMethod: 'automatic' }));
const effects = () => simulator.effects.map(({ kind, key }) => `${kind} ${key}`);
const reported = ({ webhooks }: Reply<unknown>) => webhooks.map(({ news }) => news.type);

describe('a fault', () => {
  it.each<[BehaviourName, Reply<unknown>['ending'], boolean, number | undefined]>([
    ['timeout_before_effect', 'hangs', false, undefined],
    ['timeout_after_effect', 'hangs', true, undefined],
    ['error_500_before_effect', 'answered', false, 500],
    ['error_500_after_effect', 'answered', true, 500],
    ['error_500_kept_before_effect', 'answered', false, 500],
    ['error_500_kept_after_effect', 'answered', true, 500],
    ['reset_before_effect', 'reset', false, undefined],
    ['reset_after_effect', 'reset', true, undefined],
    ['rate_limited', 'answered', false, 429],
    ['slow', 'answered', true, undefined],
  ])('%s ends as its name says, and has its effect or has not', (name, ending, hasEffect, status) => {
    const reply = create(`pm_sim_${name}`);
    expect(reply.ending).toBe(ending);
    expect(effects()).toEqual(hasEffect ? ['authorized create'] : []);
    if (ending === 'answered') expect(refusedOf(reply)?.status).toBe(status);
  });

  const faults = Object.entries(BEHAVIOURS).filter(([, behaviour]) => 'fault' in behaviour);
  const passing = faults.map(([name]) => name).filter((name) => !name.includes('kept'));

  it.each(passing)('%s is over with the second try, which has no second effect', (name) => {
    create(`pm_sim_${name}`);
    now += 60_000;
    expect(resultOf(create(`pm_sim_${name}`))).toMatchObject({ status: 'requires_capture' });
    expect(effects()).toEqual(['authorized create']);
  });

  it.each(['error_500_kept_before_effect', 'error_500_kept_after_effect'])(
    '%s is all that the key ever gets; only who asks for the payment learns more',
    (name) => {
      const first = create(`pm_sim_${name}`);
      const second = create(`pm_sim_${name}`);
      expect([first.isReplay, second.isReplay]).toEqual([false, true]);
      expect(refusedOf(second)?.status).toBe(500);
      const found = resultOf(simulator.search(call(undefined, 'search'), 'operation_id', 'create'));
      expect(found).toHaveLength(name.endsWith('after_effect') ? 1 : 0);
    },
  );

  it.each(['capture', 'void', 'refund'] as const)(
    'of a later step leaves the authorization alone: %s',
    (step) => {
      const isRefund = step === 'refund';
      const method = `pm_sim_${step}_reset_after_effect`;
      const intent = isRefund ? captured(method) : resultOf(create(method));
      const order = { intentId: intent.id, isFinal: true, metadata: {} };
      const act = (): Reply<unknown> =>
        isRefund
          ? refund(intent.id)
          : step === 'void'
            ? simulator.cancel(call('void'), intent.id)
            : simulator.capture(call('capture'), order);
      expect(act()).toMatchObject({ ending: 'reset' });
      expect(act()).toMatchObject({ ending: 'answered', isReplay: true });
      expect(effects()).toHaveLength(2);
    },
  );

  it('can be asked for by a request that only reads', () => {
    const { id } = captured();
    expect(simulator.intent(call(undefined, 'read', 'timeout_before_effect'), id).ending).toBe('hangs');
    expect(resultOf(simulator.intent(call(undefined, 'read'), id)).id).toBe(id);
  });
});

describe('a key', () => {
  it('gets the answer of its first request, as it was then', () => {
    const first = create('pm_card_visa');
    simulator.cancel(call('void'), resultOf(first).id);
    const second = create('pm_card_visa');
    expect(second).toMatchObject({ executed: first.executed, isReplay: true, webhooks: [] });
  });

  it('keeps a refusal', () => {
    create('pm_card_chargeDeclined');
    expect(create('pm_card_chargeDeclined').isReplay).toBe(true);
    expect(refusedOf(create('pm_card_chargeDeclined'))?.status).toBe(402);
  });

  it('is refused to another request', () => {
    create('pm_card_visa');
    const other = simulator.cancel(call('create', 'another request'), 'pi');
    expect(refusedOf(other)).toMatchObject({ status: 400, type: 'idempotency_error' });
  });

  it.each<BehaviourName>([
    'timeout_after_effect',
    'reset_after_effect',
    'error_500_after_effect',
    'error_500_kept_before_effect',
    'error_500_kept_after_effect',
    'slow',
  ])('is refused to another request also when the first ended with %s', (name) => {
    create(`pm_sim_${name}`);
    const before = effects();
    const ofOtherParameters = simulator.create(call('create', 'other parameters'), order('pm_card_visa'));
    const ofOtherPath = simulator.cancel(call('create', 'another path'), 'pi_1');
    for (const other of [ofOtherParameters, ofOtherPath]) {
      expect(other).toMatchObject({ ending: 'answered', isReplay: false });
      expect(refusedOf(other)).toMatchObject({ status: 400, type: 'idempotency_error' });
    }
    expect(effects()).toEqual(before);
  });

  it.each<BehaviourName>([
    'timeout_before_effect',
    'reset_before_effect',
    'error_500_before_effect',
    'rate_limited',
  ])('is free for any request when the first, which ended with %s, was never carried out', (name) => {
    create(`pm_sim_${name}`);
    const other = simulator.create(call('create', 'other parameters'), order('pm_card_visa', { amount: 1 }));
    expect(resultOf(other)).toMatchObject({ amount: 1 });
    expect(effects()).toEqual(['authorized create']);
    expect(refusedOf(create('pm_card_visa'))).toMatchObject({ type: 'idempotency_error' });
  });

  it('is in use while a slow request is carried out', () => {
    create('pm_sim_slow');
    expect(refusedOf(create('pm_sim_slow'))).toMatchObject({ status: 409 });
    now += 3_000;
    expect(create('pm_sim_slow')).toMatchObject({ isReplay: true, ending: 'answered', delayMs: 0 });
  });

  it('is free again after the retention: the same request then charges twice', () => {
    simulator.follow({ keyRetentionMs: 1_000 });
    create('pm_card_visa');
    now += 1_000;
    expect(create('pm_card_visa').isReplay).toBe(false);
    expect(effects()).toEqual(['authorized create', 'authorized create']);
  });

  it('that is missing makes every request its own', () => {
    const order = { intentId: captured().id, amount: 1, reason: null, metadata: {} };
    simulator.refund(call(undefined, 'the same'), order);
    simulator.refund(call(undefined, 'the same'), order);
    expect(effects()).toHaveLength(3);
  });
});

describe('the bank', () => {
  it('knows no method that is not there', () => {
    expect(refusedOf(create('pm_none'))).toMatchObject({ code: 'resource_missing', param: 'payment_method' });
  });

  it('may refuse a capture, every time', () => {
    const { id } = resultOf(create('pm_sim_capture_fails'));
    const order = { intentId: id, isFinal: true, metadata: {} };
    expect(refusedOf(simulator.capture(call('one'), order))).toMatchObject({ status: 402 });
    expect(refusedOf(simulator.capture(call('two'), order))).toMatchObject({ status: 402 });
    expect(effects()).toEqual(['authorized create']);
  });

  it('refuses an authorization that captures at once when it refuses the capture', () => {
    expect(refusedOf(create('pm_sim_capture_fails', 'create', { captureMethod: 'automatic' }))).toMatchObject(
      {
        status: 402,
      },
    );
    expect(effects()).toEqual([]);
  });

  it('may refuse a refund at once', () => {
    expect(resultOf(refund(captured('pm_sim_refund_fails').id))).toMatchObject({ status: 'failed' });
    expect(simulator.nextSettlementAt).toBeUndefined();
  });

  it.each([
    ['pm_card_pendingRefund', 'pending', 'succeeded', ['refund.updated'], 1_000],
    ['pm_card_refundFail', 'succeeded', 'failed', ['refund.updated', 'refund.failed'], 0],
  ])('may decide about a refund later: %s is %s, then %s', (method, first, later, types, refunded) => {
    const { id } = resultOf(refund(captured(method).id));
    const read = () => resultOf(simulator.refundOf(call(undefined, 'read'), id)).status;
    expect(read()).toBe(first);
    expect(simulator.nextSettlementAt).toBe(now + 500);
    expect(simulator.settle()).toEqual([]);
    now += 500;
    expect(simulator.settle().map(({ news }) => news.type)).toEqual(types);
    expect(read()).toBe(later);
    expect(simulator.nextSettlementAt).toBeUndefined();
    expect(simulator.totals).toEqual({
      gbp: { captured: 1_000, refunded, disputed: 0, net: 1_000 - refunded },
    });
  });
});

describe('webhooks', () => {
  const CAPTURE_NEWS = [
    'payment_intent.amount_capturable_updated',
    'charge.captured',
    'payment_intent.succeeded',
  ];
  const capture = (method: string): Reply<Intent> => {
    const { id: intentId } = resultOf(create(method));
    return simulator.capture(call('capture'), { intentId, isFinal: true, metadata: {} });
  };

  it('follow the answer, in the order in which it happened', () => {
    const reply = capture('pm_card_visa');
    expect(reported(reply)).toEqual(CAPTURE_NEWS);
    expect(reply.webhooks).toMatchObject(CAPTURE_NEWS.map(() => ({ isBeforeResponse: false, delayMs: 0 })));
  });

  it('are sent also when the answer is not', () => {
    expect(reported(create('pm_sim_timeout_after_effect'))).toEqual([
      'payment_intent.amount_capturable_updated',
    ]);
  });

  it('may come before the answer', () => {
    expect(capture('pm_sim_webhook_before_response').webhooks).toMatchObject(
      CAPTURE_NEWS.map(() => ({ isBeforeResponse: true })),
    );
  });

  it('may come twice, as the same event', () => {
    const { webhooks } = create('pm_sim_webhook_duplicate');
    expect(new Set(webhooks.map(({ news }) => news.id)).size).toBe(1);
    expect(webhooks).toHaveLength(2);
  });

  it('may come the wrong way round, behind those of later requests', () => {
    const reply = capture('pm_sim_webhook_out_of_order');
    expect(reported(reply)).toEqual([...CAPTURE_NEWS].reverse());
    expect(reply.webhooks.every(({ delayMs }) => delayMs === 1_000)).toBe(true);
  });

  it('may be lost', () => {
    expect(capture('pm_sim_webhook_lost').webhooks).toEqual([]);
    expect(effects()).toHaveLength(2);
  });

  it('show what they are about as it was then', () => {
    const { webhooks } = create('pm_card_visa');
    simulator.cancel(call('void'), webhooks[0]!.news.intent.id);
    expect(webhooks[0]!.news.intent.status).toBe('requires_capture');
  });
});

describe('the search', () => {
  it('lags behind when it is told to', () => {
    simulator.follow({ searchLagMs: 1_000 });
    create('pm_card_visa');
    const search = () => resultOf(simulator.search(call(undefined, 'search'), 'operation_id', 'create'));
    now += 999;
    expect(search()).toEqual([]);
    now += 1;
    expect(search()).toHaveLength(1);
  });
});

describe('reset', () => {
  it('forgets payments, keys, the log and the script', () => {
    simulator.follow({ rules: [{ behaviour: 'rate_limited' }] });
    create('pm_card_visa');
    simulator.reset();
    expect(simulator.effects).toEqual([]);
    expect(create('pm_card_visa')).toMatchObject({ ending: 'answered', isReplay: false });
  });
});

describe('totals', () => {
  it('are by currency', () => {
    const { id } = captured();
    create('pm_card_visa', 'euros', { currency: 'eur', captureMethod: 'automatic', amount: 50 });
    simulator.refund(call('refund'), { intentId: id, amount: 300, reason: null, metadata: {} });
    expect(simulator.totals).toEqual({
      gbp: { captured: 1_000, refunded: 300, disputed: 0, net: 700 },
      eur: { captured: 50, refunded: 0, disputed: 0, net: 50 },
    });
  });
});
