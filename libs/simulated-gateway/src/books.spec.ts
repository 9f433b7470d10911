import { Books } from './books.js';
import type { NewIntent, Verdict } from './new-intent.js';
import type { Intent } from './records.js';
import { refusalOf } from './testing/replies.js';

let now: number;
let books: Books;

beforeEach(() => {
  now = 1_000;
  books = new Books(() => now, 1);
});

const anIntent = (different: Partial<NewIntent> = {}): NewIntent => ({
  amount: 1_000,
  currency: 'gbp',
  captureMethod: 'manual',
  confirm: true,
  paymentMethod: 'pm_card_visa',
  metadata: { operation_id: 'op' },
  multicapture: true,
  errorOnAction: true,
  authorizationMs: 60_000,
  ...different,
});
const create = (different: Partial<NewIntent> = {}, verdict: Verdict = 'approved', key = 'create'): Intent =>
  books.create(key, anIntent(different), verdict);
const capture = (key: string, intentId: string, amount?: number, isFinal = true): Intent =>
  books.capture(key, { intentId, amount, isFinal, metadata: { capture_operation_id: key } });
const refund = (
  key: string,
  intentId: string,
  amount?: number,
  status: 'succeeded' | 'pending' | 'failed' = 'succeeded',
) => books.refund(key, { intentId, amount, reason: null, metadata: {} }, status);
const effects = () => books.effects.map(({ kind, key, amount }) => [kind, key, amount]);
const news = () => books.takeNews().map(({ type }) => type);

describe('an intent', () => {
  it('with manual capture is held', () => {
    expect(create()).toMatchObject({
      status: 'requires_capture',
      amountCapturable: 1_000,
      amountReceived: 0,
    });
    expect(effects()).toEqual([['authorized', 'create', 1_000]]);
    expect(news()).toEqual(['payment_intent.amount_capturable_updated']);
  });

  it('with automatic capture is taken in one effect', () => {
    const intent = create({ captureMethod: 'automatic' });
    expect(intent).toMatchObject({ status: 'succeeded', amountCapturable: 0, amountReceived: 1_000 });
    expect(effects()).toEqual([['captured', 'create', 1_000]]);
    expect(news()).toEqual(['payment_intent.succeeded']);
  });

  it('that is declined stays in the books, and has no effect', () => {
    const decline = { code: 'card_declined', declineCode: 'insufficient_funds', message: 'No.' };
    const { intent, ...details } = refusalOf(() => create({}, decline));
    expect(details).toEqual({ status: 402, type: 'card_error', ...decline });
    expect(books.intent(intent!.id)).toMatchObject({ status: 'requires_payment_method', lastError: decline });
    expect(effects()).toEqual([]);
    expect(news()).toEqual(['payment_intent.payment_failed']);
  });

  it('that needs the shopper waits for them', () => {
    expect(create({ errorOnAction: false }, 'action_required')).toMatchObject({ status: 'requires_action' });
    expect(effects()).toEqual([]);
    expect(news()).toEqual(['payment_intent.requires_action']);
  });

  it('that must not wait for the shopper is declined', () => {
    expect(refusalOf(() => create({}, 'action_required'))).toMatchObject({
      status: 402,
      code: 'authentication_required',
      declineCode: 'authentication_not_handled',
    });
  });

  it.each([
    ['pm_card_visa', 'requires_confirmation'],
    [null, 'requires_payment_method'],
  ])('that is not confirmed, with %s, asks nobody', (paymentMethod, status) => {
    expect(create({ confirm: false, paymentMethod })).toMatchObject({ status, chargeId: null });
    expect(effects()).toEqual([]);
  });

  it('has the name that follows from seed and key; a key that is used again makes another', () => {
    const { id } = create();
    expect(new Books(() => 5, 1).create('create', anIntent(), 'approved').id).toBe(id);
    expect(new Books(() => 5, 2).create('create', anIntent(), 'approved').id).not.toBe(id);
    expect(create().id).not.toBe(id);
    expect(effects()).toHaveLength(2);
  });
});

