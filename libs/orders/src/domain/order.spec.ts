import {
  at,
  confirmed,
  EXPIRES_AT,
  gbp,
  inStatus,
  LATER,
  news,
  placed,
  PLACED_AT,
  reloaded,
  withState,
} from './testing/order-builders.js';
import type { Order, PaymentNews } from './order.js';
import type { OrderStatus } from './order-status.js';

describe('placing an order', () => {
  it('makes one that waits for its payment', () => {
    const { state, lines } = placed();
    expect(state).toMatchObject({
      id: 'order',
      status: 'pending_payment',
      total: gbp(440),
      payment: { id: 'payment', status: 'processing', outcome: 'pending', declineCode: null },
      metadata: { note: 'gift' },
      version: 1,
      placedAt: PLACED_AT,
      updatedAt: PLACED_AT,
      expiresAt: EXPIRES_AT,
    });
    expect(state).not.toHaveProperty('paymentId');
    expect(lines.map(({ id }) => id)).toEqual(['mug', 'pot']);
  });

  it('is the first row of the timeline, from nothing', () => {
    const { changes } = placed();
    expect(changes.timeline).toMatchObject([
      {
        version: 1,
        from: null,
        to: 'pending_payment',
        change: 'placed',
        reason: null,
        occurredAt: PLACED_AT,
      },
    ]);
    expect([...changes.lines.keys()]).toEqual(['mug', 'pot']);
  });
});

describe('loading an order', () => {
  it('changes nothing', () => {
    const order = placed();
    const { state, lines, changes } = reloaded(order);
    expect(state).toBe(order.state);
    expect(lines).toEqual(order.lines);
    expect(changes).toEqual({ timeline: [], lines: new Map() });
  });
});

describe('news of the payment', () => {
  it.each(['authorized', 'partially_captured', 'captured'])(
    'that it is %s confirm an order that waits for it',
    (status) => {
      const order = inStatus.pending_payment();
      order.applyPayment(news({ status }), LATER);
      expect(order.state).toMatchObject({
        status: 'confirmed',
        payment: { status },
        version: 2,
        updatedAt: LATER,
      });
      expect(order.changes.timeline).toMatchObject([
        {
          version: 2,
          from: 'pending_payment',
          to: 'confirmed',
          change: 'confirmed',
          reason: null,
          occurredAt: LATER,
        },
      ]);
    },
  );

  it.each([
    ['requires_payment_method', 'payment_declined'],
    ['requires_action', 'payment_action_required'],
    ['processing', 'payment_retried'],
    ['canceled', 'payment_canceled'],
    ['failed', 'payment_updated'],
  ] as const)('that it is %s leave the order waiting, and are noted as %s', (status, cause) => {
    const order = inStatus.pending_payment();
    order.applyPayment(news({ status, cause, declineCode: 'insufficient_funds' }), LATER);
    expect(order.state).toMatchObject({
      status: 'pending_payment',
      payment: { id: 'payment', status, outcome: null, declineCode: 'insufficient_funds' },
      version: 2,
    });
    expect(order.changes.timeline).toMatchObject([
      { from: 'pending_payment', to: 'pending_payment', change: cause },
    ]);
  });

  it('that its money was given up have a confirmed order canceled, since nothing pays for it', () => {
    const order = confirmed();
    order.applyPayment(news({ status: 'canceled' }), LATER);
    expect(order.state).toMatchObject({ status: 'cancel_pending', payment: { status: 'canceled' } });
    expect(order.changes.timeline).toMatchObject([
      { from: 'confirmed', to: 'cancel_pending', change: 'cancel_requested', reason: 'payment voided' },
    ]);
  });

  it('that nobody knows its outcome are kept', () => {
    const order = inStatus.pending_payment();
    order.applyPayment(
      news({ status: 'processing', outcome: 'unknown', cause: 'payment_outcome_unknown' }),
      LATER,
    );
    expect(order.state.payment.outcome).toBe('unknown');
    expect(order.changes.timeline).toMatchObject([{ change: 'payment_outcome_unknown' }]);
  });

  it('that say nothing new change nothing', () => {
    const order = confirmed();
    const before = order.state;
    order.applyPayment(news(), LATER);
    expect(order.state).toBe(before);
    expect(order.changes.timeline).toEqual([]);
  });

  it.each([
    ['status', { status: 'authorized' }],
    ['outcome', { outcome: 'unknown' }],
    ['decline code', { declineCode: 'expired_card' }],
  ] as const)('that change nothing but its %s are news', (_, difference) => {
    const order = confirmed();
    order.applyPayment(news({ ...difference, cause: 'payment_updated' }), LATER);
    expect(order.state.payment).toMatchObject(difference);
    expect(order.changes.timeline).toMatchObject([{ change: 'payment_updated' }]);
  });

  it.each<OrderStatus>([
    'partially_fulfilled',
    'fulfilled',
    'completed',
    'cancel_pending',
    'canceled',
    'expired',
  ])('never change the status of an order that is %s', (status) => {
    const order = inStatus[status]();
    order.applyPayment(news({ status: 'authorized', cause: 'payment_authorized' }), LATER);
    expect(order.state).toMatchObject({ status, payment: { status: 'authorized' } });
    expect(order.changes.timeline).toMatchObject([
      { from: status, to: status, change: 'payment_authorized' },
    ]);
  });

  it('of a refund add to what was refunded for each line, also when the payment’s status stays', () => {
    const order = confirmed();
    const refund = (amount: number) => news({ cause: 'refunded', refunded: [{ lineId: 'mug', amount }] });
    order.applyPayment(refund(100), LATER);
    order.applyPayment(refund(1), LATER);
    expect(order.lines.map(({ id, refundedAmount }) => [id, refundedAmount])).toEqual([
      ['mug', 101],
      ['pot', 0],
    ]);
    expect([...order.changes.lines.keys()]).toEqual(['mug']);
    expect(order.changes.timeline.map(({ change, version }) => [change, version])).toEqual([
      ['refunded', 3],
      ['refunded', 4],
    ]);
  });

  it('of a refund by amount are noted, and are for no line', () => {
    const order = confirmed();
    order.applyPayment(news({ cause: 'refunded' }), LATER);
    expect(order.changes.timeline).toMatchObject([
      { change: 'refunded', from: 'confirmed', to: 'confirmed' },
    ]);
    expect(order.changes.lines.size).toBe(0);
  });
});

