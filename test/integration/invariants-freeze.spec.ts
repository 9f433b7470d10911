import { CheckInvariants } from '#platform/invariants';
import { eventually } from '../support/eventually.js';
import { brokenChecks, INVARIANTS_PATH, readInvariants } from '../support/live-invariants.js';
import { line, Shop } from '../support/shop.js';

const FREEZE = `${INVARIANTS_PATH}/freeze`;

let shop: Shop;

beforeAll(async () => {
  shop = await Shop.open({ INVARIANTS_FREEZE_CAPTURES: 'true' });
  await shop.sql.query('ALTER TABLE payments.payments DROP CONSTRAINT payments_amounts');
});

afterAll(() => shop.close());

const freeze = (reason = 'the gateway reports twice our captures') =>
  shop.post(FREEZE, { reason }, { as: shop.admin });
const lift = (reason = 'looked at: a report was read twice') =>
  shop.api.call('DELETE', FREEZE, { token: shop.admin.token, body: { reason } });

/** One payment has more refunded than captured for as long as `fn` runs. */
async function whileOverdrawn(paymentId: string, fn: () => Promise<void>): Promise<void> {
  const set = (refunded: string) =>
    shop.sql.query(
      `UPDATE payments.payments SET refunded_amount = ${refunded}, updated_at = now() WHERE id = $1`,
      [paymentId],
    );
  await set('captured_amount + 1');
  try {
    await fn();
  } finally {
    await set('0');
  }
}

describe('frozen captures', () => {
  it('are not taken: by hand, with a parcel, with an order, with another attempt; and nothing is stored', async () => {
    const manual = await shop.placed({ capture: 'manual' });
    const parcel = await shop.placed({ capture: 'on_fulfillment' });
    const declined = await shop.placed({ method: 'pm_card_chargeDeclined' }, {}, 402);
    const { status, body } = await freeze();
    expect(status).toBe(200);
    expect(body).toEqual({
      frozen: true,
      since: expect.any(String),
      reason: 'the gateway reports twice our captures',
      by: `user:${shop.admin.id}`,
    });

    const refused = [
      () => shop.capture(manual.payment.id),
      () => shop.fulfil(parcel.id, [{ lineId: parcel.lines[0].id, quantity: 1 }]),
      () => shop.place(),
      () => shop.pay(declined.order?.id ?? declined.orderId),
    ];
    for (const call of refused) {
      const { headers } = await shop.expectRefusal(call, 503, 'captures_frozen');
      expect(headers.get('retry-after')).toBe('60');
    }
    await lift();
    expect(await shop.capture(manual.payment.id)).toMatchObject({ status: 200 });
    expect(await shop.place()).toMatchObject({ status: 201 });
  });

  it('leave everything else possible: authorizing, giving up, giving back, canceling, and what costs nothing', async () => {
    const [captured, authorized, canceled] = [
      await shop.placed(),
      await shop.placed({ capture: 'manual' }),
      await shop.placed(),
    ];
    const free = await shop.product({ price: 0 });
    await freeze();
    expect(await shop.place({ capture: 'manual' })).toMatchObject({ status: 201 });
    expect(await shop.place({ capture: 'on_fulfillment' })).toMatchObject({ status: 201 });
    expect(await shop.place({ lines: [line(free)] })).toMatchObject({ status: 201 });
    expect(await shop.void(authorized.payment.id)).toMatchObject({ status: 200 });
    expect(await shop.refund(captured.payment.id)).toMatchObject({ status: 201 });
    expect(await shop.cancel(canceled.id)).toMatchObject({ status: 200, body: { status: 'canceled' } });
    // Goods whose money is there already may leave.
    const paid = await shop.placed({ capture: 'manual' });
    expect(await shop.fulfil(paid.id, [{ lineId: paid.lines[0].id, quantity: 1 }])).toMatchObject({
      status: 201,
    });
    await lift();
    await shop.capture(paid.payment.id);
  });

  it('do not stop what is on its way to the gateway, nor the answer to a call that was made before', async () => {
    const { payment } = await shop.placed({ capture: 'manual' });
    const manner = { key: 'captured-before-the-freeze' };
    const first = await shop.capture(payment.id, undefined, manner);
    const waiting = await shop.placed({ capture: 'manual', method: 'pm_sim_timeout_after_effect' }, {}, 202);
    await freeze();
    expect(await shop.capture(payment.id, undefined, manner)).toMatchObject({
      status: 200,
      body: first.body,
    });
    await shop.resolveOperations();
    expect((await shop.paymentOf(waiting.payment.id)).status).toBe('authorized');
    await lift();
  });

  it('are frozen for every process soon', async () => {
    await shop.sql.query(
      `INSERT INTO platform.capture_freezes (reason, frozen_by) VALUES ('in another process', 'test')`,
    );
    await eventually(async () => expect((await shop.place()).status).toBe(503));
    await shop.sql.query(`UPDATE platform.capture_freezes SET lifted_at = now() WHERE lifted_at IS NULL`);
    await eventually(async () => expect((await shop.place()).status).toBe(201));
  });

  it('are frozen once, and lifted once; who, when and why is kept', async () => {
    await shop.sql.query('DELETE FROM platform.capture_freezes');
    const { body: first } = await freeze('the first reason');
    const { body: second } = await freeze('the second reason');
    expect(second).toEqual(first);
    expect((await readInvariants(shop)).captures).toEqual(first);
    const { status, body } = await lift('done');
    expect({ status, body }).toEqual({
      status: 200,
      body: { frozen: false, since: null, reason: null, by: null },
    });
    expect((await lift('done again')).body).toEqual(body);
    const { rows } = await shop.sql.query(
      'SELECT reason, frozen_by, lift_reason, lifted_by, lifted_at > frozen_at AS ended FROM platform.capture_freezes',
    );
    const admin = `user:${shop.admin.id}`;
    expect(rows).toEqual([
      {
        ...{ reason: 'the first reason', frozen_by: admin },
        ...{ lift_reason: 'done', lifted_by: admin, ended: true },
      },
    ]);
  });

  it.each([
    ['no reason', {}, '/reason'],
    ['an empty one', { reason: ' ' }, '/reason'],
    ['a book', { reason: 'x'.repeat(501) }, '/reason'],
  ])('need a reason, and not %s', async (_, body, pointer) => {
    for (const method of ['POST', 'DELETE']) {
      const answer = await shop.expectRefusal(
        () => shop.api.call(method, FREEZE, { token: shop.admin.token, body }),
        400,
        'validation_failed',
      );
      expect(answer.body.errors).toContainEqual(expect.objectContaining({ pointer }));
    }
  });
});