describe('a capture', () => {
  it('takes all when no amount is named, and adds its metadata', () => {
    const { id } = create();
    books.takeNews();
    expect(capture('take', id)).toMatchObject({
      status: 'succeeded',
      amountReceived: 1_000,
      metadata: { operation_id: 'op', capture_operation_id: 'take' },
    });
    expect(effects().slice(1)).toEqual([['captured', 'take', 1_000]]);
    expect(news()).toEqual([
      'payment_intent.amount_capturable_updated',
      'charge.captured',
      'payment_intent.succeeded',
    ]);
  });

  it('of a part is the last one, unless it says otherwise', () => {
    const { id } = create();
    expect(capture('part', id, 400, false)).toMatchObject({
      status: 'requires_capture',
      amountCapturable: 600,
    });
    expect(capture('rest', id, 500)).toMatchObject({
      status: 'succeeded',
      amountCapturable: 0,
      amountReceived: 900,
    });
    expect(effects().slice(1)).toEqual([
      ['captured', 'part', 400],
      ['captured', 'rest', 500],
    ]);
  });

  it('of nothing gives back what a part has left', () => {
    const { id } = create();
    capture('part', id, 400, false);
    expect(capture('release', id, 0)).toMatchObject({ status: 'succeeded', amountReceived: 400 });
    expect(effects().at(-1)).toEqual(['voided', 'release', 600]);
  });

  it.each<[string, Partial<NewIntent>, number, boolean, object]>([
    ['more than is held', {}, 1_001, true, { code: 'amount_too_large', param: 'amount_to_capture' }],
    [
      'what is captured already',
      { captureMethod: 'automatic' },
      1,
      true,
      { code: 'payment_intent_unexpected_state' },
    ],
    [
      'a part that is not the last of a card that cannot',
      { multicapture: false },
      1,
      false,
      { param: 'final_capture' },
    ],
    ['nothing of what nothing was captured of', {}, 0, true, { param: 'amount_to_capture' }],
  ])('of %s is refused and changes nothing', (_, different, amount, isFinal, details) => {
    const intent = create(different);
    const before = effects();
    expect(refusalOf(() => capture('take', intent.id, amount, isFinal))).toMatchObject({
      status: 400,
      ...details,
    });
    expect(books.intent(intent.id)).toBe(intent);
    expect(effects()).toEqual(before);
  });
});

describe('a cancellation', () => {
  it('gives back what is held', () => {
    const { id } = create();
    books.takeNews();
    now = 2_000;
    expect(books.cancel('end', id)).toMatchObject({
      status: 'canceled',
      amountCapturable: 0,
      canceledAt: 2_000,
    });
    expect(effects().at(-1)).toEqual(['voided', 'end', 1_000]);
    expect(news()).toEqual(['payment_intent.canceled']);
  });

  it('of what holds nothing has no effect', () => {
    const { id } = create({ confirm: false });
    expect(books.cancel('end', id)).toMatchObject({ status: 'canceled' });
    expect(effects()).toEqual([]);
  });

  it('is refused when the intent is over', () => {
    const { id } = create();
    books.cancel('end', id);
    expect(refusalOf(() => books.cancel('again', id))).toMatchObject({
      status: 400,
      code: 'payment_intent_unexpected_state',
      intent: { status: 'canceled' },
    });
  });

  it('is refused when a part was captured', () => {
    const { id } = create();
    capture('part', id, 1, false);
    expect(refusalOf(() => books.cancel('end', id))).toMatchObject({
      code: 'payment_intent_unexpected_state',
    });
  });
});

