import { newId } from '#kernel';
import { Database } from '#platform/database';
import { eventually } from '../support/eventually.js';
import { gbp, line, ORDERS, type Product, Shop } from '../support/shop.js';
import type { Answer } from '../support/test-app.js';

let shop: Shop;

beforeAll(async () => {
  shop = await Shop.open();
});

afterAll(() => shop.close());

/** Makes `count` calls at once. */
function atOnce(count: number, call: (index: number) => Promise<Answer>): Promise<Answer[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => call(index)));
}

/** How often each outcome was answered: `201`, or the code of the problem. */
function outcomes(answers: readonly Answer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status, body } of answers) {
    const outcome = status < 300 ? String(status) : String(body.code);
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
}

/** Waits until the gateway is at work on a payment. */
function untilSent(paymentId: string): Promise<void> {
  return eventually(async () => {
    const { rows } = await shop.sql.query(
      `SELECT FROM payments.operations WHERE payment_id = $1 AND status = 'sent'`,
      [paymentId],
    );
    expect(rows).toHaveLength(1);
  });
}

describe('200 buyers of a product with 50 pieces', () => {
  it('get 50 orders, and 150 are told that the stock is short', async () => {
    const product = await shop.product({ price: 700, stock: 50 });
    const answers = await atOnce(200, (index) =>
      index % 2 === 0
        ? shop.place({ lines: [line(product)] })
        : shop.place({ lines: [line(product)], email: `buyer-${index}@example.com` }, { as: null }),
    );
    expect(outcomes(answers)).toEqual({ '201': 50, insufficient_stock: 150 });
    for (const { status, body } of answers) {
      if (status === 201)
        expect(body).toMatchObject({ status: 'confirmed', payment: { status: 'captured' } });
      else expect(body.lines).toEqual([{ productId: product.id, requested: 1, available: 0 }]);
    }
    expect(await shop.stock(product)).toEqual({ onHand: 50, reserved: 50, available: 0 });
    await expectSold(product, 50);
  });

  it('get 50 orders also when some pay badly, and all try again to the end', async () => {
    const product = await shop.product({ price: 700, stock: 50 });
    const METHODS = ['pm_card_visa', 'pm_card_chargeDeclined', 'pm_sim_error_500', 'pm_card_visa'];
    await atOnce(100, async (index) => {
      const method = METHODS[index % METHODS.length]!;
      const manner = { key: newId() };
      const wish = { lines: [line(product)], method };
      const first = await shop.place(wish, manner);
      if (first.status === 202) return shop.place(wish, manner);
      // Whoever is declined gives the piece back, so that another buyer gets it.
      if (first.status === 402) return shop.cancel(first.body.order.id);
      return first;
    });
    const { available } = await shop.stock(product);
    const answers = await atOnce(60, () => shop.place({ lines: [line(product)] }));
    expect(outcomes(answers)['201'] ?? 0).toBe(available);
    expect(await shop.stock(product)).toEqual({ onHand: 50, reserved: 50, available: 0 });
    await expectSold(product, 50);
  });

  it('take what is there when each wants several', async () => {
    const product = await shop.product({ stock: 50 });
    const answers = await atOnce(40, (index) => shop.place({ lines: [line(product, 1 + (index % 7))] }));
    const sold = answers
      .filter(({ status }) => status === 201)
      .reduce((sum, { body }) => sum + (body.lines[0].quantity as number), 0);
    expect(sold).toBeLessThanOrEqual(50);
    // Nobody who was refused could have had all of it at that moment.
    for (const { status, body } of answers) {
      if (status !== 201) expect(body.lines[0].available).toBeLessThan(body.lines[0].requested);
    }
    expect(await shop.stock(product)).toEqual({ onHand: 50, reserved: sold, available: 50 - sold });
  });

  /** Expects so many confirmed orders of one piece each, and their money in the ledger. */
  async function expectSold({ id, price }: Product, pieces: number): Promise<void> {
    const { rows } = await shop.sql.query<{ orders: number; clearing: number; sales: number }>(
      `SELECT count(DISTINCT o.id)::int AS orders,
              (sum(p.amount) FILTER (WHERE p.account = 'gateway_clearing'))::int AS clearing,
              (sum(p.amount) FILTER (WHERE p.account = 'sales'))::int AS sales
         FROM orders.orders o
         JOIN orders.order_lines l ON l.order_id = o.id
         JOIN payments.ledger_transactions t ON t.order_id = o.id
         JOIN payments.ledger_postings p ON p.transaction_id = t.id
        WHERE l.product_id = $1 AND o.status = 'confirmed'`,
      [id],
    );
    expect(rows).toEqual([{ orders: pieces, clearing: pieces * price, sales: -pieces * price }]);
  }
});

