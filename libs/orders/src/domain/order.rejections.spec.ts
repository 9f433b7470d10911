import fc from 'fast-check';
import type { Order } from './order.js';
import type { OrderStatus } from './order-status.js';
import { confirmed, declined, EXPIRES_AT, inStatus, LATER, news } from './testing/order-builders.js';

describe('what an order in each status accepts', () => {
  const verbs = {
    fulfil: (order) => order.fulfil([{ lineId: 'pot', quantity: 1 }], LATER),
    requestCancel: (order) => order.requestCancel(null, LATER),
    completeCancel: (order) => order.completeCancel(LATER),
    expire: (order) => order.expire(EXPIRES_AT),
    takeBack: (order) => order.takeBack([{ lineId: 'mug', quantity: 1 }], null, LATER),
    close: (order) => order.close(null, LATER),
    complete: (order) => order.complete(LATER, LATER),
  } satisfies Record<string, (order: Order) => void>;
  type Verb = keyof typeof verbs;

  const accepted: Readonly<Record<OrderStatus, readonly Verb[]>> = {
    pending_payment: ['requestCancel', 'expire'],
    confirmed: ['fulfil', 'requestCancel'],
    partially_fulfilled: ['fulfil', 'takeBack', 'close'],
    fulfilled: ['takeBack', 'complete'],
    completed: ['takeBack'],
    cancel_pending: ['completeCancel'],
    canceled: [],
    expired: [],
  };
  const cells = (Object.keys(accepted) as OrderStatus[]).flatMap((status) =>
    (Object.keys(verbs) as Verb[]).map(
      (verb) =>
        [status, verb, accepted[status].includes(verb) ? 'accepted' : 'order_state_conflict'] as const,
    ),
  );

  it.each(cells)('%s, %s: %s', (status, verb, answer) => {
    // An order whose payment may still succeed would not expire.
    const order = status === 'pending_payment' ? declined() : inStatus[status]();
    expect(order.state.status).toBe(status);
    const { version } = order.state;
    const act = () => verbs[verb](order);
    if (answer === 'accepted') {
      act();
      expect(order.state.version).toBe(version + 1);
      expect(order.changes.timeline).toHaveLength(1);
    } else {
      expect(act).toThrow(expect.objectContaining({ code: answer }));
      expect(order.state.status).toBe(status);
      expect(order.changes.timeline).toEqual([]);
    }
  });
});

describe('goods leave the house', () => {
  const parcel = [{ lineId: 'pot', quantity: 1 }];

  it.each(['authorized', 'partially_captured', 'captured'])('for a payment that is %s', (status) => {
    const order = inStatus.partially_fulfilled();
    order.applyPayment(news({ status }), LATER);
    const before = order.fulfilledMinor;
    order.fulfil(parcel, LATER);
    expect(order.fulfilledMinor - before).toBe(109);
  });

  it.each(['requires_payment_method', 'requires_action', 'processing', 'canceled', 'failed'])(
    'no more once the payment is %s',
    (status) => {
      const order = inStatus.partially_fulfilled();
      order.applyPayment(news({ status }), LATER);
      expect(() => order.fulfil(parcel, LATER)).toThrow(
        expect.objectContaining({
          code: 'order_state_conflict',
          extensions: { orderStatus: 'partially_fulfilled', paymentStatus: status },
        }),
      );
      expect(order.lines.map(({ fulfilledQuantity }) => fulfilledQuantity)).toEqual([1, 0]);
    },
  );
});

describe('an order refuses', () => {
  it.each<[string, (order: Order) => void, string, object]>([
    [
      'to fulfil more than was ordered',
      (order) => order.fulfil([{ lineId: 'mug', quantity: 4 }], LATER),
      'quantity_exceeds_open',
      { lineId: 'mug', openQuantity: 3 },
    ],
    [
      'to fulfil more than is open, in one parcel that names a line twice',
      (order) =>
        order.fulfil(
          [
            { lineId: 'mug', quantity: 2 },
            { lineId: 'mug', quantity: 2 },
          ],
          LATER,
        ),
      'quantity_exceeds_open',
      { lineId: 'mug', openQuantity: 1 },
    ],
    [
      'to fulfil a line that it does not have',
      (order) =>
        order.fulfil(
          [
            { lineId: 'mug', quantity: 1 },
            { lineId: 'cup', quantity: 1 },
          ],
          LATER,
        ),
      'unknown_order_line',
      { lineId: 'cup' },
    ],
    [
      'a refund of a line that it does not have',
      (order) =>
        order.applyPayment(news({ cause: 'refunded', refunded: [{ lineId: 'cup', amount: 1 }] }), LATER),
      'unknown_order_line',
      { lineId: 'cup' },
    ],
  ])('%s', (_, verb, code, extensions) => {
    const order = confirmed();
    expect(() => verb(order)).toThrow(expect.objectContaining({ code, extensions }));
    expect(order.changes.timeline).toEqual([]);
  });
});

describe('an order of which one mug has left refuses', () => {
  it.each<[string, readonly { lineId: string; quantity: number }[], string, object]>([
    [
      'to take back more than that',
      [{ lineId: 'mug', quantity: 2 }],
      'quantity_exceeds_fulfilled',
      { lineId: 'mug', returnableQuantity: 1 },
    ],
    [
      'to take back more than that in two entries',
      [
        { lineId: 'mug', quantity: 1 },
        { lineId: 'mug', quantity: 1 },
      ],
      'quantity_exceeds_fulfilled',
      { lineId: 'mug', returnableQuantity: 1 },
    ],
    [
      'to take back a pot',
      [
        { lineId: 'mug', quantity: 1 },
        { lineId: 'pot', quantity: 1 },
      ],
      'quantity_exceeds_fulfilled',
      { lineId: 'pot', returnableQuantity: 0 },
    ],
    [
      'to take back what it never had',
      [
        { lineId: 'mug', quantity: 1 },
        { lineId: 'cup', quantity: 1 },
      ],
      'unknown_order_line',
      { lineId: 'cup' },
    ],
  ])('%s', (_, pieces, code, extensions) => {
    const order = inStatus.partially_fulfilled();
    expect(() => order.takeBack(pieces, null, LATER)).toThrow(expect.objectContaining({ code, extensions }));
    expect(order.changes.timeline).toEqual([]);
  });
});

describe('what has left', () => {
  const anyQuantity = fc.integer({ min: 1, max: 4 });

  it('is worth, in parcels of any size, exactly what its lines were allocated', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('mug', 'pot'), anyQuantity)), (parcels) => {
        const order = confirmed();
        const send = (lineId: string, quantity: number) => {
          const line = order.lines.find(({ id }) => id === lineId)!;
          const open = Math.min(quantity, line.quantity - line.fulfilledQuantity);
          if (open > 0) order.fulfil([{ lineId, quantity: open }], LATER);
        };
        for (const [lineId, quantity] of parcels) send(lineId, quantity);
        for (const { id, quantity } of order.lines) send(id, quantity);
        expect(order.fulfilledMinor).toBe(order.state.total.amount);
        expect(order.state.status).toBe('fulfilled');
      }),
    );
  });
});
