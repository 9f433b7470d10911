import { type Call, PaymentSimulator, type Reply } from './payment-simulator.js';
import type { Intent } from './records.js';
import type { DisputeOrder } from './rules.js';
import { refusalOf, resultOf } from './testing/replies.js';

let now: number;
let simulator: PaymentSimulator;

beforeEach(() => {
  now = 1_000_000;
  simulator = new PaymentSimulator({ now: () => now });
});

const call = (key: string): Call => ({ key, fingerprint: key });
const reading: Call = { fingerprint: 'read' };

/** A payment of 1,000, held or, if it is so said, captured. */
function pay(captureMethod: 'manual' | 'automatic', paymentMethod = 'pm_card_visa'): Reply<Intent> {
  return simulator.create(call('create'), {
    amount: 1_000,
    currency: 'gbp',
    captureMethod,
    confirm: true,
    paymentMethod,
    metadata: {},
    multicapture: true,
    errorOnAction: true,
  });
}
const held = (): string => resultOf(pay('manual')).id;
const captured = (): string => resultOf(pay('automatic')).id;
const capture = (intentId: string, amount?: number, isFinal = true): Reply<Intent> =>
  simulator.capture(call(`capture ${amount ?? 'all'}`), { intentId, amount, isFinal, metadata: {} });
const refund = (intentId: string, amount?: number) =>
  simulator.refund(call(`refund ${amount ?? 'all'}`), { intentId, amount, reason: null, metadata: {} });
const dispute = (intentId: string, different: Partial<DisputeOrder> = {}) =>
  simulator.openDispute({ intentId, reason: 'general', ...different });
const intent = (id: string): Intent => resultOf(simulator.intent(reading, id));
const effects = () => simulator.effects.map(({ kind, amount }) => [kind, amount]);
const reported = ({ webhooks }: Pick<Reply<unknown>, 'webhooks'>) => webhooks.map(({ news }) => news.type);

describe('a dispute', () => {
  it('takes back all that is left of what was captured', () => {
    const id = captured();
    refund(id, 300);
    const opened = dispute(id);
    expect(opened.result).toMatchObject({
      intentId: id,
      chargeId: intent(id).chargeId,
      amount: 700,
      currency: 'gbp',
      reason: 'general',
      status: 'needs_response',
      createdAt: now,
      dueAt: now + 7 * 86_400_000,
    });
    expect(reported(opened)).toEqual(['charge.dispute.created', 'charge.dispute.funds_withdrawn']);
    expect(opened.webhooks).toMatchObject([{ news: { dispute: opened.result } }, {}]);
    expect(effects().at(-1)).toEqual(['disputed', 700]);
    expect(simulator.effects.at(-1)).toMatchObject({ disputeId: opened.result.id, refundId: null });
    expect(simulator.totals).toEqual({ gbp: { captured: 1_000, refunded: 300, disputed: 700, net: 0 } });
    expect(resultOf(simulator.disputeOf(reading, opened.result.id))).toEqual(opened.result);
  });

  it('that is won gives it back', () => {
    const id = captured();
    const { result: open } = dispute(id, { amount: 400 });
    const closed = simulator.closeDispute(open.id, 'won');
    expect(closed.result).toEqual({ ...open, status: 'won' });
    expect(reported(closed)).toEqual(['charge.dispute.closed', 'charge.dispute.funds_reinstated']);
    expect(effects().slice(1)).toEqual([
      ['disputed', 400],
      ['dispute_won', 400],
    ]);
    expect(intent(id)).toMatchObject({ amountDisputed: 0, wasDisputed: true });
    expect(simulator.totals).toMatchObject({ gbp: { disputed: 0, net: 1_000 } });
    expect(resultOf(refund(id))).toMatchObject({ amount: 1_000 });
  });

  it('that is lost leaves everything as it is', () => {
    const id = captured();
    const { result: open } = dispute(id);
    const closed = simulator.closeDispute(open.id, 'lost');
    expect(closed.result).toEqual({ ...open, status: 'lost' });
    expect(reported(closed)).toEqual(['charge.dispute.closed']);
    expect(effects().slice(1)).toEqual([['disputed', 1_000]]);
    expect(simulator.totals).toMatchObject({ gbp: { disputed: 1_000, net: 0 } });
  });

  it('is over once', () => {
    const { result: open } = dispute(captured());
    simulator.closeDispute(open.id, 'lost');
    expect(refusalOf(() => simulator.closeDispute(open.id, 'won'))).toMatchObject({ status: 400 });
    expect(effects()).toHaveLength(2);
  });

  it('stops refunds of what it has taken', () => {
    const id = captured();
    dispute(id, { amount: 900 });
    expect(refusalOf(() => resultOf(refund(id, 101)))).toMatchObject({ status: 400, param: 'amount' });
    expect(resultOf(refund(id, 100))).toMatchObject({ status: 'succeeded' });
    expect(refusalOf(() => resultOf(refund(id, 1)))).toMatchObject({ status: 400, code: 'charge_disputed' });
  });

  it('may not be the only one of a payment: they are listed, newest first', () => {
    const id = captured();
    dispute(id, { amount: 1 });
    dispute(id, { amount: 2 });
    const listed = resultOf(simulator.disputesOfIntent(reading, id));
    expect(listed.map(({ amount }) => amount)).toEqual([2, 1]);
  });

  it.each<[string, () => string, number | undefined, object]>([
    ['of what was not captured', held, undefined, { code: 'payment_intent_unexpected_state' }],
    ['of more than was captured', captured, 1_001, { param: 'amount' }],
    ['of an unknown payment', () => 'pi_none', 1, { code: 'resource_missing', param: 'payment_intent' }],
  ])('%s is refused and changes nothing', (_, payment, amount, details) => {
    const id = payment();
    const before = effects();
    expect(refusalOf(() => dispute(id, { amount }))).toMatchObject(details);
    expect(effects()).toEqual(before);
  });

  it.each([
    ['closed', () => simulator.closeDispute('dp_none', 'won')],
    ['shown', () => resultOf(simulator.disputeOf(reading, 'dp_none'))],
  ])('that is not there cannot be %s', (_, run) => {
    expect(refusalOf(run)).toMatchObject({ status: 404, code: 'resource_missing', param: 'dispute' });
  });
});

