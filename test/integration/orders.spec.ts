import { newId } from '#kernel';
import { gbp, line, ORDERS, type Person, type Product, Shop } from '../support/shop.js';

/** What can be read below an order, by whoever may read the order. */
const PARTS = ['timeline', 'fulfillments', 'returns'];

let shop: Shop;
let stranger: Person;

beforeAll(async () => {
  shop = await Shop.open();
  stranger = await shop.newCustomer();
});

afterAll(() => shop.close());

/** The journal of a product, oldest first. */
async function movements({ id }: Product): Promise<object[]> {
  const { data } = await shop.read(`/api/v1/products/${id}/stock-movements?limit=100`);
  return (data as { kind: string; quantity: number; orderId: string | null }[])
    .map(({ kind, quantity, orderId }) => ({ kind, quantity, orderId }))
    .reverse();
}

describe('an order that is placed', () => {
  it('is confirmed, with what it cost and who bought it', async () => {
    const mug = await shop.product({ price: 1_250, name: 'Stoneware mug' });
    const kettle = await shop.product({ price: 4_200, name: 'Enamel kettle' });
    const shippingAddress = {
      name: 'Ada Lovelace',
      line1: '12 St James’s Square',
      city: 'London',
      postalCode: 'SW1Y 4JH',
      country: 'GB',
    };
    const answer = await shop.place({
      lines: [line(mug, 2), { sku: kettle.sku, quantity: 1 }],
      shippingAddress,
      metadata: { campaign: 'autumn', 'gift note': '🎁 enjoy' },
    });
    const zero = gbp(0);
    const common = {
      id: expect.any(String),
      fulfilledQuantity: 0,
      returnedQuantity: 0,
      canceledQuantity: 0,
      refundedAmount: zero,
    };
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      id: expect.any(String),
      number: expect.stringMatching(/^SY-\d{6,}$/),
      status: 'confirmed',
      customerId: shop.customer.id,
      email: shop.customer.email,
      lines: [
        {
          ...common,
          productId: mug.id,
          sku: mug.sku,
          name: 'Stoneware mug',
          quantity: 2,
          unitPrice: gbp(1_250),
          total: gbp(2_500),
        },
        {
          ...common,
          productId: kettle.id,
          sku: kettle.sku,
          name: 'Enamel kettle',
          quantity: 1,
          unitPrice: gbp(4_200),
          total: gbp(4_200),
        },
      ],
      subtotal: gbp(6_700),
      shipping: zero,
      tax: zero,
      total: gbp(6_700),
      payment: { id: expect.any(String), status: 'captured', outcome: null, declineCode: null },
      shippingAddress,
      metadata: { campaign: 'autumn', 'gift note': '🎁 enjoy' },
      version: 2,
      closedAt: null,
      placedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updatedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    });
    expect((await shop.get(`${ORDERS}/${answer.body.id}`)).body).toEqual(answer.body);
  });

  it('has its stock committed, its money in the ledger, and its story in the outbox', async () => {
    const mug = await shop.product({ price: 1_250, stock: 10 });
    const { id, payment } = await shop.placed({ lines: [line(mug, 4)] });
    expect(await shop.stock(mug)).toEqual({ onHand: 10, reserved: 4, available: 6 });
    expect(await movements(mug)).toEqual([
      { kind: 'receive', quantity: 10, orderId: null },
      { kind: 'reserve', quantity: 4, orderId: id },
      { kind: 'commit', quantity: 4, orderId: id },
    ]);
    expect(await shop.ledgerOf(id)).toEqual({ gateway_clearing: 5_000, sales: -5_000 });
    expect(await shop.events(id)).toEqual(['order.placed', 'order.confirmed']);
    expect(await shop.events(payment.id)).toEqual(['payment.created', 'payment.captured']);
  });

  it('tells in its timeline who did what in which request', async () => {
    const headers = { 'x-request-id': 'checkout-4711' };
    const { id } = await shop.placed({}, { headers });
    const entry = {
      actor: `user:${shop.customer.id}`,
      requestId: 'checkout-4711',
      reason: null,
      occurredAt: expect.any(String),
    };
    const { status, body } = await shop.get(`${ORDERS}/${id}/timeline`);
    expect(status).toBe(200);
    expect(body.data).toEqual([
      { ...entry, version: 2, from: 'pending_payment', to: 'confirmed', cause: 'confirmed' },
      { ...entry, version: 1, from: null, to: 'pending_payment', cause: 'placed' },
    ]);
  });

  it('may name one product in several lines, which share its stock', async () => {
    const mug = await shop.product({ price: 300, stock: 6 });
    const kettle = await shop.product({ price: 500, stock: 1 });
    const lines = [line(mug, 1), line(kettle), { sku: mug.sku, quantity: 2 }, line(mug, 3)];
    const { body } = await shop.place({ lines });
    expect((body.lines as { quantity: number }[]).map(({ quantity }) => quantity)).toEqual([1, 1, 2, 3]);
    expect(body.total).toEqual(gbp(6 * 300 + 500));
    expect(await shop.stock(mug)).toEqual({ onHand: 6, reserved: 6, available: 0 });
  });

  it('is refused when its lines together ask for more than there is', async () => {
    const mug = await shop.product({ stock: 5 });
    const kettle = await shop.product({ stock: 1 });
    const bowl = await shop.product({ stock: 9 });
    const lines = [line(mug, 3), line(kettle, 2), line(mug, 3), line(bowl, 9)];
    const { body } = await shop.expectRefusal(() => shop.place({ lines }), 409, 'insufficient_stock');
    expect(body.lines).toHaveLength(2);
    expect(body.lines).toEqual(
      expect.arrayContaining([
        { productId: mug.id, requested: 6, available: 5 },
        { productId: kettle.id, requested: 2, available: 1 },
      ]),
    );
  });

  it('may have a thousand lines', async () => {
    const products = await Promise.all(
      Array.from({ length: 10 }, (_, index) => shop.product({ price: 10 + index, stock: 100 })),
    );
    const lines = Array.from({ length: 1_000 }, (_, index) => line(products[index % 10]!));
    const { body } = await shop.place({ lines });
    expect(body.status).toBe('confirmed');
    expect(body.lines).toHaveLength(1_000);
    expect(body.total).toEqual(gbp(100 * (10 * 10 + 45)));
    expect(await Promise.all(products.map((product) => shop.stock(product)))).toEqual(
      products.map(() => ({ onHand: 100, reserved: 100, available: 0 })),
    );
  });

  it('may cost nothing, and is confirmed without asking the gateway', async () => {
    const sample = await shop.product({ price: 0, stock: 3 });
    const order = await shop.placed({ lines: [line(sample, 2)], expectedTotal: gbp(0) });
    expect(order).toMatchObject({ status: 'confirmed', total: gbp(0), payment: { status: 'captured' } });
    expect((await shop.paymentOf(order.payment.id)).operations).toEqual([]);
    expect(await shop.ledgerOf(order.id)).toEqual({});
    expect(await shop.stock(sample)).toMatchObject({ reserved: 2 });
    expect(await shop.cancel(order.id)).toMatchObject({ status: 200, body: { status: 'canceled' } });
    expect(await shop.stock(sample)).toMatchObject({ reserved: 0 });
  });

  it('keeps its prices and names when the catalog changes', async () => {
    const mug = await shop.product({ price: 1_000, name: 'Old name' });
    const { id } = await shop.placed({ lines: [line(mug)] });
    const change = await shop.api.call('PATCH', `/api/v1/products/${mug.id}`, {
      token: shop.staff.token,
      headers: { 'if-match': '"1"' },
      body: { price: gbp(9_999), name: 'New name' },
    });
    expect(change.status).toBe(200);
    expect((await shop.orderOf(id)).lines).toMatchObject([{ name: 'Old name', unitPrice: gbp(1_000) }]);
    expect((await shop.placed({ lines: [line(mug)] })).lines).toMatchObject([
      { name: 'New name', unitPrice: gbp(9_999) },
    ]);
  });

  it('gets the id that the client chose', async () => {
    const id = newId();
    const { body } = await shop.place({ id: id.toUpperCase() });
    expect(body.id).toBe(id);
  });

  it('is refused under an id that is taken, by whomever', async () => {
    const { id } = await shop.placed();
    await shop.expectRefusal(() => shop.place({ id }), 409, 'order_exists');
    await shop.expectRefusal(() => shop.place({ id }, { as: stranger }), 409, 'order_exists');
  });

  it('may be in any currency, as long as it is one', async () => {
    const bowl = await shop.product({ price: 1_900, currency: 'JPY' });
    expect(await shop.placed({ lines: [line(bowl, 2)] })).toMatchObject({
      total: { amount: 3_800, currency: 'JPY' },
    });
    const { body } = await shop.expectRefusal(
      () => shop.place({ lines: [line(bowl), line(shop.mug)] }),
      422,
      'mixed_currencies',
    );
    expect(body.currencies).toEqual(expect.arrayContaining(['GBP', 'JPY']));
  });

  it('never gets a number twice', async () => {
    const orders = await Promise.all(Array.from({ length: 10 }, () => shop.placed()));
    expect(new Set(orders.map(({ number }) => number as string)).size).toBe(10);
  });
});

