import { newId } from '#kernel';
import fc from 'fast-check';
import { gbp, line, PAYMENTS, type Product, Shop } from '../support/shop.js';

let shop: Shop;
let products: Product[];

beforeAll(async () => {
  shop = await Shop.open({
    ORDER_SHIPPING_FLAT_MINOR: '499',
    ORDER_TAX_BASIS_POINTS: '2000',
    GATEWAY_TIMEOUT_MS: '200',
  });
  products = await Promise.all([1, 99, 333, 1_999].map((price) => shop.product({ price, stock: 1_000_000 })));
});

afterAll(() => shop.close());

/** A payment of `count` lines of different prices; what was captured of each, with its share of shipping and tax. */
async function captured({ count = 3, method = 'pm_card_visa' } = {}) {
  const order = await shop.placed({
    method,
    lines: products.slice(0, count).map((product, index) => line(product, index + 1)),
  });
  const { rows } = await shop.sql.query<{ line_id: string; amount: string }>(
    'SELECT line_id, amount FROM payments.allocations WHERE payment_id = $1',
    [order.payment.id],
  );
  const lines = (order.lines as { id: string }[]).map(({ id }) => ({
    id,
    amount: Number(rows.find(({ line_id }) => line_id === id)!.amount),
  }));
  return { order, paymentId: order.payment.id as string, total: order.total.amount as number, lines };
}