describe('a refund', () => {
  it('gives back what it says, or all that is left', () => {
    const { id } = create({ captureMethod: 'automatic' });
    books.takeNews();
    expect(refund('first', id, 300)).toMatchObject({ amount: 300, status: 'succeeded' });
    expect(refund('rest', id)).toMatchObject({ amount: 700 });
    expect(books.intent(id)).toMatchObject({ amountRefunded: 1_000, status: 'succeeded' });
    expect(effects().slice(1)).toEqual([
      ['refunded', 'first', 300],
      ['refunded', 'rest', 700],
    ]);
    expect(news().slice(0, 2)).toEqual(['refund.created', 'charge.refunded']);
    expect(books.refundsOfIntent(id).map(({ amount }) => amount)).toEqual([700, 300]);
  });

  it('that the bank refuses has no effect', () => {
    const { id } = create({ captureMethod: 'automatic' });
    expect(refund('first', id, 300, 'failed')).toMatchObject({ status: 'failed', failureReason: 'declined' });
    expect(books.intent(id)).toMatchObject({ amountRefunded: 0 });
    expect(effects()).toHaveLength(1);
  });

  it('that fails later puts back what it gave', () => {
    const { id } = create({ captureMethod: 'automatic' });
    const { id: refundId } = refund('first', id, 300);
    books.takeNews();
    books.settleRefund('first', refundId, 'failed');
    expect(books.refundOf(refundId)).toMatchObject({ status: 'failed', failureReason: 'declined' });
    expect(books.intent(id)).toMatchObject({ amountRefunded: 0 });
    expect(effects().at(-1)).toEqual(['refund_failed', 'first', 300]);
    expect(news()).toEqual(['refund.updated', 'refund.failed']);
    books.settleRefund('first', refundId, 'failed');
    expect(effects()).toHaveLength(3);
  });

  it('that was pending and succeeds has had its effect already', () => {
    const { id } = create({ captureMethod: 'automatic' });
    const { id: refundId } = refund('first', id, 300, 'pending');
    books.takeNews();
    books.settleRefund('first', refundId, 'succeeded');
    expect(books.refundOf(refundId)).toMatchObject({ status: 'succeeded' });
    expect(effects()).toHaveLength(2);
    expect(news()).toEqual(['refund.updated']);
  });

  it.each<[string, Partial<NewIntent>, number | undefined, object]>([
    ['of what was not captured', {}, 1, { code: 'payment_intent_unexpected_state' }],
    ['of more than was captured', { captureMethod: 'automatic' }, 1_001, { param: 'amount' }],
  ])('%s is refused', (_, different, amount, details) => {
    const { id } = create(different);
    expect(refusalOf(() => refund('back', id, amount))).toMatchObject({ status: 400, ...details });
  });

  it('of what was given back already is refused', () => {
    const { id } = create({ captureMethod: 'automatic' });
    refund('all', id);
    expect(refusalOf(() => refund('more', id))).toMatchObject({ code: 'charge_already_refunded' });
  });
});

describe('what is not there', () => {
  it.each<[string, string, () => unknown]>([
    ['an intent', 'intent', () => books.intent('pi_none')],
    ['the intent of a capture', 'intent', () => capture('take', 'pi_none')],
    ['the intent of a refund', 'payment_intent', () => refund('back', 'pi_none')],
    ['a refund', 'refund', () => books.refundOf('re_none')],
  ])('is missing: %s', (_, param, run) => {
    expect(refusalOf(run)).toMatchObject({ status: 404, code: 'resource_missing', param });
  });
});

describe('the search', () => {
  it('finds what carries the value under the name, and was there in time, newest first', () => {
    create({ metadata: { operation_id: 'a' } }, 'approved', 'one');
    now = 2_000;
    create({ metadata: { operation_id: 'a' } }, 'approved', 'two');
    create({ metadata: { operation_id: 'b' } }, 'approved', 'three');
    const found = (before: number) =>
      books.intentsWith('operation_id', 'a', before).map(({ createdAt }) => createdAt);
    expect(found(2_000)).toEqual([2_000, 1_000]);
    expect(found(1_999)).toEqual([1_000]);
    expect(books.intentsWith('toString', 'a', 2_000)).toEqual([]);
  });
});