describe('the expected total', () => {
  it('passes when it is right', async () => {
    expect(await shop.placed({ lines: [line(shop.mug, 3)], expectedTotal: gbp(3_000) })).toMatchObject({
      total: gbp(3_000),
    });
  });

  it.each([
    ['too low', gbp(2_999)],
    ['too high', gbp(3_001)],
    ['in another currency', { amount: 3_000, currency: 'EUR' }],
  ])('is refused when it is %s, with the right one', async (_, expectedTotal) => {
    const wish = { lines: [line(shop.mug, 3)], expectedTotal };
    for (const call of [() => shop.place(wish), () => shop.post(`${ORDERS}/quote`, shop.order(wish))]) {
      const { body } = await shop.expectRefusal(call, 409, 'price_changed');
      expect(body).toMatchObject({ expectedTotal, total: gbp(3_000) });
    }
  });
});

describe('a quote', () => {
  const quote = (wish: object, as: Person | null = null) =>
    shop.post(`${ORDERS}/quote`, { lines: [line(shop.mug)], ...wish }, { as });

  it('tells prices, stock and totals, and changes nothing', async () => {
    const mug = await shop.product({ price: 1_250, stock: 3 });
    const before = await shop.stored();
    const { status, body } = await quote({ lines: [line(mug, 1), { sku: mug.sku, quantity: 2 }] });
    const common = {
      productId: mug.id,
      sku: mug.sku,
      name: 'Stoneware mug',
      unitPrice: gbp(1_250),
      available: 3,
    };
    expect(status).toBe(200);
    expect(body).toEqual({
      lines: [
        { ...common, quantity: 1, total: gbp(1_250) },
        { ...common, quantity: 2, total: gbp(2_500) },
      ],
      subtotal: gbp(3_750),
      shipping: gbp(0),
      tax: gbp(0),
      total: gbp(3_750),
      inStock: true,
    });
    expect(await shop.stored()).toEqual(before);
  });

  it('tells when the lines together ask for more than there is', async () => {
    const mug = await shop.product({ stock: 3 });
    const { body } = await quote({ lines: [line(mug, 2), line(mug, 2)] });
    expect(body).toMatchObject({ inStock: false, total: gbp(4_000) });
  });

  it('takes the very body of the order that follows', async () => {
    const body = shop.order({ id: newId(), email: 'ada@example.com', metadata: { a: 'b' } });
    const quoted = await shop.post(`${ORDERS}/quote`, body);
    const { total } = await shop.placed({ ...body, expectedTotal: quoted.body.total });
    expect(total).toEqual(quoted.body.total);
  });
});

