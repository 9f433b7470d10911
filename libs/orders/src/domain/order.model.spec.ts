import fc from 'fast-check';
import { type LinePieces, Order, type OrderLine, type PaymentNews } from './order.js';
import { ORDER_CHANGES, type OrderChange } from './order-change.js';
import { ORDER_STATUSES, ORDER_TRANSITIONS, type OrderStatus } from './order-status.js';
import { aLine, gbp, news, PLACED_AT } from './testing/order-builders.js';
import { type Answer, OrderModel } from './testing/order-model.js';
import { StoredOrder } from './testing/stored-order.js';

const WINDOW_MINUTES = 15;
const QUIET_MINUTES = 60;

const minutesAfterPlacing = (minutes: number) => new Date(PLACED_AT.getTime() + minutes * 60_000);

/** A command: what is asked of the order, and what the model says must come of it. */
class Step implements fc.Command<OrderModel, StoredOrder> {
  constructor(
    private readonly name: string,
    private readonly ask: (order: Order, now: Date, model: OrderModel) => void,
    private readonly foretell: (model: OrderModel) => Answer,
    private readonly afterMinutes = 0,
  ) {}

  check(): boolean {
    return true;
  }

  run(model: OrderModel, order: StoredOrder): void {
    model.minute += this.afterMinutes;
    const before = { ...order.state };
    const rowsBefore = order.timeline.length;
    const now = minutesAfterPlacing(model.minute);
    const thrown = thrownBy(() => order.update((it) => this.ask(it, now, model)));
    const answer = this.foretell(model);
    const rows = order.timeline.slice(rowsBefore);
    if ('refused' in answer) {
      expect(thrown).toMatchObject({ code: answer.refused });
      expect(order.state).toEqual(before);
      expect(rows).toEqual([]);
    } else {
      expect(thrown).toBeUndefined();
      expect(rows.map(({ from, to, change }) => ({ from, to, change }))).toEqual(
        answer.noted ? [answer.noted] : [],
      );
      for (const { occurredAt } of rows) expect(occurredAt).toEqual(now);
    }
    expectAgreement(model, order);
    expect(brokenInvariants(order)).toEqual([]);
  }

  toString(): string {
    return this.name;
  }
}

function thrownBy(act: () => void): unknown {
  try {
    act();
    return undefined;
  } catch (thrown) {
    return thrown;
  }
}

function expectAgreement(model: OrderModel, { state, lines }: StoredOrder): void {
  const { status, outcome, declineCode } = state.payment;
  expect({
    status: state.status,
    payment: { status, outcome, declineCode },
    version: state.version,
    customerId: state.customerId,
    lines: lines.map((line) => [
      line.fulfilledQuantity,
      line.canceledQuantity,
      line.returnedQuantity,
      line.refundedAmount,
    ]),
  }).toEqual({
    status: model.status,
    payment: model.payment,
    version: model.version,
    customerId: model.customerId,
    lines: model.lines.map(({ fulfilled, canceled, returned, refunded }) => [
      fulfilled,
      canceled,
      returned,
      refunded,
    ]),
  });
}

const ENDS = ORDER_STATUSES.filter((status) => ORDER_TRANSITIONS[status].length === 0);
const NOTHING_LEFT: readonly OrderStatus[] = [
  'pending_payment',
  'confirmed',
  'cancel_pending',
  'canceled',
  'expired',
];

