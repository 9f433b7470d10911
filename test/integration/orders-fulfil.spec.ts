import { newId } from '#kernel';
import fc from 'fast-check';
import { gbp, line, ORDERS, Shop } from '../support/shop.js';

let shop: Shop;

beforeAll(async () => {
  shop = await Shop.open({ ORDER_SHIPPING_FLAT_MINOR: '499', ORDER_TAX_BASIS_POINTS: '1750' });
});

afterAll(() => shop.close());

interface LineView {
  readonly id: string;
  readonly quantity: number;
}

/** All pieces of all lines of an order. */
function everything(lines: readonly LineView[]) {
  return lines.map(({ id: lineId, quantity }) => ({ lineId, quantity }));
}

describe('shipping and tax', () => {
  it.each([
    [0, 87],
    [1, 88], // 500 at 17.5 % is 87.5, rounded up
    [2, 88],
    [1_000, 262],
    [99_501, 17_500],
  ])('are added to goods for %d: tax %d', async (price, tax) => {
    const product = await shop.product({ price });
    const totals = {
      subtotal: gbp(price),
      shipping: gbp(499),
      tax: gbp(tax),
      total: gbp(price + 499 + tax),
    };
    const quoted = await shop.post(`${ORDERS}/quote`, shop.order({ lines: [line(product)] }));
    expect(quoted.body).toMatchObject(totals);
    const order = await shop.placed({ lines: [line(product)], expectedTotal: totals.total });
    expect(order).toMatchObject(totals);
    expect(await shop.ledgerOf(order.id)).toEqual({
      gateway_clearing: price + 499 + tax,
      ...(price === 0 ? {} : { sales: -price }),
      shipping: -499,
      tax_payable: -tax,
    });
  });

  it('go back with a canceled order, each to its account', async () => {
    const order = await shop.placed({ lines: [line(shop.mug, 3)] });
    await shop.cancel(order.id);
    expect(await shop.ledgerOf(order.id)).toEqual({ sales: -3_000, sales_refunds: 3_000 });
  });
});