describe('a refund', () => {
  it('of an amount gives it back, from goods, shipping and tax in proportion', async () => {
    const { order, paymentId, total } = await captured();
    const answer = await shop.refund(paymentId, { amount: gbp(500), reason: 'scratched' });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      id: expect.any(String),
      paymentId,
      status: 'succeeded',
      amount: gbp(500),
      reason: 'scratched',
      lines: [],
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    expect(await shop.paymentOf(paymentId)).toMatchObject({
      status: 'captured',
      capturedAmount: gbp(total),
      refundedAmount: gbp(500),
      pendingRefundAmount: gbp(0),
      refunds: [answer.body],
    });
    const ledger = await shop.ledgerOf(order.id);
    expect(ledger['gateway_clearing']).toBe(total - 500);
    expect(ledger['sales']).toBe(-order.subtotal.amount);
    const back = {
      goods: ledger['sales_refunds']!,
      shipping: 499 + ledger['shipping']!,
      tax: (order.tax.amount as number) + ledger['tax_payable']!,
    };
    expect(back.goods + back.shipping + back.tax).toBe(500);
    for (const [part, whole] of [
      [back.goods, order.subtotal.amount],
      [back.shipping, 499],
      [back.tax, order.tax.amount],
    ]) {
      expect(Math.abs(part - (500 * whole) / total)).toBeLessThan(1);
    }
  });

  it('of everything takes what is left', async () => {
    const { order, paymentId, total } = await captured();
    await shop.refund(paymentId, { amount: gbp(123) });
    expect(await shop.refund(paymentId)).toMatchObject({ status: 201, body: { amount: gbp(total - 123) } });
    expect(await shop.ledgerOf(order.id)).toEqual({
      sales: -order.subtotal.amount,
      sales_refunds: order.subtotal.amount,
    });
    for (const body of [{}, { amount: gbp(1) }]) {
      const refused = await shop.expectRefusal(
        () => shop.refund(paymentId, body),
        409,
        'refund_exceeds_captured',
      );
      expect(refused.body.refundableAmount).toBe(0);
    }
    // The order stays: what becomes of it is another decision.
    expect(await shop.orderOf(order.id)).toMatchObject({ status: 'confirmed' });
  });

  it('of lines takes what is left of each, or the amount that is named', async () => {
    const { order, paymentId, lines } = await captured();
    const [first, second, third] = lines;
    const answer = await shop.refund(paymentId, {
      lines: [{ lineId: first!.id }, { lineId: third!.id, amount: gbp(100) }],
    });
    expect(answer).toMatchObject({
      status: 201,
      body: {
        amount: gbp(first!.amount + 100),
        lines: [
          { lineId: first!.id, amount: gbp(first!.amount) },
          { lineId: third!.id, amount: gbp(100) },
        ],
      },
    });
    expect((await shop.orderOf(order.id)).lines).toMatchObject([
      { refundedAmount: gbp(first!.amount) },
      { refundedAmount: gbp(0) },
      { refundedAmount: gbp(100) },
    ]);
    const rest = [{ lineId: third!.id }, { lineId: second!.id }];
    expect(await shop.refund(paymentId, { lines: rest })).toMatchObject({
      status: 201,
      body: { amount: gbp(second!.amount + third!.amount - 100) },
    });
    expect(await shop.paymentOf(paymentId)).toMatchObject({ refundedAmount: order.total });
    expect(await shop.causes(order.id)).toEqual(['placed', 'confirmed', 'refunded', 'refunded']);
  });

  it('of more than a line cost is refused', async () => {
    const { paymentId, lines } = await captured();
    const [first, second] = lines;
    await shop.refund(paymentId, { lines: [{ lineId: second!.id, amount: gbp(10) }] });
    const asked = [{ lineId: first!.id }, { lineId: second!.id, amount: gbp(second!.amount - 9) }];
    const { body } = await shop.expectRefusal(
      () => shop.refund(paymentId, { lines: asked }),
      409,
      'refund_exceeds_line',
    );
    expect(body).toMatchObject({ lineId: second!.id, refundableAmount: second!.amount - 10 });
  });

  it('of lines and amounts together never exceeds what was captured', async () => {
    const { paymentId, total, lines } = await captured();
    const last = lines.at(-1)!;
    await shop.refund(paymentId, { amount: gbp(total - last.amount + 1) });
    const { body } = await shop.expectRefusal(
      () => shop.refund(paymentId, { lines: [{ lineId: last.id }] }),
      409,
      'refund_exceeds_captured',
    );
    expect(body.refundableAmount).toBe(last.amount - 1);
    await shop.expectRefusal(
      () => shop.refund(paymentId, { amount: gbp(last.amount) }),
      409,
      'refund_exceeds_captured',
    );
    expect(await shop.refund(paymentId, { amount: gbp(last.amount - 1) })).toMatchObject({ status: 201 });
  });

  it('of a part that was captured by hand is bounded by that part', async () => {
    const { payment } = await shop.placed({ capture: 'manual' });
    await shop.capture(payment.id, 300);
    await shop.expectRefusal(
      () => shop.refund(payment.id, { amount: gbp(301) }),
      409,
      'refund_exceeds_captured',
    );
    expect(await shop.refund(payment.id, { amount: gbp(300) })).toMatchObject({ status: 201 });
    // What is captured later can be refunded later.
    await shop.capture(payment.id, 50);
    expect(await shop.refund(payment.id)).toMatchObject({ status: 201, body: { amount: gbp(50) } });
  });

  it('is refused of a line of another order, in another currency, and of what holds nothing', async () => {
    const { paymentId, lines } = await captured();
    const other = await captured();
    for (const lineId of [other.lines[0]!.id, newId()]) {
      const lost = [{ lineId: lines[0]!.id }, { lineId }];
      const { body } = await shop.expectRefusal(
        () => shop.refund(paymentId, { lines: lost }),
        422,
        'unknown_refund_line',
      );
      expect(body.lineId).toBe(lineId);
    }
    const euro = { amount: 1, currency: 'EUR' };
    for (const body of [{ amount: euro }, { lines: [{ lineId: lines[0]!.id, amount: euro }] }]) {
      await shop.expectRefusal(() => shop.refund(paymentId, body), 422, 'currency_mismatch');
    }
    const authorized = await shop.placed({ capture: 'manual' });
    const declined = (await shop.placed({ method: 'pm_card_chargeDeclined' }, {}, 402)).order;
    for (const { payment } of [authorized, declined]) {
      await shop.expectRefusal(() => shop.refund(payment.id), 409, 'payment_state_conflict');
    }
    await shop.expectRefusal(() => shop.refund(newId()), 404, 'payment_not_found');
  });

  it('gets the id that the client chose, and none that is taken', async () => {
    const { paymentId } = await captured();
    const other = await captured();
    const id = newId();
    expect(await shop.refund(paymentId, { id, amount: gbp(1) })).toMatchObject({ status: 201, body: { id } });
    for (const payment of [paymentId, other.paymentId]) {
      await shop.expectRefusal(() => shop.refund(payment, { id, amount: gbp(1) }), 409, 'refund_exists');
    }
  });

  it('that the gateway refuses frees what it had reserved', async () => {
    const { order, paymentId, total, lines } = await captured({ method: 'pm_sim_refund_fails' });
    const byLine = { lines: lines.map(({ id: lineId }) => ({ lineId })) };
    for (const body of [byLine, {}, { amount: gbp(total) }, byLine]) {
      expect(await shop.refund(paymentId, body)).toMatchObject({
        status: 201,
        body: { status: 'failed', amount: gbp(total) },
      });
      expect(await shop.paymentOf(paymentId)).toMatchObject({
        refundedAmount: gbp(0),
        pendingRefundAmount: gbp(0),
      });
    }
    const { operations } = await shop.paymentOf(paymentId);
    expect(operations[0]).toMatchObject({ kind: 'refund', status: 'failed', declineCode: 'refund_refused' });
    expect((await shop.ledgerOf(order.id))['gateway_clearing']).toBe(total);
    const { lines: seen } = await shop.orderOf(order.id);
    for (const { refundedAmount } of seen) expect(refundedAmount).toEqual(gbp(0));
  });

  it('whose outcome is unknown holds its reservation, and is carried on', async () => {
    const { order, paymentId, total } = await captured();
    const manner = { key: newId() };
    const half = { amount: gbp(Math.floor(total / 2) + 1) };
    const refundId = await shop.whileGatewayHangs('refund', async () => {
      const answer = await shop.refund(paymentId, half, manner);
      expect(answer).toMatchObject({ status: 202, body: { status: 'pending', amount: half.amount } });
      expect(await shop.paymentOf(paymentId)).toMatchObject({
        refundedAmount: gbp(0),
        pendingRefundAmount: half.amount,
        operations: [{ kind: 'refund', status: 'unknown' }, {}],
      });
      await shop.expectRefusal(() => shop.refund(paymentId, half), 409, 'refund_exceeds_captured');
      // The rest goes back only when it is certain what became of this half.
      const canceled = await shop.cancel(order.id);
      expect(canceled).toMatchObject({ status: 202, body: { status: 'cancel_pending' } });
      return answer.body.id as string;
    });
    await shop.resolveOperations();
    expect(await shop.refund(paymentId, half, manner)).toMatchObject({
      status: 201,
      body: { id: refundId, status: 'succeeded' },
    });
    expect(await shop.orderOf(order.id)).toMatchObject({ status: 'canceled' });
    expect(await shop.paymentOf(paymentId)).toMatchObject({ refundedAmount: gbp(total) });
  });
});

