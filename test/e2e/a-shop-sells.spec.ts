import { DemoCatalog } from '#catalog';
import { createSteelyardClient, type SteelyardClient } from '#client';
import { newId } from '#kernel';
import { DemoUsers } from '#users';
import { TestApp } from '../support/test-app.js';

/** Tea for two: two mugs at 12.50 and 250 g of Earl Grey at 9.80, and 4.99 for shipping. */
const BASKET = [
  { sku: 'DEMO-MUG', quantity: 2 },
  { sku: 'DEMO-TEA-EARL', quantity: 1 },
];
const TOTAL = gbp(2 * 1_250 + 980 + 499);

let app: TestApp;
/** Who nobody knows yet, who sells, and who keeps the books. */
let shopper: SteelyardClient;
let clerk: SteelyardClient;
let bookkeeper: SteelyardClient;

beforeAll(async () => {
  app = await TestApp.start({ ORDER_SHIPPING_FLAT_MINOR: '499' });
  await app.app.get(DemoUsers).ensure();
  await app.app.get(DemoCatalog).ensure();
  shopper = client();
  clerk = await logIn('staff@example.com', 'steelyard-demo');
  bookkeeper = await logIn('admin@example.com', 'steelyard-demo');
});

afterAll(() => app.stop());

function client(token?: string): SteelyardClient {
  return createSteelyardClient({ baseUrl: app.baseUrl, ...(token === undefined ? {} : { token }) });
}

async function logIn(email: string, password: string): Promise<SteelyardClient> {
  const { data } = await client().POST('/api/v1/auth/login', { body: { email, password } });
  return client(data!.accessToken);
}

function gbp(amount: number) {
  return { amount, currency: 'GBP' as const };
}

/** A call that may be repeated: the key makes it one. */
function keyed(path: { id: string }, key: string = newId()) {
  return { path, header: { 'Idempotency-Key': key } };
}