describe('fulfilling an order', () => {
  it('in parts and at last completely sends its stock out', async () => {
    const mug = await shop.product({ stock: 10 });
    const kettle = await shop.product({ stock: 10 });
    const { id, lines } = await shop.placed({ lines: [line(mug, 3), line(kettle, 1), line(mug, 2)] });
    const [first, second, third] = lines as LineView[];
    const parcel = {
      lines: [
        { lineId: first!.id, quantity: 1 },
        { lineId: third!.id, quantity: 2 },
      ],
      trackingNumber: 'RB123456785GB',
      carrier: 'royal_mail',
    };
    const answer = await shop.post(`${ORDERS}/${id}/fulfillments`, parcel, { as: shop.staff });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      id: expect.any(String),
      orderId: id,
      ...parcel,
      createdAt: expect.any(String),
    });
    expect(await shop.stock(mug)).toEqual({ onHand: 7, reserved: 2, available: 5 });
    expect(await shop.stock(kettle)).toEqual({ onHand: 10, reserved: 1, available: 9 });
    expect(await shop.orderOf(id)).toMatchObject({
      status: 'partially_fulfilled',
      lines: [{ fulfilledQuantity: 1 }, { fulfilledQuantity: 0 }, { fulfilledQuantity: 2 }],
    });

    await shop.fulfil(id, [{ lineId: first!.id, quantity: 1 }]);
    const rest = [first!, second!].map(({ id: lineId }) => ({ lineId, quantity: 1 }));
    expect(await shop.fulfil(id, rest)).toMatchObject({
      status: 201,
      body: { lines: rest, trackingNumber: null, carrier: null },
    });
    expect(await shop.orderOf(id)).toMatchObject({ status: 'fulfilled', version: 5 });
    expect(await shop.stock(mug)).toEqual({ onHand: 5, reserved: 0, available: 5 });
    expect(await shop.stock(kettle)).toEqual({ onHand: 9, reserved: 0, available: 9 });
    expect(await shop.causes(id)).toEqual([
      'placed',
      'confirmed',
      'partially_fulfilled',
      'partially_fulfilled',
      'fulfilled',
    ]);
  });

  it('of more than is open on a line is refused, all of it', async () => {
    const { id, lines } = await shop.placed({ lines: [line(shop.mug, 3), line(shop.mug, 2)] });
    const [first, second] = lines as LineView[];
    await shop.fulfil(id, [{ lineId: first!.id, quantity: 2 }]);
    const pieces = [
      { lineId: second!.id, quantity: 2 },
      { lineId: first!.id, quantity: 2 },
    ];
    const { body } = await shop.expectRefusal(() => shop.fulfil(id, pieces), 409, 'quantity_exceeds_open');
    expect(body).toMatchObject({ lineId: first!.id, openQuantity: 1 });
    await shop.fulfil(id, [
      { lineId: first!.id, quantity: 1 },
      { lineId: second!.id, quantity: 2 },
    ]);
    const more = [{ lineId: first!.id, quantity: 1 }];
    await shop.expectRefusal(() => shop.fulfil(id, more), 409, 'order_state_conflict');
  });

  it('by a line that it does not have is refused', async () => {
    const mine = await shop.placed();
    const other = await shop.placed();
    for (const lineId of [newId(), other.lines[0].id, mine.id]) {
      const { body } = await shop.expectRefusal(
        () => shop.fulfil(mine.id, [{ lineId, quantity: 1 }]),
        422,
        'unknown_order_line',
      );
      expect(body.lineId).toBe(lineId);
    }
  });

  it('is refused unless it is paid for', async () => {
    const waiting = (await shop.placed({ method: 'pm_card_chargeDeclined' }, {}, 402)).order;
    const canceled = await shop.placed();
    await shop.cancel(canceled.id);
    const refunding = await shop.placed({ method: 'pm_sim_refund_fails' });
    await shop.cancel(refunding.id);
    for (const [{ id, lines }, orderStatus] of [
      [waiting, 'pending_payment'],
      [canceled, 'canceled'],
      [refunding, 'cancel_pending'],
    ]) {
      const { body } = await shop.expectRefusal(
        () => shop.fulfil(id, everything(lines)),
        409,
        'order_state_conflict',
      );
      expect(body.orderStatus).toBe(orderStatus);
    }
  });

  it('keeps the money that pays for what has left: it cannot be given up before it is captured', async () => {
    const { id, lines, payment } = await shop.placed({ lines: [line(shop.mug, 2)], capture: 'manual' });
    expect(await shop.fulfil(id, [{ lineId: lines[0].id, quantity: 1 }])).toMatchObject({ status: 201 });
    await shop.expectRefusal(() => shop.void(payment.id), 409, 'payment_state_conflict');
    expect(await shop.capture(payment.id)).toMatchObject({ status: 200 });
    expect(await shop.fulfil(id, [{ lineId: lines[0].id, quantity: 1 }])).toMatchObject({ status: 201 });
  });

  it.each([
    ['automatic', 'captured'],
    ['manual', 'authorized'],
  ] as const)('with capture %s takes no money: it stays %s', async (capture, status) => {
    const { id, lines, payment } = await shop.placed({ capture });
    expect(await shop.fulfil(id, everything(lines))).toMatchObject({ status: 201 });
    const { operations } = await shop.paymentOf(payment.id);
    expect(operations).toHaveLength(1);
    expect(await shop.orderOf(id)).toMatchObject({ status: 'fulfilled', payment: { status } });
  });
});