describe('fulfilling', () => {
  it('some pieces makes the order partially fulfilled', () => {
    const order = confirmed();
    order.fulfil([{ lineId: 'mug', quantity: 2 }], LATER);
    expect(order.state.status).toBe('partially_fulfilled');
    expect(order.lines.map(({ fulfilledQuantity }) => fulfilledQuantity)).toEqual([2, 0]);
    expect([...order.changes.lines.keys()]).toEqual(['mug']);
    expect(order.changes.timeline).toMatchObject([
      { from: 'confirmed', to: 'partially_fulfilled', change: 'partially_fulfilled' },
    ]);
  });

  it('all pieces makes it fulfilled, at once or in the end', () => {
    expect(inStatus.fulfilled().state.status).toBe('fulfilled');
    const order = inStatus.partially_fulfilled();
    order.fulfil([{ lineId: 'mug', quantity: 1 }], LATER);
    order.fulfil(
      [
        { lineId: 'mug', quantity: 1 },
        { lineId: 'pot', quantity: 1 },
      ],
      LATER,
    );
    expect(order.changes.timeline.map(({ from, to, change }) => [from, to, change])).toEqual([
      ['partially_fulfilled', 'partially_fulfilled', 'partially_fulfilled'],
      ['partially_fulfilled', 'fulfilled', 'fulfilled'],
    ]);
    expect(order.state.version).toBe(5);
  });

  it('tells what the pieces are worth, all of them together exactly what their lines were allocated', () => {
    const order = confirmed();
    const parcels = [
      [{ lineId: 'mug', quantity: 1 }],
      [{ lineId: 'mug', quantity: 1 }],
      [
        { lineId: 'mug', quantity: 1 },
        { lineId: 'pot', quantity: 1 },
      ],
    ];
    const worth = parcels.map((parcel) => {
      order.fulfil(parcel, LATER);
      return order.fulfilledMinor;
    });
    expect(worth).toEqual([110, 220, 220 + 111 + 109]);
  });

  it('counts a line that is named twice both times', () => {
    const order = confirmed();
    order.fulfil(
      [
        { lineId: 'mug', quantity: 1 },
        { lineId: 'mug', quantity: 2 },
      ],
      LATER,
    );
    expect(order.fulfilledMinor).toBe(331);
    expect(order.lines[0]?.fulfilledQuantity).toBe(3);
  });
});