describe('50 calls with one key', () => {
  it('make one order, and in the end all tell of it', async () => {
    const product = await shop.product({ price: 700, stock: 50 });
    const manner = { key: newId() };
    const place = () => shop.place({ lines: [line(product)] }, manner);
    const answers = await atOnce(50, place);
    const counts = outcomes(answers);
    expect(
      Object.keys(counts).filter((outcome) => !['201', 'idempotency_in_progress'].includes(outcome)),
    ).toEqual([]);
    expect(counts['201']).toBeGreaterThanOrEqual(1);
    for (const { status, headers } of answers) {
      if (status === 409) expect(headers.get('retry-after')).toBe('1');
    }
    const first = answers.find(({ status }) => status === 201)!;
    for (const { status, body } of [...answers, ...(await atOnce(50, place))]) {
      if (status === 201) expect(body).toEqual(first.body);
    }
    expect(outcomes(await atOnce(50, place))).toEqual({ '201': 50 });
    expect(await shop.stock(product)).toEqual({ onHand: 50, reserved: 1, available: 49 });
    expect(await shop.ledgerOf(first.body.id)).toEqual({ gateway_clearing: 700, sales: -700 });
    expect((await shop.paymentOf(first.body.payment.id)).operations).toHaveLength(1);
  });

  it('make one refund, one capture, one parcel', async () => {
    const sold = await shop.placed({ lines: [line(shop.mug, 30)] });
    const authorized = await shop.placed({ lines: [line(shop.mug, 30)], capture: 'manual' });
    const manner = { key: newId() };
    const parcel = [{ lineId: sold.lines[0].id, quantity: 1 }];
    await atOnce(30, (index) => {
      if (index % 3 === 0) return shop.refund(sold.payment.id, { amount: gbp(1_000) }, manner);
      if (index % 3 === 1) return shop.capture(authorized.payment.id, 1_000, manner);
      return shop.fulfil(sold.id, parcel, manner);
    });
    expect(await shop.paymentOf(sold.payment.id)).toMatchObject({ refundedAmount: gbp(1_000) });
    expect(await shop.paymentOf(authorized.payment.id)).toMatchObject({ capturedAmount: gbp(1_000) });
    expect(await shop.orderOf(sold.id)).toMatchObject({ lines: [{ fulfilledQuantity: 1 }] });
  });

  it('of different payloads make the order of one of them', async () => {
    const key = newId();
    const answers = await atOnce(20, (index) =>
      shop.place({ lines: [line(shop.mug, 1 + (index % 2))] }, { key }),
    );
    const placed = answers.filter(({ status }) => status === 201);
    expect(new Set(placed.map(({ body }) => body.id as string)).size).toBe(1);
    const others = Object.keys(outcomes(answers)).filter((outcome) => outcome !== '201');
    expect(['idempotency_in_progress', 'idempotency_key_reused']).toEqual(expect.arrayContaining(others));
  });

  it('of different keys for one id make one order', async () => {
    const id = newId();
    const answers = await atOnce(20, () => shop.place({ id }));
    expect(outcomes(answers)).toEqual({ '201': 1, order_exists: 19 });
  });
});

describe('200 refunds of 1 on a payment of 50', () => {
  it('give back 50, and 150 are refused', async () => {
    const product = await shop.product({ price: 50 });
    const { id, payment } = await shop.placed({ lines: [line(product)] });
    const answers = await atOnce(200, () => shop.refund(payment.id, { amount: gbp(1) }));
    expect(outcomes(answers)).toEqual({ '201': 50, refund_exceeds_captured: 150 });
    expect(await shop.paymentOf(payment.id)).toMatchObject({
      capturedAmount: gbp(50),
      refundedAmount: gbp(50),
      pendingRefundAmount: gbp(0),
    });
    expect(await shop.ledgerOf(id)).toEqual({ sales: -50, sales_refunds: 50 });
    const { rows } = await shop.sql.query('SELECT FROM payments.refunds WHERE payment_id = $1', [payment.id]);
    expect(rows).toHaveLength(50);
  });
});