it('a parcel takes the share of an earlier one whose capture was refused, too', async () => {
  const { id, lines, payment } = await shop.placed({ lines: [line(shop.mug, 2)], capture: 'on_fulfillment' });
  const one = [{ lineId: lines[0].id, quantity: 1 }];
  await shop.withGateway(
    'capture',
    () => Promise.resolve({ result: 'failed', declineCode: 'capture_refused' }),
    async () => {
      expect(await shop.fulfil(id, one)).toMatchObject({ status: 201 });
    },
  );
  expect(await shop.paymentOf(payment.id)).toMatchObject({ status: 'authorized' });
  expect(await shop.fulfil(id, one)).toMatchObject({ status: 201 });
  const { status, amount, capturedAmount } = await shop.paymentOf(payment.id);
  expect({ status, capturedAmount }).toEqual({ status: 'captured', capturedAmount: amount });
});

describe('goods leave only while money covers them', () => {
  it('not while a void is on its way', async () => {
    const { id, lines, payment } = await shop.placed({ capture: 'manual' });
    await shop.withGateway(
      'void',
      () => Promise.reject(new Error('no answer')),
      () => shop.void(payment.id),
    );
    await shop.expectRefusal(() => shop.fulfil(id, everything(lines)), 409, 'payment_operation_open');
  });

  it('not beyond what was captured before the rest was given up', async () => {
    const { id, lines, payment } = await shop.placed({
      lines: [line(shop.mug, 3)],
      capture: 'on_fulfillment',
    });
    const one = [{ lineId: lines[0].id, quantity: 1 }];
    expect(await shop.fulfil(id, one)).toMatchObject({ status: 201 });
    expect(await shop.void(payment.id)).toMatchObject({ status: 200 });
    await shop.expectRefusal(() => shop.fulfil(id, one), 409, 'payment_does_not_cover');
  });

  it('not when all of it was given back', async () => {
    const { id, lines, payment } = await shop.placed();
    expect(await shop.refund(payment.id)).toMatchObject({ status: 201 });
    await shop.expectRefusal(() => shop.fulfil(id, everything(lines)), 409, 'payment_does_not_cover');
  });

  it('but a refund of a part is goodwill and stops nothing', async () => {
    const { id, lines, payment } = await shop.placed();
    expect(await shop.refund(payment.id, { amount: gbp(1) })).toMatchObject({ status: 201 });
    expect(await shop.fulfil(id, everything(lines))).toMatchObject({ status: 201 });
  });
});

