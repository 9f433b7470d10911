import { newId } from '#kernel';
import { ExpireAuthorizations } from '#orders';
import { MeasurePayments } from '#payments';
import { register } from 'prom-client';
import { PaymentGateway } from '../../libs/payments/src/domain/payment-gateway.js';
import { eventually } from '../support/eventually.js';
import { gbp, line } from '../support/shop.js';
import { effectsOf, openStripeShop, type StripeShop } from '../support/stripe-shop.js';
import type { Answer } from '../support/test-app.js';

const SETTLE_SECONDS = 100;
const ATTENTION_SECONDS = 1_000;

let stripeShop: StripeShop;
let shop: StripeShop['shop'];
let gateway: StripeShop['gateway'];

beforeAll(async () => {
  stripeShop = await openStripeShop({
    PAYMENT_SETTLE_SECONDS: String(SETTLE_SECONDS),
    PAYMENT_ATTENTION_SECONDS: String(ATTENTION_SECONDS),
    // What is tried here are the answers; reports would be quicker.
    STRIPE_WEBHOOK_SECRET: 'whsec_of_somebody_else',
  });
  ({ shop, gateway } = stripeShop);
});
afterAll(() => stripeShop.close());
beforeEach(() => gateway.simulator.follow({}));

interface Operation {
  id: string;
  kind: string;
  status: string;
  declineCode: string | null;
  needsAttention: boolean;
  resolutionReason: string | null;
}

/** The newest operation of the payment of an order. */
async function operationOf(order: { payment: { id: string } }): Promise<Operation> {
  const { operations } = (await shop.paymentOf(order.payment.id)) as { operations: Operation[] };
  return operations[0]!;
}

/** From now on it seems as if the operation had been sent for the first time so long ago. */
async function sentAgo(operationId: string, seconds: number): Promise<void> {
  await shop.sql.query(
    `UPDATE payments.operations SET first_sent_at = now() - $2 * interval '1 second' WHERE id = $1`,
    [operationId, seconds],
  );
}

async function fenceOf(operationId: string): Promise<number> {
  const { rows } = await shop.sql.query<{ fence: number }>(
    'SELECT fence FROM payments.operations WHERE id = $1',
    [operationId],
  );
  return rows[0]!.fence;
}

async function workerTriesOnce(): Promise<void> {
  await shop.sql.query(
    `UPDATE payments.operations SET next_attempt_at = now() - interval '1 second'
      WHERE status IN ('created', 'sent', 'unknown') AND needs_attention_since IS NULL`,
  );
  await shop.resolveDueOperations();
}

/** An order whose authorization has gone wrong once. */
function placedWhile(behaviour: string): Promise<Answer['body']> {
  return shop.placed({ method: `pm_sim_${behaviour}` }, {}, 202);
}

