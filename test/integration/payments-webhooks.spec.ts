import { GatewayReports } from '#payments';
import { eventually } from '../support/eventually.js';
import { gbp, line } from '../support/shop.js';
import {
  effectsOf,
  eventAbout,
  openStripeShop,
  sendEvent,
  type StripeShop,
  WEBHOOKS,
} from '../support/stripe-shop.js';

let stripeShop: StripeShop;
let shop: StripeShop['shop'];
let gateway: StripeShop['gateway'];

beforeAll(async () => {
  stripeShop = await openStripeShop();
  ({ shop, gateway } = stripeShop);
});
afterAll(() => stripeShop.close());
beforeEach(() => gateway.simulator.follow({}));

interface Report {
  type: string;
  status: string;
  attempts: number;
}

async function reports(where = 'true'): Promise<Report[]> {
  const { rows } = await shop.sql.query<Report>(
    `SELECT type, status, attempts FROM payments.gateway_reports WHERE ${where} ORDER BY received_at, id`,
  );
  return rows;
}

async function statusOfReport(id: string): Promise<string | undefined> {
  return (await reports(`id = '${id}'`))[0]?.status;
}

/** Waits until the gateway has reported `type` about the payment of an order. */
async function reported(type: string, gatewayPaymentId: string): Promise<void> {
  const about = `type = '${type}' AND payload::text LIKE '%${gatewayPaymentId}%'`;
  await eventually(async () => expect(await reports(about)).not.toHaveLength(0));
}

async function gatewayNameOf(paymentId: string): Promise<string> {
  const { rows } = await shop.sql.query<{ name: string }>(
    'SELECT gateway_payment_id AS name FROM payments.payments WHERE id = $1',
    [paymentId],
  );
  return rows[0]!.name;
}

async function authorizationOf(paymentId: string): Promise<{ id: string; status: string }> {
  const { operations } = (await shop.paymentOf(paymentId)) as {
    operations: { id: string; kind: string; status: string }[];
  };
  return operations.find(({ kind }) => kind === 'authorize')!;
}

const settleReports = () =>
  eventually(async () => {
    await shop.applyReports();
    expect(await reports(`status = 'received'`)).toEqual([]);
  });

describe('a webhook', () => {
  it('tells what an answer that never came would have told, and the order is confirmed', async () => {
    const order = await shop.placed({ method: 'pm_sim_timeout_after_effect' }, {}, 202);
    expect(order.payment).toMatchObject({ status: 'processing', outcome: 'unknown' });
    const { id: operationId } = await authorizationOf(order.payment.id);
    await eventually(async () => {
      await shop.applyReports();
      expect(await shop.orderOf(order.id)).toMatchObject({ status: 'confirmed' });
    });
    expect(effectsOf(gateway, operationId)).toEqual([['captured', 1_000]]);
    expect(await shop.ledgerOf(order.id)).toEqual({ gateway_clearing: 1_000, sales: -1_000 });
  });

  it.each([
    'pm_sim_webhook_before_response',
    'pm_sim_webhook_duplicate',
    'pm_sim_webhook_out_of_order',
    'pm_sim_webhook_lost',
  ])('changes nothing that the answer has told: %s', async (method) => {
    gateway.simulator.follow({ outOfOrderMs: 50 });
    const order = await shop.placed({ method, capture: 'manual' });
    expect(order.status).toBe('confirmed');
    expect(await shop.capture(order.payment.id, 400)).toMatchObject({ status: 200 });
    await settleReports();
    expect(await shop.paymentOf(order.payment.id)).toMatchObject({
      status: 'partially_captured',
      capturedAmount: gbp(400),
    });
    expect(await shop.ledgerOf(order.id)).toEqual({ gateway_clearing: 400, sales: -400 });
  });

  it('is kept once, however often it comes', async () => {
    const event = eventAbout('customer.created', {}, 'evt_twice');
    for (let time = 1; time <= 3; time += 1) {
      expect(await sendEvent(shop, event)).toMatchObject({ status: 200, body: { received: true } });
      await settleReports();
    }
    expect(await reports(`id = 'evt_twice'`)).toEqual([
      { type: 'customer.created', status: 'ignored', attempts: 1 },
    ]);
  });

  it('is forgotten a month after it was dealt with, and not before', async () => {
    const old = eventAbout('customer.created', {}, 'evt_old');
    await sendEvent(shop, old);
    await settleReports();
    await shop.api.app.get(GatewayReports).prune(10_000);
    expect(await statusOfReport('evt_old')).toBe('ignored');
    await shop.sql.query(
      `UPDATE payments.gateway_reports SET received_at = now() - interval '31 days' WHERE id = 'evt_old'`,
    );
    expect(await shop.api.app.get(GatewayReports).prune(10_000)).toBe(1);
    expect(await statusOfReport('evt_old')).toBeUndefined();
  });

  it('of a capture whose answer never came captures, and tells what is still held', async () => {
    const order = await shop.placed({ capture: 'manual' });
    gateway.simulator.follow({ rules: [{ step: 'capture', behaviour: 'timeout_after_effect', times: 1 }] });
    expect(await shop.capture(order.payment.id, 300)).toMatchObject({ status: 202 });
    // What was held runs out at the bank: the report about that knows of the capture as well.
    await fetch(`${gateway.url}/_sim/authorizations/expire`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ payment_intent: await gatewayNameOf(order.payment.id) }),
    });
    await reported('payment_intent.succeeded', await gatewayNameOf(order.payment.id));
    await settleReports();
    expect(await shop.paymentOf(order.payment.id)).toMatchObject({
      status: 'captured',
      capturedAmount: gbp(300),
      authorizedAmount: gbp(300),
    });
  });

  it('of an authorization says until when it holds, or a time is taken that it surely does', async () => {
    const order = await shop.placed({ method: 'pm_sim_timeout_after_effect', capture: 'manual' }, {}, 202);
    await eventually(async () => {
      await shop.applyReports();
      expect((await shop.paymentOf(order.payment.id)).authorizedUntil).not.toBeNull();
    });
  });
});