describe('refunding a whole order', () => {
  it('by any partition of its lines returns exactly what was captured', async () => {
    const cuts = fc.array(fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 3 }), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(cuts, fc.infiniteStream(fc.nat()), async (cutsOfLines, random) => {
        const { order, paymentId, lines } = await captured({ count: cutsOfLines.length });
        const pieces = lines.flatMap(({ id, amount }, index) => partition(id, amount, cutsOfLines[index]!));
        const shuffled = pieces
          .map((piece) => ({ piece, place: random.next().value as number }))
          .sort((a, b) => a.place - b.place)
          .map(({ piece }) => piece);
        let returned = 0;
        for (const piece of shuffled) {
          const { status, body } = await shop.refund(paymentId, { lines: [piece] });
          expect(status).toBe(201);
          returned += body.amount.amount as number;
        }
        expect(returned).toBe(order.total.amount);
        const { capturedAmount, refundedAmount } = await shop.paymentOf(paymentId);
        expect(refundedAmount).toEqual(capturedAmount);
        expect(await shop.ledgerOf(order.id)).toEqual({
          sales: -order.subtotal.amount,
          sales_refunds: order.subtotal.amount,
        });
      }),
      { numRuns: 10 },
    );
  });

  /** Refunds of a line that cut it where they may, and take the rest at last by naming no amount. */
  function partition(lineId: string, amount: number, cuts: readonly number[]): object[] {
    const pieces: object[] = [];
    let left = amount;
    for (const cut of cuts) {
      if (cut >= left) break;
      pieces.push({ lineId, amount: gbp(cut) });
      left -= cut;
    }
    return [...pieces, { lineId, amount: gbp(left) }];
  }

  it('piece by piece at once never exceeds it', async () => {
    const product = await shop.product({ price: 0 });
    // Shipping and tax alone: 499 + 100.
    const { payment, lines } = await shop.placed({ lines: [line(product)] });
    const answers = await Promise.all(
      Array.from({ length: 14 }, (_, index) =>
        shop.refund(
          payment.id,
          index % 2 === 0 ? { amount: gbp(50) } : { lines: [{ lineId: lines[0].id, amount: gbp(50) }] },
        ),
      ),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(11);
    expect(statuses.filter((status) => status === 409)).toHaveLength(3);
    expect(await shop.refund(payment.id)).toMatchObject({ status: 201, body: { amount: gbp(49) } });
  });
});

describe('a payment', () => {
  it('shows its newest operations and refunds first', async () => {
    const { paymentId } = await captured();
    for (const amount of [1, 2, 3]) await shop.refund(paymentId, { amount: gbp(amount) });
    const { refunds, operations } = await shop.paymentOf(paymentId);
    expect(refunds).toMatchObject([{ amount: gbp(3) }, { amount: gbp(2) }, { amount: gbp(1) }]);
    expect(operations).toMatchObject([{ amount: gbp(3) }, { amount: gbp(2) }, { amount: gbp(1) }, {}]);
  });

  it('that does not exist is not found', async () => {
    await shop.expectRefusal(
      () => shop.get(`${PAYMENTS}/${newId()}`, { as: shop.staff }),
      404,
      'payment_not_found',
    );
  });
});