describe('an operation whose outcome nobody knows', () => {
  it.each([
    'timeout_before_effect',
    'timeout_after_effect',
    'error_500_before_effect',
    'error_500_after_effect',
    'reset_before_effect',
    'reset_after_effect',
    'rate_limited',
  ])('is sent again under its key, and has its effect once: %s', async (behaviour) => {
    const order = await placedWhile(behaviour);
    expect(order).toMatchObject({ status: 'pending_payment', payment: { outcome: 'unknown' } });
    expect((await shop.paymentOf(order.payment.id)).resolveBy).not.toBeNull();
    const { id } = await operationOf(order);
    await workerTriesOnce();
    expect(await shop.orderOf(order.id)).toMatchObject({ status: 'confirmed' });
    expect(await shop.paymentOf(order.payment.id)).toMatchObject({ resolveBy: null });
    expect(effectsOf(gateway, id)).toEqual([['captured', 1_000]]);
  });

  it('that was never received is ruled out once it can be: the order waits for another attempt', async () => {
    gateway.simulator.follow({ rules: [{ step: 'authorize', behaviour: 'timeout_before_effect' }] });
    const order = await shop.placed({}, {}, 202);
    const { id } = await operationOf(order);
    await workerTriesOnce();
    expect(await operationOf(order)).toMatchObject({ status: 'unknown' });

    gateway.simulator.follow({});
    await sentAgo(id, SETTLE_SECONDS);
    await workerTriesOnce();
    expect(await operationOf(order)).toMatchObject({ status: 'unknown' });
    await sentAgo(id, 2 * SETTLE_SECONDS);
    await workerTriesOnce();
    expect(await operationOf(order)).toMatchObject({ status: 'failed', declineCode: 'never_received' });
    expect(await shop.orderOf(order.id)).toMatchObject({
      status: 'pending_payment',
      payment: { status: 'requires_payment_method', outcome: null },
    });

    const late = shop.api.app.get(PaymentGateway, { strict: false }).authorize({
      operationId: id,
      amount: 1_000,
      currency: 'GBP',
      method: 'pm_card_visa',
      captureNow: true,
      signal: AbortSignal.timeout(2_000),
    });
    await expect(late).rejects.toThrow('says nothing certain');
    expect(effectsOf(gateway, id)).toEqual([]);
    expect(await shop.pay(order.id)).toMatchObject({ status: 201, body: { status: 'confirmed' } });
  });

  it('of which the gateway keeps an error, and knows nothing else, has failed once it is at rest', async () => {
    const order = await placedWhile('error_500_kept_before_effect');
    const { id } = await operationOf(order);
    await workerTriesOnce();
    expect(await operationOf(order)).toMatchObject({ status: 'unknown' });
    await sentAgo(id, 2 * SETTLE_SECONDS);
    await workerTriesOnce();
    expect(await operationOf(order)).toMatchObject({ status: 'failed', declineCode: 'not_found' });
    expect(effectsOf(gateway, id)).toEqual([]);
  });

  it('of which the gateway keeps an error is found by our reference', async () => {
    const order = await placedWhile('error_500_kept_after_effect');
    await workerTriesOnce();
    expect(await shop.orderOf(order.id)).toMatchObject({ status: 'confirmed' });
  });

  it('is found by our reference once it is not sent any more', async () => {
    const order = await placedWhile('timeout_after_effect');
    const { id } = await operationOf(order);
    await sentAgo(id, SETTLE_SECONDS);
    // Sending it again would not help.
    gateway.simulator.follow({ rules: [{ step: 'authorize', behaviour: 'timeout_before_effect' }] });
    await workerTriesOnce();
    expect(await shop.orderOf(order.id)).toMatchObject({ status: 'confirmed' });
    expect(effectsOf(gateway, id)).toEqual([['captured', 1_000]]);
  });

  it.each(['capture', 'void', 'refund'] as const)(
    'that was never received is still wanted when it is a %s, however long the gateway was away',
    async (step) => {
      const order = await shop.placed({ capture: step === 'refund' ? 'automatic' : 'manual' });
      gateway.simulator.follow({ rules: [{ step, behaviour: 'timeout_before_effect' }] });
      expect(await shop[step](order.payment.id)).toMatchObject({ status: 202 });
      const { id } = await operationOf(order);
      gateway.simulator.follow({});
      await sentAgo(id, 2 * SETTLE_SECONDS);
      await workerTriesOnce();
      expect(await operationOf(order)).toMatchObject({ id, status: 'succeeded' });
      expect(effectsOf(gateway, id)).toHaveLength(1);
    },
  );

  it.each(['capture', 'void', 'refund'] as const)(
    'of which the gateway keeps an error has failed when it is a %s, and can be asked for again',
    async (step) => {
      const order = await shop.placed({ capture: step === 'refund' ? 'automatic' : 'manual' });
      gateway.simulator.follow({ rules: [{ step, behaviour: 'error_500_kept_before_effect', times: 1 }] });
      expect(await shop[step](order.payment.id)).toMatchObject({ status: 202 });
      const { id } = await operationOf(order);
      await sentAgo(id, SETTLE_SECONDS);
      await workerTriesOnce();
      expect(await operationOf(order)).toMatchObject({ status: 'failed', declineCode: 'not_found' });
      const { refusals } = await shop.read('/api/v1/admin/stuck');
      expect(refusals).toContainEqual(expect.objectContaining({ operationId: id, kind: step }));
      expect(await shop[step](order.payment.id)).toMatchObject({ status: step === 'refund' ? 201 : 200 });
      expect((await shop.read('/api/v1/admin/stuck')).refusals).not.toContainEqual(
        expect.objectContaining({ operationId: id }),
      );
    },
  );

  it('is sent for the first time however old its id is', async () => {
    const order = await shop.placed();
    const refund = await shop.refund(order.payment.id, { id: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d13' });
    expect(refund).toMatchObject({ status: 201, body: { status: 'succeeded' } });
  });

  it('is not sent to another gateway than that of its payment', async () => {
    const order = await shop.placed({ capture: 'manual' });
    await shop.sql.query(`UPDATE payments.payments SET gateway = 'adyen' WHERE id = $1`, [order.payment.id]);
    expect(await shop.capture(order.payment.id)).toMatchObject({ status: 202 });
    expect(await operationOf(order)).toMatchObject({ kind: 'capture', needsAttention: true });
    await shop.sql.query(`UPDATE payments.payments SET gateway = 'stripe' WHERE id = $1`, [order.payment.id]);
    const { id } = await operationOf(order);
    const decision = { outcome: 'failed', reason: 'It was never sent.' };
    await shop.post(`/api/v1/admin/operations/${id}/resolve`, decision, { as: shop.admin });
  });
});

describe('an operation that nobody can find out about', () => {
  /** The gateway says nothing to anything, and the time of the ladder is over. */
  async function stuckOrder() {
    gateway.simulator.follow({ rules: [{ behaviour: 'reset_before_effect' }] });
    const order = await shop.placed({}, {}, 202);
    const { id } = await operationOf(order);
    await sentAgo(id, ATTENTION_SECONDS);
    await workerTriesOnce();
    gateway.simulator.follow({});
    return { order, id };
  }
  const resolve = (id: string, body: object, as = shop.admin) =>
    shop.post(`/api/v1/admin/operations/${id}/resolve`, body, { as });

  it('waits for staff, is shown to them, and is not asked for any more', async () => {
    const { order, id } = await stuckOrder();
    expect(await operationOf(order)).toMatchObject({ status: 'unknown', needsAttention: true });
    await shop.sql.query(
      `UPDATE payments.operations SET created_at = now() - interval '1 day' WHERE id = $1`,
      [id],
    );
    const { operations } = await shop.read('/api/v1/admin/stuck');
    expect(operations).toContainEqual(
      expect.objectContaining({
        id,
        kind: 'authorize',
        orderId: order.id,
        amount: gbp(1_000),
        needsAttention: true,
      }),
    );
    await shop.api.app.get(MeasurePayments).execute();
    const metrics = await register.metrics();
    expect(metrics).toContain('payment_operations_need_attention 1');
    expect(metrics).toMatch(/payments_total\{gateway="stripe",outcome="unknown"\} \d+/);
    expect(await shop.resolveDueOperations()).toBe(0);
    await shop.expireUnpaid(86_400_000);
    expect(await shop.orderOf(order.id)).toMatchObject({ status: 'pending_payment' });

    const decided = await resolve(id, { outcome: 'failed', reason: 'The dashboard knows nothing of it.' });
    expect(decided).toMatchObject({ status: 200, body: { status: 'requires_payment_method' } });
    expect(await operationOf(order)).toMatchObject({
      status: 'failed',
      declineCode: 'decided_by_staff',
      needsAttention: false,
      resolvedBy: `user:${shop.admin.id}`,
      resolutionReason: 'The dashboard knows nothing of it.',
    });
  });

  it('may turn out to have succeeded after staff said that it has failed: then they are told', async () => {
    const { order, id } = await stuckOrder();
    const answer = Promise.withResolvers<undefined>();
    await shop.withGateway(
      'authorize',
      (call) => call(),
      async () => {
        const real = shop.api.app.get(PaymentGateway, { strict: false });
        const find = real.find.bind(real);
        real.find = async () => {
          await answer.promise;
          return { result: 'succeeded', gatewayId: 'pi_late_answer' };
        };
        try {
          const asking = resolve(id, { outcome: 'ask_again', reason: 'The gateway is back.' });
          await eventually(async () => expect(await fenceOf(id)).toBeGreaterThan(2));
          expect(await resolve(id, { outcome: 'failed', reason: 'Too soon.' })).toMatchObject({
            status: 200,
          });
          answer.resolve(undefined);
          expect(await asking).toMatchObject({ status: 200 });
        } finally {
          real.find = find;
        }
      },
    );
    expect(await shop.orderOf(order.id)).toMatchObject({ payment: { status: 'requires_payment_method' } });
    const { contradictions } = await shop.read('/api/v1/admin/stuck');
    expect(contradictions).toContainEqual(
      expect.objectContaining({ type: 'answer', operationId: id, gatewayPaymentId: 'pi_late_answer' }),
    );
    const settle = (reason?: string) =>
      shop.post(`/api/v1/admin/reports/answer_${id}/settle`, { reason }, { as: shop.admin });
    expect(await settle()).toMatchObject({ status: 400 });
    expect(await settle('Refunded in the dashboard.')).toMatchObject({ status: 204 });
    expect(await settle('Again.')).toMatchObject({ status: 404, body: { code: 'report_not_found' } });
    expect((await shop.read('/api/v1/admin/stuck')).contradictions).toEqual([]);
  });

  it('is not said to be what another payment is called', async () => {
    const other = await shop.placed();
    const { rows } = await shop.sql.query<{ name: string }>(
      'SELECT gateway_payment_id AS name FROM payments.payments WHERE id = $1',
      [other.payment.id],
    );
    const { id } = await stuckOrder();
    const said = { outcome: 'succeeded', gatewayId: rows[0]!.name, reason: 'It is there.' };
    expect(await resolve(id, said)).toMatchObject({ status: 409, body: { code: 'gateway_id_taken' } });
    await resolve(id, { outcome: 'failed', reason: 'It is another.' });
  });

  it('may have succeeded, under the name that staff give', async () => {
    const { order, id } = await stuckOrder();
    await shop.api.app.get(PaymentGateway, { strict: false }).authorize({
      operationId: id,
      amount: 1_000,
      currency: 'GBP',
      method: 'pm_card_visa',
      captureNow: true,
      signal: AbortSignal.timeout(2_000),
    });
    const { intentId } = gateway.simulator.effects.find(({ key }) => key === id)!;
    expect(
      await resolve(id, { outcome: 'succeeded', gatewayId: intentId, reason: 'It is there.' }),
    ).toMatchObject({
      status: 200,
      body: { status: 'captured' },
    });
    expect(await shop.orderOf(order.id)).toMatchObject({ status: 'confirmed' });
    expect(await shop.refund(order.payment.id)).toMatchObject({ status: 201, body: { status: 'succeeded' } });
  });

  it('may be asked about again', async () => {
    const { order, id } = await stuckOrder();
    expect(await resolve(id, { outcome: 'ask_again', reason: 'The gateway is back.' })).toMatchObject({
      status: 200,
      body: { status: 'processing' },
    });
    expect(await operationOf(order)).toMatchObject({ status: 'unknown', needsAttention: true });
    expect(await resolve(id, { outcome: 'failed', reason: 'It is not there.' })).toMatchObject({
      status: 200,
    });
  });

  it.each([
    [{ outcome: 'failed' }, '/reason'],
    [{ outcome: 'succeeded', reason: 'It is there.' }, '/gatewayId'],
    [{ outcome: 'perhaps', reason: 'Who knows.' }, '/outcome'],
  ])('is not decided by %j', async (body, pointer) => {
    const answer = await resolve(newId(), body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
    expect(answer.body.errors).toContainEqual(expect.objectContaining({ pointer }));
  });

  it('is one that there is, that is stuck, and that is the admins’', async () => {
    const decision = { outcome: 'failed', reason: 'why' };
    expect(await resolve(newId(), decision)).toMatchObject({
      status: 404,
      body: { code: 'operation_not_found' },
    });
    const { id } = await operationOf(await shop.placed());
    expect(await resolve(id, decision)).toMatchObject({ status: 409, body: { code: 'operation_not_stuck' } });
    expect(await resolve(id, decision, shop.staff)).toMatchObject({ status: 403 });
  });
});

describe('an authorization that runs out', () => {
  const expire = () => shop.api.app.get(ExpireAuthorizations).execute();
  const runsOut = (paymentId: string) =>
    shop.sql.query(
      `UPDATE payments.payments SET authorized_until = now() + interval '30 minutes' WHERE id = $1`,
      [paymentId],
    );

  it('is given up in time, and the order canceled', async () => {
    const product = await shop.product({ stock: 3 });
    const order = await shop.placed({ capture: 'manual', lines: [line(product, 2)] });
    expect(await expire()).toBe(0);
    await runsOut(order.payment.id);
    expect(await expire()).toBe(1);
    await shop.resolveOperations();
    expect(await shop.orderOf(order.id)).toMatchObject({ status: 'canceled' });
    expect(await shop.stock(product)).toMatchObject({ available: 3 });
    expect(await expire()).toBe(0);
  });

  it('is captured as far as goods have left', async () => {
    const order = await shop.placed({ capture: 'manual', lines: [line(shop.mug, 3)] });
    await shop.fulfil(order.id, [{ lineId: order.lines[0].id, quantity: 2 }]);
    await runsOut(order.payment.id);
    await expire();
    await shop.resolveOperations();
    expect(await shop.paymentOf(order.payment.id)).toMatchObject({ capturedAmount: gbp(2_000) });
  });
});