describe('whoever pays with pm_card_createDispute', () => {
  it('disputes what is captured at once, as fraudulent', () => {
    const reply = pay('automatic', 'pm_card_createDispute');
    expect(reported(reply)).toEqual([
      'payment_intent.succeeded',
      'charge.dispute.created',
      'charge.dispute.funds_withdrawn',
    ]);
    const [opened] = resultOf(simulator.disputesOfIntent(reading, resultOf(reply).id));
    expect(opened).toMatchObject({ amount: 1_000, reason: 'fraudulent', status: 'needs_response' });
    expect(simulator.effects.map(({ kind, key }) => [kind, key])).toEqual([
      ['captured', 'create'],
      ['disputed', 'create'],
    ]);
  });

  it('disputes each capture of what was held', () => {
    const { id } = resultOf(pay('manual', 'pm_card_createDispute'));
    capture(id, 400, false);
    capture(id, 600);
    expect(effects()).toEqual([
      ['authorized', 1_000],
      ['captured', 400],
      ['disputed', 400],
      ['captured', 600],
      ['disputed', 600],
    ]);
  });

  it('disputes once, however often the capture is sent', () => {
    pay('automatic', 'pm_card_createDispute');
    pay('automatic', 'pm_card_createDispute');
    expect(effects()).toHaveLength(2);
  });
});

describe('an authorization that expires', () => {
  it('says until when it can be captured, as the script has it', () => {
    expect(intent(held()).captureBefore).toBe(now + 7 * 86_400_000);
    simulator.reset();
    simulator.follow({ authorizationMs: 5_000 });
    expect(intent(held()).captureBefore).toBe(now + 5_000);
    simulator.reset();
    expect(intent(captured()).captureBefore).toBeNull();
  });

  it('is canceled, and gives back what it held', () => {
    const id = held();
    now += 5;
    const expired = simulator.expireAuthorization(id);
    expect(expired.result).toMatchObject({
      status: 'canceled',
      cancellationReason: 'automatic',
      canceledAt: now,
      amountCapturable: 0,
    });
    expect(reported(expired)).toEqual(['payment_intent.canceled']);
    expect(effects()).toEqual([
      ['authorized', 1_000],
      ['voided', 1_000],
    ]);
    expect(refusalOf(() => resultOf(capture(id)))).toMatchObject({ code: 'payment_intent_unexpected_state' });
  });

  it('keeps what was captured in part, and gives back the rest', () => {
    const id = held();
    capture(id, 400, false);
    const expired = simulator.expireAuthorization(id);
    expect(expired.result).toMatchObject({ status: 'succeeded', amountReceived: 400, amountCapturable: 0 });
    expect(reported(expired)).toContain('payment_intent.succeeded');
    expect(effects().slice(1)).toEqual([
      ['captured', 400],
      ['voided', 600],
    ]);
  });

  it.each<[string, () => string, object]>([
    ['that is captured', captured, { code: 'payment_intent_unexpected_state' }],
    ['that is not there', () => 'pi_none', { code: 'resource_missing', param: 'payment_intent' }],
  ])('must hold something: one %s is refused', (_, payment, details) => {
    const id = payment();
    expect(refusalOf(() => simulator.expireAuthorization(id))).toMatchObject(details);
  });

  it('is told apart from one that somebody canceled', () => {
    const id = held();
    expect(resultOf(simulator.cancel(call('cancel'), id, 'abandoned'))).toMatchObject({
      cancellationReason: 'abandoned',
    });
  });
});

describe('a payment that is not from here', () => {
  const payment = { id: 'theirs', amount: 500, currency: 'gbp', paymentMethod: 'pm_card_visa' };

  it.each([
    ['held', false, () => capture('theirs', 500)],
    ['held', false, () => simulator.cancel(call('cancel'), 'theirs')],
    ['captured', true, () => refund('theirs', 500)],
  ])('is taken over as %s, without effect, and what follows can be asked of it', (_, isCaptured, act) => {
    simulator.adopt({ ...payment, isCaptured });
    expect(effects()).toEqual([]);
    resultOf<unknown>(act());
    expect(effects()).toHaveLength(1);
  });
});