describe('a shop sells', () => {
  let orderId: string;
  let paymentId: string;
  let mugLineId: string;
  let teaLineId: string;

  it('to somebody who registers and logs in', async () => {
    const account = { email: 'grace@example.com', password: 'correct horse battery', name: 'Grace Hopper' };
    const { data: user } = await shopper.POST('/api/v1/users', { body: account });
    expect(user).toMatchObject({ email: 'grace@example.com', role: 'customer' });
    shopper = await logIn(account.email, account.password);
    const { data: me } = await shopper.GET('/api/v1/users/me');
    expect(me).toEqual(user);
  });

  it('what she finds in the catalog', async () => {
    const { data: found } = await shopper.GET('/api/v1/products', { params: { query: { q: 'mug' } } });
    expect(found!.data).toMatchObject([
      { sku: 'DEMO-MUG', price: gbp(1_250), availability: 'in_stock', active: true },
    ]);
    const { data: mug } = await shopper.GET('/api/v1/products/{id}', {
      params: { path: { id: found!.data[0]!.id } },
    });
    expect(mug).toEqual(found!.data[0]);
  });

  it('at the price that it quotes', async () => {
    const { data: quote } = await shopper.POST('/api/v1/orders/quote', {
      body: { lines: BASKET },
    });
    expect(quote).toMatchObject({ subtotal: gbp(3_480), shipping: gbp(499), total: TOTAL, inStock: true });
  });

  it('and keeps her order when her card is declined', async () => {
    const placed = await shopper.POST('/api/v1/orders', {
      params: { header: { 'Idempotency-Key': newId() } },
      body: {
        lines: BASKET,
        expectedTotal: TOTAL,
        shippingAddress: { name: 'Grace Hopper', line1: '1 Harbour Road', city: 'Hull', country: 'GB' },
        payment: { method: 'pm_card_chargeDeclined', capture: 'on_fulfillment' },
      },
    });
    expect(placed.response.status).toBe(402);
    expect(placed.error).toMatchObject({
      code: 'payment_declined',
      order: { status: 'pending_payment', payment: { declineCode: 'generic_decline' } },
    });
    orderId = (placed.error as unknown as { order: { id: string } }).order.id;
  });

  it('until another card is good, whose money is not taken yet', async () => {
    const params = keyed({ id: orderId });
    const body = { method: 'pm_card_visa' };
    const { data: order } = await shopper.POST('/api/v1/orders/{id}/payments', { params, body });
    expect(order).toMatchObject({ status: 'confirmed', payment: { status: 'authorized' }, total: TOTAL });
    paymentId = order!.payment.id;
    [mugLineId, teaLineId] = order!.lines.map(({ id }) => id) as [string, string];

    // The answer was lost on its way; asking again pays nothing again.
    const again = await shopper.POST('/api/v1/orders/{id}/payments', { params, body });
    expect(again.response.headers.get('idempotency-replayed')).toBe('true');
    expect(again.data).toEqual(order);
  });

  it('and finds the order among those of all, as she does among her own', async () => {
    const query = { status: 'confirmed' as const };
    const { data: all } = await clerk.GET('/api/v1/orders', { params: { query } });
    const { data: own } = await shopper.GET('/api/v1/orders');
    expect(all!.data.map(({ id }) => id)).toEqual([orderId]);
    expect(own).toEqual(all);
  });

  it('sends the mugs out first, and takes the money for them', async () => {
    const { data: parcel } = await clerk.POST('/api/v1/orders/{id}/fulfillments', {
      params: keyed({ id: orderId }),
      body: {
        lines: [{ lineId: mugLineId, quantity: 2 }],
        trackingNumber: 'RB123456785GB',
        carrier: 'royal_mail',
      },
    });
    expect(parcel).toMatchObject({ orderId, trackingNumber: 'RB123456785GB' });
    const { data: payment } = await clerk.GET('/api/v1/payments/{id}', {
      params: { path: { id: paymentId } },
    });
    // 25.00 for the mugs and their share of the shipping: 4.99 * 2500 / 3480.
    expect(payment).toMatchObject({ status: 'partially_captured', capturedAmount: gbp(2_500 + 358) });
  });

  it('then the tea, and has all the money', async () => {
    await clerk.POST('/api/v1/orders/{id}/fulfillments', {
      params: keyed({ id: orderId }),
      body: { lines: [{ lineId: teaLineId, quantity: 1 }] },
    });
    const { data: order } = await shopper.GET('/api/v1/orders/{id}', { params: { path: { id: orderId } } });
    expect(order).toMatchObject({ status: 'fulfilled', payment: { status: 'captured' } });
  });

  it('gives back half the price of a mug that is chipped, and no more than was paid', async () => {
    const refund = (amount: number) =>
      clerk.POST('/api/v1/payments/{id}/refunds', {
        params: keyed({ id: paymentId }),
        body: { lines: [{ lineId: mugLineId, amount: gbp(amount) }], reason: 'chipped' },
      });
    const { data } = await refund(625);
    expect(data).toMatchObject({ status: 'succeeded', amount: gbp(625) });
    const { response, error } = await refund(100_000);
    expect(response.status).toBe(409);
    expect(error).toMatchObject({ code: 'refund_exceeds_line', refundableAmount: 2_858 - 625 });
  });

  it('tells her what happened, step by step', async () => {
    const { data: timeline } = await shopper.GET('/api/v1/orders/{id}/timeline', {
      params: { path: { id: orderId } },
    });
    const steps = timeline!.data.map(({ to, cause }) => `${to} (${cause})`).reverse();
    expect(steps).toEqual([
      'pending_payment (placed)',
      'pending_payment (payment_declined)',
      'pending_payment (payment_retried)',
      'confirmed (confirmed)',
      'partially_fulfilled (partially_fulfilled)',
      'partially_fulfilled (payment_captured)',
      'fulfilled (fulfilled)',
      'fulfilled (payment_captured)',
      'fulfilled (refunded)',
    ]);
  });

  it('has fewer mugs in the house', async () => {
    const { data: mugs } = await clerk.GET('/api/v1/products', { params: { query: { sku: 'DEMO-MUG' } } });
    const path = { id: mugs!.data[0]!.id };
    const { data: stock } = await clerk.GET('/api/v1/products/{id}/stock', { params: { path } });
    expect(stock).toMatchObject({ onHand: 238, reserved: 0, available: 238 });
  });

  it('and books that balance', async () => {
    const { data: books } = await bookkeeper.GET('/api/v1/ledger/trial-balance');
    const balances = Object.fromEntries(
      books!.accounts.map(({ account, balance }) => [account, balance.amount]),
    );
    expect(books).toMatchObject({ balanced: true, totals: [gbp(0)] });
    expect(balances['gateway_clearing']).toBe(TOTAL.amount - 625);
    expect(balances['sales']).toBe(-3_480);
    expect(balances['sales_refunds']! + (balances['shipping']! + 499)).toBe(625);
  });
});