/** The rules that hold for every order at any moment, whatever the model thinks; returns those that are broken. */
function brokenInvariants({ state, lines, timeline }: StoredOrder): string[] {
  const isNothingOpen = lines.every(
    ({ quantity, fulfilledQuantity, canceledQuantity }) => fulfilledQuantity + canceledQuantity === quantity,
  );
  const rules = {
    'each row of the timeline is one version': timeline.every(({ version }, index) => version === index + 1),
    'the last row is the order':
      timeline.at(-1)?.version === state.version && timeline.at(-1)?.to === state.status,
    'each row begins where the one before ended': timeline.every(
      ({ from }, index) => from === (timeline[index - 1]?.to ?? null),
    ),
    'the status goes only where the table says': timeline.every(
      ({ from, to }) => from === null || from === to || ORDER_TRANSITIONS[from].includes(to),
    ),
    'ends stay': timeline.every(({ from, to }) => from === null || !ENDS.includes(from) || from === to),
    '0 <= returned <= fulfilled <= quantity': lines.every(
      ({ quantity, fulfilledQuantity, returnedQuantity }) =>
        0 <= returnedQuantity && returnedQuantity <= fulfilledQuantity && fulfilledQuantity <= quantity,
    ),
    'it is fulfilled when all of it has left or was given up, and not before':
      isNothingOpen === (state.status === 'fulfilled' || state.status === 'completed'),
    'nothing is given up but in an order that is closed': lines.every(
      ({ canceledQuantity }) => canceledQuantity === 0 || state.closing !== null,
    ),
    'nothing of it has left before it is fulfilled in part': lines.every(
      ({ fulfilledQuantity }) => fulfilledQuantity === 0 || !NOTHING_LEFT.includes(state.status),
    ),
  };
  const broken = Object.entries(rules).filter(([, holds]) => !holds);
  return broken.map(([rule]) => rule);
}

/** Lines of a few pieces each. */
const anyOpening = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 });

function placedWith(quantities: readonly number[]): StoredOrder {
  const lines: OrderLine[] = quantities.map((quantity, index) =>
    aLine(`line ${index}`, quantity, 110 * quantity),
  );
  const pieces = quantities.reduce((sum, quantity) => sum + quantity, 0);
  const order = Order.place(
    {
      id: 'order',
      customerId: null,
      email: 'ada@example.com',
      currency: 'GBP',
      subtotal: gbp(100 * pieces),
      shipping: gbp(0),
      tax: gbp(10 * pieces),
      total: gbp(110 * pieces),
      paymentId: 'payment',
      shippingAddress: null,
      metadata: {},
      placedAt: PLACED_AT,
      expiresAt: minutesAfterPlacing(WINDOW_MINUTES),
    },
    lines,
  );
  return new StoredOrder(order);
}

/** Of a line that every order has, of one that some have, and of one that none has. */
const anyLineId = fc.oneof(
  { weight: 4, arbitrary: fc.constant('line 0') },
  { weight: 4, arbitrary: fc.nat({ max: 2 }).map((index) => `line ${index}`) },
  fc.constant('no line'),
);
const anyPieces: fc.Arbitrary<LinePieces[]> = fc.array(
  fc.record({ lineId: anyLineId, quantity: fc.integer({ min: 1, max: 4 }) }),
  { minLength: 1, maxLength: 3 },
);

/** What a payment may tell: consistent in itself, in any order. */
const anyNews: fc.Arbitrary<PaymentNews> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.constantFrom<PaymentNews>(
      news({ status: 'captured', cause: 'payment_captured' }),
      news({ status: 'authorized', cause: 'payment_authorized' }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom<PaymentNews>(
      news({ status: 'partially_captured', cause: 'payment_captured' }),
      news({ status: 'requires_payment_method', declineCode: 'expired_card', cause: 'payment_declined' }),
      news({ status: 'requires_action', cause: 'payment_action_required' }),
      news({ status: 'processing', outcome: 'pending', cause: 'payment_retried' }),
      news({ status: 'processing', outcome: 'unknown', cause: 'payment_outcome_unknown' }),
      news({ status: 'canceled', cause: 'payment_canceled' }),
      news({ status: 'canceled', cause: 'payment_authorization_expired' }),
      news({ status: 'captured', cause: 'payment_disputed' }),
      news({ status: 'captured', cause: 'payment_dispute_updated' }),
      news({ status: 'captured', cause: 'refund_reversed' }),
      news({ status: 'captured', cause: 'refund_failed' }),
      news({ status: 'authorized', cause: 'payment_capture_failed' }),
      news({ status: 'authorized', cause: 'payment_void_failed' }),
      news({ status: 'processing', outcome: 'unknown', cause: 'payment_needs_attention' }),
      news({ status: 'failed', cause: 'payment_updated' }),
    ),
  },
  fc
    .array(fc.record({ lineId: anyLineId, amount: fc.nat({ max: 50 }) }), { maxLength: 2 })
    .map((refunded) => news({ status: 'captured', cause: 'refunded', refunded })),
);

const show = (pieces: readonly LinePieces[]) =>
  pieces.map(({ lineId, quantity }) => `${quantity} of ${lineId}`).join(', ');