describe('a card that allows one capture', () => {
  it('pays for one parcel: nothing more leaves until the rest is paid for otherwise', async () => {
    const order = await shop.placed({
      method: 'pm_card_credit_disableEnterpriseCardFeatures',
      capture: 'on_fulfillment',
      lines: [line(shop.mug, 2)],
    });
    const parcel = [{ lineId: order.lines[0].id, quantity: 1 }];
    expect(await shop.fulfil(order.id, parcel)).toMatchObject({ status: 201 });
    expect(await shop.paymentOf(order.payment.id)).toMatchObject({
      status: 'captured',
      authorizedAmount: gbp(1_000),
    });
    expect(await shop.fulfil(order.id, parcel)).toMatchObject({
      status: 409,
      body: { code: 'payment_does_not_cover' },
    });
  });
});

describe('a refund that the bank sends back', () => {
  it('counts as never made, and can be made again', async () => {
    const order = await shop.placed({ method: 'pm_card_refundFail', lines: [line(shop.mug, 2)] });
    const lineId = order.lines[0].id;
    const refund = await shop.refund(order.payment.id, { lines: [{ lineId, amount: gbp(500) }] });
    expect(refund).toMatchObject({ status: 201, body: { status: 'succeeded' } });
    await reported('refund.failed', await gatewayNameOf(order.payment.id));
    await settleReports();
    expect(await shop.paymentOf(order.payment.id)).toMatchObject({
      refundedAmount: gbp(0),
      refunds: [{ status: 'failed' }],
    });
    expect((await shop.orderOf(order.id)).lines[0]).toMatchObject({ refundedAmount: gbp(0) });
    expect(await shop.ledgerOf(order.id)).toEqual({ gateway_clearing: 2_000, sales: -2_000 });
  });
});

describe('an authorization that ends at the gateway', () => {
  it('cancels the order that nothing pays for any more, and its stock comes back', async () => {
    const product = await shop.product({ stock: 5 });
    const order = await shop.placed({ capture: 'manual', lines: [line(product, 2)] });
    const intent = { id: await gatewayNameOf(order.payment.id), latest_charge: 'ch_1', metadata: {} };
    await sendEvent(shop, eventAbout('payment_intent.canceled', intent));
    await settleReports();
    expect(await shop.orderOf(order.id)).toMatchObject({
      status: 'canceled',
      payment: { status: 'canceled' },
    });
    expect(await shop.stock(product)).toMatchObject({ reserved: 0, available: 5 });
  });
});