describe('taking back', () => {
  it.each<OrderStatus>(['partially_fulfilled', 'fulfilled', 'completed'])(
    'pieces of an order that is %s leaves its status as it is',
    (status) => {
      const order = inStatus[status]();
      order.takeBack([{ lineId: 'mug', quantity: 1 }], 'chipped', LATER);
      expect(order.state.status).toBe(status);
      expect(order.lines.map(({ returnedQuantity }) => returnedQuantity)).toEqual([1, 0]);
      expect([...order.changes.lines.keys()]).toEqual(['mug']);
      expect(order.changes.timeline).toMatchObject([
        { from: status, to: status, change: 'returned', reason: 'chipped' },
      ]);
    },
  );

  it('may go on until all that has left is back, in entries that share a line', () => {
    const order = inStatus.fulfilled();
    const mugs = [1, 2].map((quantity) => ({ lineId: 'mug', quantity }));
    order.takeBack([...mugs, { lineId: 'pot', quantity: 1 }], null, LATER);
    expect(order.lines.map(({ returnedQuantity }) => returnedQuantity)).toEqual([3, 1]);
    expect(() => order.takeBack([{ lineId: 'pot', quantity: 1 }], null, LATER)).toThrow(
      expect.objectContaining({ extensions: { lineId: 'pot', returnableQuantity: 0 } }),
    );
  });

  it('sends nothing out again: what came back stays fulfilled', () => {
    const order = inStatus.partially_fulfilled();
    order.takeBack([{ lineId: 'mug', quantity: 1 }], null, LATER);
    order.fulfil(
      [
        { lineId: 'mug', quantity: 2 },
        { lineId: 'pot', quantity: 1 },
      ],
      LATER,
    );
    expect(order.state.status).toBe('fulfilled');
    expect(order.fulfilledMinor).toBe(order.state.total.amount);
  });

  it('knows which products the pieces are of, one entry each', () => {
    const pieces = [
      { lineId: 'mug', quantity: 2 },
      { lineId: 'pot', quantity: 1 },
      { lineId: 'mug', quantity: 1 },
    ];
    expect(inStatus.fulfilled().productsOf(pieces)).toEqual([
      { productId: 'product of mug', quantity: 2 },
      { productId: 'product of pot', quantity: 1 },
      { productId: 'product of mug', quantity: 1 },
    ]);
  });
});

describe('closing', () => {
  it('gives up what has not left, and with that the order is fulfilled', () => {
    const order = inStatus.partially_fulfilled();
    order.close('sold out', LATER);
    expect(order.state).toMatchObject({ status: 'fulfilled', closing: { at: LATER, returnedMinor: 0 } });
    expect(order.lines).toMatchObject([
      { id: 'mug', quantity: 3, fulfilledQuantity: 1, canceledQuantity: 2 },
      { id: 'pot', quantity: 1, fulfilledQuantity: 0, canceledQuantity: 1 },
    ]);
    expect(order.changes.timeline).toMatchObject([
      { from: 'partially_fulfilled', to: 'fulfilled', change: 'closed', reason: 'sold out' },
    ]);
  });

  it('tells what the pieces are worth: what has left and what never will is all of it', () => {
    const order = inStatus.partially_fulfilled();
    order.takeBack([{ lineId: 'mug', quantity: 1 }], null, LATER);
    order.close(null, LATER);
    expect(order.closed).toEqual({
      fulfilledMinor: 110,
      returnedMinor: 110,
      canceled: [
        { lineId: 'mug', amount: 221 },
        { lineId: 'pot', amount: 109 },
      ],
    });
  });

  it('looks at what had come back by then, and at nothing that comes back later', () => {
    const order = inStatus.partially_fulfilled();
    order.close(null, LATER);
    order.takeBack([{ lineId: 'mug', quantity: 1 }], null, LATER);
    expect(order.closed).toMatchObject({ returnedMinor: 0 });
  });
});