describe('calls that exclude each other', () => {
  const ROUNDS = 8;

  it('like cancel and fulfil: one of them wins', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const product = await shop.product({ stock: 1 });
      const { id, lines } = await shop.placed({ lines: [line(product)] });
      const pieces = [{ lineId: lines[0].id, quantity: 1 }];
      const [canceled, fulfilled] = await Promise.all([shop.cancel(id), shop.fulfil(id, pieces)]);
      const { status } = await shop.orderOf(id);
      const stock = await shop.stock(product);
      if (canceled.status === 200) {
        expect(fulfilled).toMatchObject({ status: 409, body: { code: 'order_state_conflict' } });
        expect({ status, stock }).toEqual({
          status: 'canceled',
          stock: { onHand: 1, reserved: 0, available: 1 },
        });
        expect(await shop.ledgerOf(id)).toEqual({ sales: -1_000, sales_refunds: 1_000 });
      } else {
        expect(canceled).toMatchObject({ status: 409, body: { code: 'order_state_conflict' } });
        expect(fulfilled.status).toBe(201);
        expect({ status, stock }).toEqual({
          status: 'fulfilled',
          stock: { onHand: 0, reserved: 0, available: 0 },
        });
      }
    }
  });

  it('like capture and void: one of them wins', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const { id, payment } = await shop.placed({ capture: 'manual' });
      const [captured, voided] = await Promise.all([shop.capture(payment.id), shop.void(payment.id)]);
      expect([captured.status, voided.status].sort()).toEqual([200, 409]);
      const { status, capturedAmount } = await shop.paymentOf(payment.id);
      expect({ status, capturedAmount }).toEqual(
        captured.status === 200
          ? { status: 'captured', capturedAmount: gbp(1_000) }
          : { status: 'canceled', capturedAmount: gbp(0) },
      );
      expect((await shop.orderOf(id)).status).toBe(captured.status === 200 ? 'confirmed' : 'canceled');
    }
  });

  it('like many captures: what is authorized is captured once', async () => {
    const { payment } = await shop.placed({ lines: [line(shop.mug, 5)], capture: 'manual' });
    let total = 0;
    for (let round = 0; round < ROUNDS && total < 5_000; round += 1) {
      const answers = await atOnce(4, () => shop.capture(payment.id, 1_000));
      total += 1_000 * (outcomes(answers)['200'] ?? 0);
      for (const { status } of answers) expect([200, 409]).toContain(status);
    }
    const { status, capturedAmount } = await shop.paymentOf(payment.id);
    expect({ status, capturedAmount }).toEqual({ status: 'captured', capturedAmount: gbp(total) });
    expect(total).toBe(5_000);
  });

  it('like many cancellations: the money goes back once', async () => {
    const product = await shop.product({ stock: 3 });
    const { id, payment } = await shop.placed({ lines: [line(product, 3)] });
    const answers = await atOnce(20, () => shop.cancel(id));
    for (const { status } of answers) expect([200, 202, 409]).toContain(status);
    expect(outcomes(answers)['200']).toBeGreaterThanOrEqual(1);
    expect(await shop.orderOf(id)).toMatchObject({ status: 'canceled' });
    expect(await shop.stock(product)).toEqual({ onHand: 3, reserved: 0, available: 3 });
    expect((await shop.paymentOf(payment.id)).refunds).toHaveLength(1);
  });

  it('like many attempts to pay: the order is paid once', async () => {
    const { order } = await shop.placed({ method: 'pm_card_chargeDeclined' }, {}, 402);
    const answers = await atOnce(20, () => shop.pay(order.id));
    expect(outcomes(answers)).toEqual({ '201': 1, order_state_conflict: 19 });
    expect(await shop.ledgerOf(order.id)).toEqual({ gateway_clearing: 1_000, sales: -1_000 });
  });

  it('like paying and expiring: who pays in time keeps the order, however long it takes', async () => {
    const { order } = await shop.placed({ method: 'pm_card_chargeDeclined' }, {}, 402);
    const { promise: decision, resolve: decide } = Promise.withResolvers<undefined>();
    const paid = await shop.withGateway(
      'authorize',
      (call) => decision.then(call),
      async () => {
        const paying = shop.pay(order.id);
        await untilSent(order.payment.id);
        await shop.expireUnpaid(3_600_000);
        decide(undefined);
        return paying;
      },
    );
    expect(paid).toMatchObject({ status: 201, body: { status: 'confirmed' } });
  });

  it('like fulfilling the same pieces: each leaves once', async () => {
    const product = await shop.product({ stock: 10 });
    const { id, lines } = await shop.placed({ lines: [line(product, 10)], capture: 'on_fulfillment' });
    const pieces = [{ lineId: lines[0].id, quantity: 1 }];
    let sent = 0;
    for (let round = 0; round < 3 * ROUNDS && sent < 10; round += 1) {
      const answers = await atOnce(4, () => shop.fulfil(id, pieces));
      for (const { status } of answers) expect([201, 409]).toContain(status);
      sent += outcomes(answers)['201'] ?? 0;
    }
    expect(sent).toBe(10);
    expect(await shop.stock(product)).toEqual({ onHand: 0, reserved: 0, available: 0 });
    expect(await shop.ledgerOf(id)).toEqual({ gateway_clearing: 10_000, sales: -10_000 });
  });
});