describe('a guest', () => {
  it('orders by e-mail and gets a token', async () => {
    const order = await shop.placed({ email: ' Ada@Example.com' }, { as: null });
    expect(order).toMatchObject({ customerId: null, email: 'ada@example.com', status: 'confirmed' });
    expect(order.orderToken).toEqual(expect.any(String));
  });

  it('opens with the token this order, its timeline, its payment and its cancellation', async () => {
    const { order } = await shop.placedByGuest({ method: 'pm_card_chargeDeclined' }, 402);
    const { id, orderToken } = order;
    const manner = { as: null, orderToken };
    const { status, body } = await shop.get(`${ORDERS}/${id}`, manner);
    expect({ status, orderStatus: body.status }).toEqual({ status: 200, orderStatus: 'pending_payment' });
    // The token is shown to whoever places or pays, not to whoever reads.
    expect(body).not.toHaveProperty('orderToken');
    for (const part of PARTS) {
      expect(await shop.get(`${ORDERS}/${id}/${part}`, manner)).toMatchObject({ status: 200 });
    }
    expect(await shop.pay(id, 'pm_card_visa', manner)).toMatchObject({ status: 201, body: { orderToken } });
    expect(await shop.cancel(id, manner)).toMatchObject({ status: 200, body: { status: 'canceled' } });
  });

  it('opens no other order with it, nor this one with another', async () => {
    const mine = await shop.placedByGuest();
    const other = await shop.placedByGuest();
    const accounts = await shop.placed();
    const TOKENS: [string, string, number, string][] = [
      [other.id, mine.orderToken, 404, 'order_not_found'],
      [accounts.id, mine.orderToken, 404, 'order_not_found'],
      [mine.id, other.orderToken, 404, 'order_not_found'],
      [mine.id, `${(mine.orderToken as string).slice(0, -2)}AA`, 404, 'order_not_found'],
      [mine.id, 'x', 404, 'order_not_found'],
      [newId(), mine.orderToken, 404, 'order_not_found'],
    ];
    for (const [orderId, orderToken, status, code] of TOKENS) {
      const manner = { as: null, orderToken };
      const path = `${ORDERS}/${orderId}`;
      await shop.expectRefusal(() => shop.get(path, manner), status, code);
      for (const part of PARTS) {
        await shop.expectRefusal(() => shop.get(`${path}/${part}`, manner), status, code);
      }
      await shop.expectRefusal(() => shop.cancel(orderId, manner), status, code);
      await shop.expectRefusal(() => shop.pay(orderId, 'pm_card_visa', manner), status, code);
    }
  });

  it('without the token must log in, whether the order exists or not', async () => {
    const { id } = await shop.placedByGuest();
    for (const orderId of [id, newId()]) {
      const path = `${ORDERS}/${orderId}`;
      for (const call of [
        () => shop.get(path, { as: null }),
        ...PARTS.map((part) => () => shop.get(`${path}/${part}`, { as: null })),
        () => shop.cancel(orderId, { as: null }),
        () => shop.pay(orderId, 'pm_card_visa', { as: null }),
      ]) {
        await shop.expectRefusal(call, 401, 'authentication_required');
      }
    }
  });

  it('keeps the token to themselves when staff or a key pay for them, with a token that they made up', async () => {
    const { id: keyId, key } = await shop.apiKey('orders:pay');
    for (const as of [shop.staff, { id: keyId, email: '', token: key }]) {
      const { order } = await shop.placedByGuest({ method: 'pm_card_chargeDeclined' }, 402);
      const { id, orderToken } = order;
      const madeUp = { as, orderToken: 'x' };
      const declined = await shop.pay(id, 'pm_card_chargeDeclined', madeUp);
      expect(declined).toMatchObject({ status: 402, body: { order: { id } } });
      expect(declined.body.order).not.toHaveProperty('orderToken');
      const genuine = await shop.pay(id, 'pm_card_chargeDeclined', { as, orderToken });
      expect(genuine).toMatchObject({ status: 402, body: { order: { orderToken } } });
      const paid = await shop.pay(id, 'pm_card_visa', madeUp);
      expect(paid).toMatchObject({ status: 201, body: { id } });
      expect(paid.body).not.toHaveProperty('orderToken');
    }
  });

  it('needs an e-mail address', async () => {
    await shop.expectRefusal(() => shop.place({}, { as: null }), 400, 'email_required', {
      pointer: '/email',
      code: 'required',
    });
  });
});