describe('a dispute', () => {
  const disputeOf = (payment_intent: string, status: string, amount = 1_000) => ({
    id: `dp_${payment_intent}`,
    object: 'dispute',
    amount,
    currency: 'gbp',
    payment_intent,
    reason: 'fraudulent',
    status,
    evidence_details: { due_by: 1_800_000_000 },
  });

  it('takes the money and brings it back when it is won', async () => {
    const order = await shop.placed();
    const name = await gatewayNameOf(order.payment.id);
    await sendEvent(shop, eventAbout('charge.dispute.created', disputeOf(name, 'needs_response')));
    await settleReports();
    expect(await shop.ledgerOf(order.id)).toEqual({ disputes: 1_000, sales: -1_000 });
    expect(await shop.paymentOf(order.payment.id)).toMatchObject({ disputedAmount: gbp(1_000) });
    expect(await shop.refund(order.payment.id, { amount: gbp(1) })).toMatchObject({
      status: 409,
      body: { code: 'refund_exceeds_captured' },
    });

    const { data } = await shop.read(`/api/v1/disputes?paymentId=${order.payment.id}`);
    expect(data).toMatchObject([
      { status: 'needs_response', amount: gbp(1_000), orderId: order.id, reason: 'fraudulent' },
    ]);
    await sendEvent(shop, eventAbout('charge.dispute.closed', disputeOf(name, 'won')));
    await sendEvent(shop, eventAbout('charge.dispute.updated', disputeOf(name, 'under_review')));
    await settleReports();
    expect(await shop.read(`/api/v1/disputes/${data[0].id}`)).toMatchObject({ status: 'won' });
    expect(await shop.ledgerOf(order.id)).toEqual({ gateway_clearing: 1_000, sales: -1_000 });
  });

  it('that is won of an order that was canceled gives the money back to the customer', async () => {
    const order = await shop.placed();
    const name = await gatewayNameOf(order.payment.id);
    await sendEvent(shop, eventAbout('charge.dispute.created', disputeOf(name, 'needs_response')));
    await settleReports();
    expect(await shop.cancel(order.id)).toMatchObject({ status: 200, body: { status: 'canceled' } });
    await sendEvent(shop, eventAbout('charge.dispute.closed', disputeOf(name, 'won')));
    await settleReports();
    await shop.settle();
    expect(await shop.paymentOf(order.payment.id)).toMatchObject({ refundedAmount: gbp(1_000) });
  });

  it('that there is not is not found', async () => {
    const missing = await shop.get('/api/v1/disputes/01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d19', {
      as: shop.staff,
    });
    expect(missing).toMatchObject({ status: 404, body: { code: 'dispute_not_found' } });
  });
});

describe('a report about nothing that is known', () => {
  it('is kept and tried again, until somebody knows, or nobody will', async () => {
    const order = await shop.placed({ capture: 'manual' });
    const intent = { id: 'pi_unknown', latest_charge: 'ch_1', metadata: {} };
    await sendEvent(shop, eventAbout('payment_intent.canceled', intent, 'evt_unmatched'));
    await shop.applyReports();
    expect(await statusOfReport('evt_unmatched')).toBe('unmatched');
    await shop.sql.query(`UPDATE payments.payments SET gateway_payment_id = 'pi_unknown' WHERE id = $1`, [
      order.payment.id,
    ]);
    await shop.applyReports();
    expect(await statusOfReport('evt_unmatched')).toBe('applied');
    expect(await shop.orderOf(order.id)).toMatchObject({ status: 'canceled' });

    await sendEvent(
      shop,
      eventAbout('payment_intent.canceled', { ...intent, id: 'pi_of_others' }, 'evt_of_others'),
    );
    await shop.sql.query(
      `UPDATE payments.gateway_reports SET received_at = now() - interval '4 days' WHERE id = 'evt_of_others'`,
    );
    await shop.applyReports();
    expect(await statusOfReport('evt_of_others')).toBe('abandoned');
  });
});