describe('canceling an order whose payment is on its way', () => {
  it.each([
    ['is approved', { result: 'succeeded', gatewayId: 'late_pm_card_visa' }, 1],
    ['is declined', { result: 'declined', declineCode: 'generic_decline' }, 0],
  ] as const)('waits for it, and when it %s leaves nothing behind', async (_, outcome, refunds) => {
    const product = await shop.product({ stock: 1 });
    const id = newId();
    const { promise: decision, resolve: decide } = Promise.withResolvers<typeof outcome>();
    const placing = shop.withGateway(
      'authorize',
      () => decision,
      async () => {
        const answer = shop.place({ id, lines: [line(product)] });
        await eventually(async () => untilSent((await shop.orderOf(id)).payment.id));
        const canceling = await shop.cancel(id);
        expect(canceling).toMatchObject({ status: 202, body: { status: 'cancel_pending' } });
        expect(await shop.stock(product)).toEqual({ onHand: 1, reserved: 1, available: 0 });
        decide(outcome);
        return answer;
      },
    );
    // Whoever placed it is told how it stands.
    expect([201, 402]).toContain((await placing).status);
    await shop.resolveOperations();
    const order = await shop.orderOf(id);
    expect(order.status).toBe('canceled');
    expect(await shop.stock(product)).toEqual({ onHand: 1, reserved: 0, available: 1 });
    expect((await shop.paymentOf(order.payment.id)).refunds).toHaveLength(refunds);
  });
});

describe('orders of many products in any order', () => {
  it('are placed, canceled and sent out without waiting for each other in a circle', async () => {
    const products = await Promise.all(Array.from({ length: 8 }, () => shop.product({ stock: 60 })));
    // A transaction that loses a deadlock is run again, so the answers alone would not tell.
    const failures: string[] = [];
    shop.api.app.get(Database).onQuery(({ name, failed }) => failed && failures.push(name));
    const answers = await atOnce(80, async (index) => {
      // Each starts somewhere else, and every second one goes backwards.
      const rotated = products.map((_, place) => products[(place + index) % products.length]!);
      const basket = index % 2 === 0 ? rotated : rotated.reverse();
      const placed = await shop.place({ lines: basket.map((product) => line(product)) });
      if (placed.status !== 201) return placed;
      const { id, lines } = placed.body;
      if (index % 4 === 0) return shop.cancel(id);
      if (index % 4 === 1) {
        return shop.fulfil(
          id,
          (lines as { id: string }[]).map(({ id: lineId }) => ({ lineId, quantity: 1 })),
        );
      }
      return placed;
    });
    const { insufficient_stock: short = 0, ...done } = outcomes(answers);
    expect(Object.values(done).reduce((sum, count) => sum + count, 0)).toBe(80 - short);
    expect(Object.keys(done).sort()).toEqual(['200', '201']);
    expect(failures).toEqual([]);
    const stocks = await Promise.all(products.map((product) => shop.stock(product)));
    for (const stock of stocks) expect(stock).toEqual(stocks[0]);
  });
});

describe('reading while others write', () => {
  it('always finds an order whole', async () => {
    const { id, lines } = await shop.placed({ lines: [line(shop.mug, 6)], capture: 'on_fulfillment' });
    const pieces = [{ lineId: lines[0].id, quantity: 1 }];
    const progress = { sent: 0 };
    const writing = (async () => {
      for (; progress.sent < 6; progress.sent += 1) await shop.fulfil(id, pieces);
    })();
    let version = 0;
    while (progress.sent < 6) {
      const { body } = await shop.get(`${ORDERS}/${id}`);
      expect(body.version).toBeGreaterThanOrEqual(version);
      version = body.version;
      const { fulfilledQuantity } = body.lines[0];
      const expected =
        fulfilledQuantity === 0 ? 'confirmed' : fulfilledQuantity === 6 ? 'fulfilled' : 'partially_fulfilled';
      expect(body.status).toBe(expected);
    }
    await writing;
  });
});