describe('a customer', () => {
  it('sees an order of another customer as little as one that does not exist', async () => {
    const theirs = await shop.placed({}, { as: stranger });
    const guests = await shop.placedByGuest();
    for (const id of [theirs.id, guests.id, newId()]) {
      const path = `${ORDERS}/${id}`;
      for (const call of [
        () => shop.get(path),
        ...PARTS.map((part) => () => shop.get(`${path}/${part}`)),
        () => shop.cancel(id),
        () => shop.pay(id),
      ]) {
        await shop.expectRefusal(call, 404, 'order_not_found');
      }
    }
  });

  it('may give another e-mail address for an order', async () => {
    expect(await shop.placed({ email: 'office@example.com' })).toMatchObject({
      email: 'office@example.com',
      customerId: shop.customer.id,
    });
  });

  it('opens a guest’s order with its token', async () => {
    const { id, orderToken } = await shop.placedByGuest();
    expect(await shop.get(`${ORDERS}/${id}`, { orderToken })).toMatchObject({ status: 200 });
  });

  it('may not fulfil, nor see payments or the ledger', async () => {
    const { id, lines, payment } = await shop.placed();
    const pieces = [{ lineId: lines[0].id, quantity: 1 }];
    const forbidden = (as: Person | null) => [
      () => shop.fulfil(id, pieces, { as }),
      () => shop.takeBack(id, pieces, { as }),
      () => shop.capture(payment.id, undefined, { as }),
      () => shop.void(payment.id, { as }),
      () => shop.refund(payment.id, {}, { as }),
      () => shop.get('/api/v1/payments', { as }),
      () => shop.get(`/api/v1/payments/${payment.id}`, { as }),
      () => shop.get('/api/v1/ledger/accounts', { as }),
      () => shop.get('/api/v1/ledger/transactions', { as }),
      () => shop.get('/api/v1/ledger/trial-balance', { as }),
    ];
    for (const call of forbidden(shop.customer)) await shop.expectRefusal(call, 403, 'forbidden');
    for (const call of forbidden(null)) await shop.expectRefusal(call, 401, 'authentication_required');
    for (const call of forbidden(shop.staff).slice(-3)) await shop.expectRefusal(call, 403, 'forbidden');
  });
});