describe('a report that contradicts the books', () => {
  const settle = (id: string) =>
    shop.post(`/api/v1/admin/reports/${id}/settle`, { reason: 'Seen to.' }, { as: shop.admin });

  it('changes nothing and is shown to whoever looks after stuck things', async () => {
    const order = await shop.placed({ method: 'pm_card_chargeDeclined' }, {}, 402);
    const { id } = await authorizationOf(order.order.payment.id);
    const intent = {
      id: 'pi_late',
      amount: 1_000,
      amount_received: 1_000,
      currency: 'gbp',
      status: 'succeeded',
      latest_charge: 'ch_1',
      metadata: { operation_id: id },
    };
    await sendEvent(shop, eventAbout('payment_intent.succeeded', intent, 'evt_late'));
    await shop.applyReports();
    expect(await statusOfReport('evt_late')).toBe('contradiction');
    expect(await shop.orderOf(order.order.id)).toMatchObject({ status: 'pending_payment' });
    const { contradictions } = await shop.read('/api/v1/admin/stuck');
    expect(contradictions).toContainEqual(expect.objectContaining({ id: 'evt_late', operationId: id }));
    await settle('evt_late');
  });

  it('is a refund that somebody made in the dashboard', async () => {
    const order = await shop.placed();
    const refund = {
      id: 're_by_hand',
      amount: 400,
      currency: 'gbp',
      status: 'succeeded',
      payment_intent: await gatewayNameOf(order.payment.id),
      metadata: {},
    };
    await sendEvent(shop, eventAbout('refund.created', refund, 'evt_by_hand'));
    await sendEvent(
      shop,
      eventAbout('refund.created', { ...refund, payment_intent: 'pi_of_others' }, 'evt_else'),
    );
    await shop.applyReports();
    expect(await statusOfReport('evt_by_hand')).toBe('contradiction');
    expect(await statusOfReport('evt_else')).toBe('ignored');
    await settle('evt_by_hand');
  });
});

describe('a report that others send with the same account', () => {
  const metadata = { operation_id: 'job-42' };
  const intent = { id: 'pi_of_others', amount: 1, amount_received: 1, currency: 'gbp', status: 'succeeded' };

  it.each([
    ['names an operation in its own way', 'payment_intent.succeeded', { ...intent, metadata }],
    [
      'counts in parts of what we count in',
      'payment_intent.succeeded',
      { ...intent, currency: 'isk', metadata },
    ],
    ['holds what no database of ours would', 'customer.created', { name: 'a\u0000b \ud800' }],
  ])('is ignored when it %s', async (_, type, object) => {
    const event = eventAbout(type, object);
    expect(await sendEvent(shop, event)).toMatchObject({ status: 200 });
    await settleReports();
    expect(await statusOfReport((event as { id: string }).id)).toBe('ignored');
  });

  it('is refused when it is no event', async () => {
    expect(await sendEvent(shop, { object: 'event' })).toMatchObject({
      status: 400,
      body: { code: 'webhook_malformed' },
    });
  });
});

describe('a webhook that nobody should trust', () => {
  const event = eventAbout('payment_intent.succeeded', {}, 'evt_forged');

  it.each([
    ['is signed with another secret', event, { secret: 'whsec_other' }],
    ['was signed too long ago', event, { ageSeconds: 301 }],
    ['is signed for later', event, { ageSeconds: -310 }],
    ['is signed by nobody', event, { secret: '' }],
  ])('is refused when it %s', async (_, body, manner) => {
    const answer = await sendEvent(shop, body, manner);
    expect(answer).toMatchObject({ status: 400, body: { code: 'webhook_signature_invalid' } });
    expect(await reports(`id = 'evt_forged'`)).toEqual([]);
  });

  it('is refused when its body was changed on its way, be it by a blank', async () => {
    const signed = JSON.stringify(event);
    const answer = await shop.api.post(WEBHOOKS, `${signed} `, {
      headers: { 'stripe-signature': 't=1,v1=00' },
    });
    expect(answer).toMatchObject({ status: 400, body: { code: 'webhook_signature_invalid' } });
  });

  it('is not parsed before its signature is good', async () => {
    const answer = await shop.api.post(WEBHOOKS, '{', { headers: { 'stripe-signature': 't=1,v1=00' } });
    expect(answer).toMatchObject({ status: 400, body: { code: 'webhook_signature_invalid' } });
  });

  it.each([
    ['another gateway', '/api/v1/payment-webhooks/adyen', 404, 'unknown_gateway'],
    ['no gateway', '/api/v1/payment-webhooks/', 404, 'route_not_found'],
  ])('is not found when it is for %s', async (_, path, status, code) => {
    expect(await sendEvent(shop, event, { path })).toMatchObject({ status, body: { code } });
  });

  it.each([
    ['{', 400, 'webhook_malformed'],
    ['[]', 400, 'webhook_malformed'],
    [`"${'x'.repeat(300_000)}"`, 413, 'body_too_large'],
  ])('is refused when it is no event', async (body, status, code) => {
    expect(await sendEvent(shop, body)).toMatchObject({ status, body: { code } });
  });
});