describe('a breach', () => {
  it('of money freezes the captures, and not again once somebody has looked at it', async () => {
    const { payment } = await shop.placed();
    const { payment: another } = await shop.placed();
    await whileOverdrawn(payment.id, async () => {
      const report = await readInvariants(shop);
      expect(report.captures).toMatchObject({ frozen: true, by: 'system:invariants' });
      expect(report.captures.reason).toMatch(/^payment_\w+ is broken by |^ledger_\w+ is broken by /);
      expect((await shop.place()).status).toBe(503);

      await lift();
      expect((await readInvariants(shop)).captures.frozen).toBe(false);
      expect((await shop.place()).status).toBe(201);

      await whileOverdrawn(another.id, async () => {
        expect((await readInvariants(shop)).captures.frozen).toBe(true);
      });
    });
    // It is mended, and yet somebody has to say so.
    const mended = await readInvariants(shop);
    expect({ broken: brokenChecks(mended), frozen: mended.captures.frozen }).toEqual({
      broken: [],
      frozen: true,
    });
    await lift();
    expect((await readInvariants(shop)).captures.frozen).toBe(false);
  });

  it('of something else freezes nothing', async () => {
    await shop.placed();
    await shop.sql.query(
      `UPDATE platform.outbox SET published_at = NULL, occurred_at = now() - interval '1 hour' WHERE sequence = 1`,
    );
    const report = await readInvariants(shop);
    expect(brokenChecks(report)).toEqual(['events_published']);
    expect(report.captures.frozen).toBe(false);
    await shop.settle();
  });

  it('freezes nothing where that is not asked for', async () => {
    const cautious = await Shop.open();
    try {
      await cautious.sql.query('ALTER TABLE payments.payments DROP CONSTRAINT payments_amounts');
      const { payment } = await cautious.placed();
      await cautious.sql.query(
        'UPDATE payments.payments SET refunded_amount = captured_amount + 1, updated_at = now()',
      );
      const report = await readInvariants(cautious);
      expect({ holds: report.holds, frozen: report.captures.frozen }).toEqual({
        holds: false,
        frozen: false,
      });
      await cautious.sql.query('UPDATE payments.payments SET refunded_amount = 0 WHERE id = $1', [
        payment.id,
      ]);
      expect(await cautious.api.app.get(CheckInvariants).execute()).toBe(0);
    } finally {
      await cautious.close();
    }
  });
});