describe('capturing on fulfilment', () => {
  it('takes with each parcel its share, and with the last one the rest', async () => {
    const product = await shop.product({ price: 333, stock: 10 });
    const order = await shop.placed({ lines: [line(product, 7)], capture: 'on_fulfillment' });
    expect(order).toMatchObject({ status: 'confirmed', payment: { status: 'authorized' } });
    expect(await shop.ledgerOf(order.id)).toEqual({});
    const total = order.total.amount as number;
    const lineId = order.lines[0].id as string;
    let sent = 0;
    for (const quantity of [1, 2, 3, 1]) {
      await shop.fulfil(order.id, [{ lineId, quantity }]);
      sent += quantity;
      expect(await shop.paymentOf(order.payment.id)).toMatchObject({
        status: sent === 7 ? 'captured' : 'partially_captured',
        capturedAmount: gbp(Math.floor((total * sent) / 7)),
      });
    }
    const { subtotal, shipping, tax } = order;
    expect(await shop.ledgerOf(order.id)).toEqual({
      gateway_clearing: total,
      sales: -subtotal.amount,
      shipping: -shipping.amount,
      tax_payable: -tax.amount,
    });
  });

  it('takes exactly the total, whatever leaves in whichever parcels', async () => {
    const products = await Promise.all(
      [1, 99, 333, 1_999].map((price) => shop.product({ price, stock: 10_000 })),
    );
    const quantities = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 });
    const parcels = fc.array(fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 4, maxLength: 4 }), {
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(quantities, parcels, async (wanted, attempts) => {
        const wish = wanted.map((quantity, index) => line(products[index]!, quantity));
        const order = await shop.placed({ lines: wish, capture: 'on_fulfillment' });
        const lines = order.lines as LineView[];
        const open = lines.map(({ quantity }) => quantity);
        for (const attempt of [...attempts, open.map(() => Infinity)]) {
          const pieces = lines
            .map(({ id: lineId }, index) => ({ lineId, quantity: Math.min(open[index]!, attempt[index]!) }))
            .filter(({ quantity }) => quantity > 0);
          if (pieces.length === 0) continue;
          for (const { lineId, quantity } of pieces) {
            open[lines.findIndex(({ id }) => id === lineId)]! -= quantity;
          }
          expect(await shop.fulfil(order.id, pieces)).toMatchObject({ status: 201 });
        }
        expect(await shop.orderOf(order.id)).toMatchObject({ status: 'fulfilled' });
        expect(await shop.paymentOf(order.payment.id)).toMatchObject({
          status: 'captured',
          capturedAmount: order.total,
        });
        expect(await shop.ledgerOf(order.id)).toEqual({
          gateway_clearing: order.total.amount,
          sales: -order.subtotal.amount,
          shipping: -499,
          tax_payable: -order.tax.amount,
        });
      }),
      { numRuns: 12 },
    );
  });

  it('takes what is left when staff captured some by hand before', async () => {
    const order = await shop.placed({ lines: [line(shop.mug, 2)], capture: 'on_fulfillment' });
    const total = order.total.amount as number;
    await shop.capture(order.payment.id, total - 100);
    await shop.fulfil(order.id, everything(order.lines));
    const { operations, capturedAmount } = await shop.paymentOf(order.payment.id);
    expect(capturedAmount).toEqual(order.total);
    expect(operations[0]).toMatchObject({ kind: 'capture', status: 'succeeded', amount: gbp(100) });
    expect(await shop.capture(order.payment.id)).toMatchObject({ status: 409 });
  });

  it('lets the goods leave when the gateway refuses, and leaves the money to staff', async () => {
    const order = await shop.placed({
      lines: [line(shop.mug, 2)],
      capture: 'on_fulfillment',
      method: 'pm_sim_capture_fails',
    });
    const lineId = order.lines[0].id;
    for (let piece = 1; piece <= 2; piece += 1) {
      expect(await shop.fulfil(order.id, [{ lineId, quantity: 1 }])).toMatchObject({ status: 201 });
      const { operations, status, capturedAmount } = await shop.paymentOf(order.payment.id);
      expect({ status, capturedAmount }).toEqual({ status: 'authorized', capturedAmount: gbp(0) });
      expect(operations[0]).toMatchObject({
        kind: 'capture',
        status: 'failed',
        declineCode: 'capture_refused',
      });
      expect(operations).toHaveLength(piece + 1);
    }
    expect(await shop.orderOf(order.id)).toMatchObject({ status: 'fulfilled' });
  });

  it('waits with the next parcel until the capture before is certain', async () => {
    const order = await shop.placed({ lines: [line(shop.mug, 2)], capture: 'on_fulfillment' });
    const lineId = order.lines[0].id;
    await shop.fulfil(order.id, [{ lineId, quantity: 1 }]);
    const reopen = (status: string) =>
      shop.sql.query(
        `UPDATE payments.operations SET status = $1 WHERE payment_id = $2 AND kind = 'capture'`,
        [status, order.payment.id],
      );
    await reopen('unknown');
    await shop.expectRefusal(
      () => shop.fulfil(order.id, [{ lineId, quantity: 1 }]),
      409,
      'payment_operation_open',
    );
    await reopen('succeeded');
    expect(await shop.fulfil(order.id, [{ lineId, quantity: 1 }])).toMatchObject({ status: 201 });
    expect(await shop.paymentOf(order.payment.id)).toMatchObject({ capturedAmount: order.total });
  });
});