describe('completing', () => {
  const unpaid = () => {
    const order = inStatus.fulfilled();
    order.applyPayment(news({ status: 'authorized', cause: 'payment_authorized' }), LATER);
    return reloaded(order);
  };

  it.each([
    ['as soon as it has been left alone for long enough', inStatus.fulfilled(), LATER, true],
    ['long after that', inStatus.fulfilled(), at('13:00'), true],
    ['before that', inStatus.fulfilled(), at('12:04'), false],
    ['while something has not left yet', inStatus.partially_fulfilled(), at('13:00'), false],
    ['while its money was not taken', unpaid(), at('13:00'), false],
    ['once it is completed', inStatus.completed(), at('13:00'), false],
  ])('is due %s: %s', (...row) => {
    const [, order, unchangedSince, isDue] = row;
    expect(order.isDueToComplete(unchangedSince)).toBe(isDue);
    const { status } = order.state;
    const complete = () => order.complete(unchangedSince, at('14:00'));
    if (isDue) {
      complete();
      expect(order.changes.timeline).toMatchObject([
        { from: 'fulfilled', to: 'completed', change: 'completed', occurredAt: at('14:00') },
      ]);
    } else {
      expect(complete).toThrow(expect.objectContaining({ code: 'order_state_conflict' }));
      expect(order.state.status).toBe(status);
    }
  });
});

describe('canceling', () => {
  it.each<OrderStatus>(['pending_payment', 'confirmed'])(
    'can be asked for while the order is %s',
    (status) => {
      const order = inStatus[status]();
      order.requestCancel('ordered twice', LATER);
      expect(order.state.status).toBe('cancel_pending');
      expect(order.changes.timeline).toMatchObject([
        { from: status, to: 'cancel_pending', change: 'cancel_requested', reason: 'ordered twice' },
      ]);
    },
  );

  it('is complete when no money is held any more', () => {
    const order = inStatus.cancel_pending();
    order.completeCancel(LATER);
    expect(order.state.status).toBe('canceled');
    expect(order.changes.timeline).toMatchObject([
      { from: 'cancel_pending', to: 'canceled', change: 'canceled' },
    ]);
  });
});

describe('an unpaid order', () => {
  const waiting = {
    status: 'requires_payment_method',
    outcome: null,
    id: 'payment',
    declineCode: 'expired_card',
  };
  const underWay = { ...waiting, status: 'processing', outcome: 'pending' } as const;
  const unknown = { ...underWay, outcome: 'unknown' } as const;
  const before = at('12:14');

  it.each([
    ['before its time is over', withState({ payment: waiting }), before, false],
    ['at the moment when its time is over', withState({ payment: waiting }), EXPIRES_AT, true],
    ['after its time', withState({ payment: waiting }), at('13:00'), true],
    ['while money is on its way', withState({ payment: underWay }), at('13:00'), false],
    ['while nobody knows whether money is on its way', withState({ payment: unknown }), at('13:00'), false],
    ['once it is confirmed', confirmed(), at('13:00'), false],
    ['once it is being canceled', inStatus.cancel_pending(), at('13:00'), false],
    ['once it has expired', inStatus.expired(), at('13:00'), false],
  ])('is due to expire %s: %s', (...row) => {
    const [, order, now, isDue] = row;
    expect(order.isDueToExpire(now)).toBe(isDue);
  });

  it.each([
    ['before its time is over', withState({ payment: waiting }), before],
    ['while money is on its way', withState({ payment: underWay }), at('13:00')],
    ['while nobody knows whether money is on its way', withState({ payment: unknown }), at('13:00')],
  ])('does not expire %s', (_, order, now) => {
    expect(() => order.expire(now)).toThrow(
      expect.objectContaining({
        code: 'order_state_conflict',
        extensions: { orderStatus: 'pending_payment', paymentStatus: order.state.payment.status },
      }),
    );
    expect(order.state).toMatchObject({ status: 'pending_payment', version: 1 });
    expect(order.changes.timeline).toEqual([]);
  });

  it('expires', () => {
    const order = withState({ payment: waiting });
    order.expire(EXPIRES_AT);
    expect(order.state.status).toBe('expired');
    expect(order.changes.timeline).toMatchObject([
      { version: 2, from: 'pending_payment', to: 'expired', change: 'expired', occurredAt: EXPIRES_AT },
    ]);
  });

  it('takes another payment attempt while it waits for one', () => {
    expect(() => withState({ payment: waiting }).requireAnotherAttempt(before)).not.toThrow();
  });

  it.each([
    ['while one is under way', withState({ payment: underWay }), before, 'processing'],
    ['while the outcome of one is unknown', withState({ payment: unknown }), before, 'processing'],
    ['when its time is over', withState({ payment: waiting }), EXPIRES_AT, 'requires_payment_method'],
    ['when it is paid', confirmed(), before, 'captured'],
    ['when it has expired', inStatus.expired(), before, 'requires_payment_method'],
  ])('takes no other payment attempt %s', (...row) => {
    const [, order, now, paymentStatus] = row;
    expect(() => order.requireAnotherAttempt(now)).toThrow(
      expect.objectContaining({
        code: 'order_state_conflict',
        extensions: { orderStatus: order.state.status, paymentStatus },
      }),
    );
  });
});