describe('staff', () => {
  it('see and cancel any order', async () => {
    const { id } = await shop.placed({}, { as: stranger });
    expect(await shop.get(`${ORDERS}/${id}`, { as: shop.staff })).toMatchObject({ status: 200 });
    for (const part of PARTS) {
      expect(await shop.get(`${ORDERS}/${id}/${part}`, { as: shop.staff })).toMatchObject({ status: 200 });
    }
    expect(await shop.cancel(id, { as: shop.staff })).toMatchObject({ body: { status: 'canceled' } });
  });

  it('are told of an order that does not exist', async () => {
    for (const below of ['', ...PARTS.map((part) => `/${part}`)]) {
      await shop.expectRefusal(
        () => shop.get(`${ORDERS}/${newId()}${below}`, { as: shop.staff }),
        404,
        'order_not_found',
      );
    }
    await shop.expectRefusal(() => shop.cancel(newId(), { as: shop.staff }), 404, 'order_not_found');
    await shop.expectRefusal(
      () => shop.fulfil(newId(), [{ lineId: newId(), quantity: 1 }]),
      404,
      'order_not_found',
    );
  });
});

describe('an access token', () => {
  it.each([
    ['expired', async () => shop.later(-3_600_000, async () => (await shop.newCustomer()).token)],
    ['forged', async () => `${shop.customer.token.slice(0, -6)}AAAAAA`],
    ['of nobody', async () => 'nobody'],
  ])('that is %s opens nothing, not even what anyone may do', async (_, tokenOf) => {
    const as = { ...shop.customer, token: await tokenOf() };
    const { id, payment, lines } = await shop.placed();
    for (const call of [
      () => shop.place({}, { as }),
      () => shop.post(`${ORDERS}/quote`, shop.order(), { as }),
      () => shop.get(ORDERS, { as }),
      () => shop.get(`${ORDERS}/${id}`, { as }),
      ...PARTS.map((part) => () => shop.get(`${ORDERS}/${id}/${part}`, { as })),
      () => shop.pay(id, 'pm_card_visa', { as }),
      () => shop.cancel(id, { as }),
      () => shop.fulfil(id, [{ lineId: lines[0].id, quantity: 1 }], { as }),
      () => shop.takeBack(id, [{ lineId: lines[0].id, quantity: 1 }], { as }),
      () => shop.get('/api/v1/payments', { as }),
      () => shop.refund(payment.id, {}, { as }),
      () => shop.get('/api/v1/ledger/trial-balance', { as }),
    ]) {
      await shop.expectRefusal(call, 401, 'invalid_token');
    }
  });
});