const applyPayment = anyNews.map(
  (told) =>
    new Step(
      `applyPayment(${told.status} ${told.outcome ?? ''} ${told.cause})`,
      (order, now) => order.applyPayment(told, now),
      (model) => model.applyPayment(told),
    ),
);
const requestCancel = new Step(
  'requestCancel',
  (order, now) => order.requestCancel(null, now),
  (model) => model.requestCancel(),
);
const completeCancel = new Step(
  'completeCancel',
  (order, now) => order.completeCancel(now),
  (model) => model.completeCancel(),
);
const expire = (afterMinutes: number) =>
  new Step(
    `expire after ${afterMinutes} min`,
    (order, now) => order.expire(now),
    (model) => model.expire(),
    afterMinutes,
  );
const fulfil = anyPieces.map(
  (pieces) =>
    new Step(
      `fulfil(${show(pieces)})`,
      (order, now) => order.fulfil(pieces, now),
      (model) => model.fulfil(pieces),
    ),
);
/** All that is open, so that many orders get to their end. */
const fulfilTheRest = new Step(
  'fulfil(the rest)',
  (order, now) => order.fulfil(openPieces(order.lines), now),
  (model) =>
    model.fulfil(
      model.lines
        .map(({ lineId, quantity, fulfilled }) => ({ lineId, quantity: quantity - fulfilled }))
        .filter(({ quantity }) => quantity > 0),
    ),
);
const takeBack = anyPieces.map(
  (pieces) =>
    new Step(
      `takeBack(${show(pieces)})`,
      (order, now) => order.takeBack(pieces, null, now),
      (model) => model.takeBack(pieces),
    ),
);
const complete = (afterMinutes: number) =>
  new Step(
    `complete after ${afterMinutes} min`,
    (order, now, { minute }) => order.complete(minutesAfterPlacing(minute - QUIET_MINUTES), now),
    (model) => model.complete(QUIET_MINUTES),
    afterMinutes,
  );

const claim = new Step(
  'claim',
  (order, now) => order.claim('customer', now),
  (model) => model.claim('customer'),
);
const transfer = (customerId: string) =>
  new Step(
    `transfer to ${customerId}`,
    (order, now) => order.transfer({ customerId, email: `${customerId}@example.com` }, 'asked for it', now),
    (model) => model.transfer(customerId),
  );

const close = new Step(
  'close',
  (order, now) => order.close(null, now),
  (model) => model.close(),
);

function openPieces(lines: readonly OrderLine[]): LinePieces[] {
  return lines
    .map(({ id, quantity, fulfilledQuantity }) => ({ lineId: id, quantity: quantity - fulfilledQuantity }))
    .filter(({ quantity }) => quantity > 0);
}

/** News and parcels come often, so that most runs get somewhere. */
const anyCommands = fc.commands(
  [
    applyPayment,
    fc.oneof({ weight: 2, arbitrary: fulfil }, fc.constant(fulfilTheRest)),
    fc.oneof({ weight: 2, arbitrary: takeBack }, fc.constant(close)),
    fc.constantFrom(complete(QUIET_MINUTES), complete(QUIET_MINUTES), complete(1)),
    fc.constantFrom(
      expire(WINDOW_MINUTES),
      expire(WINDOW_MINUTES),
      expire(1),
      requestCancel,
      completeCancel,
      claim,
      transfer('another'),
      transfer('customer'),
    ),
  ],
  { maxCommands: 30, size: 'max' },
);

describe('an order', () => {
  it('does what its model says and keeps every rule, whatever is asked of it in whatever order', () => {
    const seen = new Set<OrderChange>();
    fc.assert(
      fc.property(anyOpening, anyCommands, (quantities, commands) => {
        const model = new OrderModel(quantities, WINDOW_MINUTES);
        const order = placedWith(quantities);
        expectAgreement(model, order);
        expect(brokenInvariants(order)).toEqual([]);
        fc.modelRun(() => ({ model, real: order }), commands);
        for (const { change } of order.timeline) seen.add(change);
      }),
      { numRuns: 600 },
    );
    // The commands above are worth nothing if they never get anywhere.
    expect([...seen].sort()).toEqual([...ORDER_CHANGES].sort());
  });
});