describe('what a change is about', () => {
  const MUG = { lineId: 'mug', productId: 'product of mug' };
  const POT = { lineId: 'pot', productId: 'product of pot' };
  const EVERYTHING = [
    { ...MUG, quantity: 3, amount: 331 },
    { ...POT, quantity: 1, amount: 109 },
  ];
  const linesOf = (order: Order) => order.changes.timeline.at(-1)?.lines;
  /** The lines of the last change, once all verbs have changed the order. */
  const after = (order: Order, ...verbs: ((order: Order) => void)[]) => {
    for (const verb of verbs) verb(order);
    return linesOf(order);
  };
  const refundOf = (refundedMinor: number, refunded: PaymentNews['refunded'] = []) =>
    news({ cause: refundedMinor > 0 ? 'refunded' : 'refund_reversed', refundedMinor, refunded });

  it('is all of it, when it is placed, confirmed, and asked to be canceled', () => {
    expect(linesOf(placed())).toEqual(EVERYTHING);
    expect(after(inStatus.pending_payment(), (order) => order.applyPayment(news(), LATER))).toEqual(
      EVERYTHING,
    );
    expect(after(confirmed(), (order) => order.requestCancel(null, LATER))).toEqual(EVERYTHING);
    const voided = news({ status: 'canceled', cause: 'payment_canceled' });
    expect(after(confirmed(), (order) => order.applyPayment(voided, LATER))).toEqual(EVERYTHING);
  });

  it('is the pieces that leave, are given up, or come back, and their worth sums to that of the line', () => {
    const order = confirmed();
    const one = [{ lineId: 'mug', quantity: 1 }];
    expect(after(order, () => order.fulfil(one, LATER))).toEqual([{ ...MUG, quantity: 1, amount: 110 }]);
    expect(after(order, () => order.fulfil(one, LATER))).toEqual([{ ...MUG, quantity: 1, amount: 110 }]);
    expect(after(order, () => order.takeBack(one, null, LATER))).toEqual([
      { ...MUG, quantity: 1, amount: 110 },
    ]);
    expect(after(order, () => order.close(null, LATER))).toEqual([
      { ...MUG, quantity: 1, amount: 111 },
      { ...POT, quantity: 1, amount: 109 },
    ]);
  });

  it('is the money that goes back: of the lines that the refund names, else by what they are worth', () => {
    const order = confirmed();
    const named = [{ lineId: 'pot', amount: 9 }];
    expect(after(order, () => order.applyPayment(refundOf(9, named), LATER))).toEqual([
      { ...POT, quantity: 0, amount: 9 },
    ]);
    const spread = [
      { ...MUG, quantity: 0, amount: 75 },
      { ...POT, quantity: 0, amount: 25 },
    ];
    expect(after(order, () => order.applyPayment(refundOf(100), LATER))).toEqual(spread);
    expect(after(order, () => order.applyPayment(refundOf(-100), LATER))).toEqual(
      spread.map((line) => ({ ...line, amount: -line.amount })),
    );
  });

  it('is nothing that has to do with goods or money, for any other change', () => {
    expect(after(inStatus.fulfilled(), (order) => order.complete(LATER, LATER))).toEqual([]);
    expect(after(inStatus.cancel_pending(), (order) => order.completeCancel(LATER))).toEqual([]);
  });
});
