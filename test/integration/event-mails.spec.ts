import { Config } from '#platform/config';
import { DeliverMails } from '#platform/mail';
import { ApplyEvents, EventBus, EventConsumers, EventFeed } from '#platform/messaging';
import { register } from 'prom-client';
import { Mailer } from '../../libs/platform/src/mail/mailer.js';
import { eventually } from '../support/eventually.js';
import { gbp, line, Shop } from '../support/shop.js';

const STAFF_ADDRESS = 'stock@example.com';

let shop: Shop;

beforeAll(async () => {
  shop = await Shop.open({
    MAIL_LINKS_URL: 'https://shop.example.com/account/',
    LOW_STOCK_ALERT_EMAIL: STAFF_ADDRESS,
    ORDER_SHIPPING_FLAT_MINOR: '350',
  });
  shop.api.app.get(EventConsumers).start();
});

afterAll(async () => {
  await shop.api.app.get(EventConsumers).stop(5_000);
  await shop.close();
});

interface Sent {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** All mails to an address, the oldest first, once every consumer has heard of everything. */
async function mailsTo(address: string): Promise<Sent[]> {
  await shop.settle();
  await eventually(async () => {
    const { rows } = await shop.sql.query(
      `SELECT e.type, e.aggregate_id FROM platform.outbox e, unnest($1::text[], $2::text[]) AS heard (consumer, type)
        WHERE e.type = heard.type
          AND NOT EXISTS (SELECT FROM platform.inbox i WHERE i.event_id = e.id AND i.consumer = heard.consumer)`,
      [consumers().map(([name]) => name), consumers().map(([, type]) => type)],
    );
    expect(rows).toEqual([]);
  });
  while ((await shop.api.app.get(DeliverMails).execute()) > 0);
  const { body } = await shop.api.get('/dev/mailbox');
  return (body.data as Sent[]).filter(({ to }) => to === address).reverse();
}

function consumers(): [name: string, type: string][] {
  const all = shop.api.app.get(EventBus).consumers.filter(({ name }) => name !== 'sales.daily');
  return all.flatMap(({ name, types }) =>
    (types === 'all' ? [] : types).map((type): [string, string] => [name, type]),
  );
}

const subjects = (mails: readonly Sent[]) => mails.map(({ subject }) => subject);

describe('mails about an order', () => {
  it('tell a guest what was bought, with a link that opens the order, and what became of it', async () => {
    const jug = await shop.product({ name: 'Jug', price: 1_250 });
    const order = await shop.placedByGuest({ lines: [line(jug, 2), line(shop.mug)] });
    const [first, second] = order.lines as { id: string }[];
    const parcel = {
      lines: [{ lineId: first!.id, quantity: 1 }],
      trackingNumber: '1Z999',
      carrier: 'UPS',
    };
    const as = shop.staff;
    expect(await shop.post(`/api/v1/orders/${order.id}/fulfillments`, parcel, { as })).toMatchObject({
      status: 201,
    });
    await shop.fulfil(order.id, [
      { lineId: first!.id, quantity: 1 },
      { lineId: second!.id, quantity: 1 },
    ]);
    await shop.refund(order.payment.id, { amount: gbp(199) });
    const mails = await mailsTo(order.email);
    // Several are on their way at once.
    const bySubject = new Map(mails.map((mail) => [mail.subject, mail.text]));
    expect(mails).toHaveLength(4);
    const [confirmed, parcel1, parcel2, refunded] = [
      `Your order ${order.number} is confirmed`,
      `A part of your order ${order.number} is on its way`,
      `Your order ${order.number} is on its way`,
      `A refund for your order ${order.number}`,
    ].map((subject) => bySubject.get(subject));
    const link = `https://shop.example.com/account/orders/${order.id}#token=${order.orderToken}`;
    expect(confirmed).toBe(
      [
        'Hello,',
        `Thank you for your order ${order.number}.`,
        '2 × Jug: GBP 25.00\n1 × Stoneware mug: GBP 10.00',
        'Goods: GBP 35.00\nShipping: GBP 3.50\nTax: GBP 0.00\nTotal: GBP 38.50',
        `${link}\n`,
      ].join('\n\n'),
    );
    expect(parcel1).toContain('1 × Jug\n\nTracking number at UPS: 1Z999\n\n');
    expect(parcel1).not.toContain('Stoneware mug');
    expect(parcel2).toContain('1 × Jug\n1 × Stoneware mug\n\n');
    expect(parcel2).not.toContain('Tracking');
    expect(refunded).toContain('GBP 1.99');
  });

  it('tell a customer, in the digits of the currency, with a link that opens nothing to others', async () => {
    const customer = await shop.newCustomer();
    const kimono = await shop.product({ price: 4_999, currency: 'JPY' });
    const kept = await shop.placed({ lines: [line(kimono)] }, { as: customer });
    const canceled = await shop.placed({ lines: [line(kimono, 3)] }, { as: customer });
    await shop.cancel(canceled.id, { as: customer });
    const closed = await shop.placed({ lines: [line(shop.mug, 2)] }, { as: customer });
    await shop.fulfil(closed.id, [{ lineId: closed.lines[0].id, quantity: 1 }]);
    await shop.closeOrder(closed.id);
    const mails = await mailsTo(customer.email);
    expect(subjects(mails).sort()).toEqual(
      [
        `Your order ${kept.number} is confirmed`,
        `Your order ${canceled.number} is confirmed`,
        `A refund for your order ${canceled.number}`,
        `Your order ${canceled.number} was canceled`,
        `Your order ${closed.number} is confirmed`,
        `A part of your order ${closed.number} is on its way`,
        `The rest of your order ${closed.number} was canceled`,
        `A refund for your order ${closed.number}`,
      ].sort(),
    );
    const textOf = (subject: string) => mails.find((mail) => mail.subject.startsWith(subject))!.text;
    expect(textOf(`Your order ${kept.number}`)).toContain('Total: JPY 5349');
    expect(textOf(`Your order ${kept.number}`)).toContain(`/orders/${kept.id}\n`);
    expect(textOf(`A refund for your order ${canceled.number}`)).toContain('JPY 15347');
    expect(textOf(`The rest of your order ${closed.number}`)).toContain('1 × Stoneware mug');
  });

  it('tell nobody that an order was canceled of which none has told, so that strangers send none to an address', async () => {
    const declined = { method: 'pm_card_chargeDeclined' };
    const { order } = await shop.placedByGuest(declined, 402);
    const { id, orderToken } = order;
    expect(await shop.cancel(id, { as: null, orderToken })).toMatchObject({ body: { status: 'canceled' } });
    expect(await mailsTo(order.email)).toEqual([]);
    const retried = (await shop.placedByGuest(declined, 402)).order;
    const manner = { as: null, orderToken: retried.orderToken };
    expect(await shop.pay(retried.id, 'pm_card_visa', manner)).toMatchObject({ status: 201 });
    expect(await shop.cancel(retried.id, manner)).toMatchObject({ body: { status: 'canceled' } });
    expect(subjects(await mailsTo(retried.email))).toContain(`Your order ${retried.number} was canceled`);
  });

  it('are sent once, however often their events are brought', async () => {
    const customer = await shop.newCustomer();
    const { id } = await shop.placed({}, { as: customer });
    expect(await mailsTo(customer.email)).toHaveLength(1);
    const mails = shop.api.app.get(EventBus).consumers.find(({ name }) => name === 'orders.mails')!;
    const events = await shop.api.app.get(EventFeed).ofAggregate('order', id, 0, 10);
    await shop.api.app.get(ApplyEvents).execute(mails, events);
    expect(await mailsTo(customer.email)).toHaveLength(1);
  });

  it('are not sent to whoever was erased meanwhile', async () => {
    const customer = await shop.newCustomer();
    const { id } = await shop.placed({}, { as: customer });
    await shop.cancel(id, { as: customer });
    // As a guest, too.
    await shop.sql.query('UPDATE users.users SET email_verified_at = now() WHERE id = $1', [customer.id]);
    const bought = await shop.placedByGuest({ email: customer.email });
    await shop.cancel(bought.id, { as: null, orderToken: bought.orderToken });
    const erased = await shop.api.call('DELETE', '/api/v1/users/me', {
      token: customer.token,
      body: { password: 'correct horse battery' },
    });
    expect(erased.status).toBe(204);
    const left = await mailsTo(customer.email);
    expect(left.map(({ subject }) => subject)).toEqual(['Your account was erased']);
    expect(await mailsTo(`${customer.id}@erased.invalid`)).toEqual([]);
  });

  it.each(['ORDERS_MAILS is false', 'mail goes nowhere'])(
    'are not asked for when %s, then or later',
    async (why) => {
      const config = shop.api.app.get(Config);
      const mailer = shop.api.app.get(Mailer, { strict: false });
      const customer = await shop.newCustomer();
      const turn = (isOn: boolean) => {
        if (why === 'mail goes nowhere') Object.assign(mailer, { isConfigured: isOn });
        else config.replace({ ...config.settings, ORDERS_MAILS: isOn });
      };
      turn(false);
      await shop.placed({}, { as: customer });
      expect(await mailsTo(customer.email)).toEqual([]);
      turn(true);
      expect(await mailsTo(customer.email)).toEqual([]);
    },
  );
});

describe('alerts of stock that runs out', () => {
  const alerts = async (sku: string) =>
    (await mailsTo(STAFF_ADDRESS)).filter(({ subject }) => subject.endsWith(sku));
  const counted = async () =>
    (await register.getMetricsAsJSON())
      .find(({ name }) => name === 'stock_alerts_total')!
      .values.reduce((sum, { value }) => sum + value, 0);

  it('are one mail per product and day, and a count each time', async () => {
    const before = await counted();
    const pan = await shop.product({ name: 'Pan', stock: 10 });
    await shop.placed({ lines: [line(pan, 5)] });
    const mails = await alerts(pan.sku);
    expect(subjects(mails)).toEqual([`Low on stock: ${pan.sku}`]);
    expect(mails[0]!.text).toContain(`Pan (${pan.sku})\n\nAvailable pieces: 5\n`);
    await shop.placed({ lines: [line(pan, 5)] });
    expect(await alerts(pan.sku)).toHaveLength(1);
    expect(await counted()).toBe(before + 2);
    // Less is short again on the next day; more than before is no news.
    await shop.post(
      `/api/v1/products/${pan.id}/stock-movements`,
      { kind: 'receive', quantity: 3 },
      { as: shop.staff },
    );
    await shop.settle();
    await shop.sql.query(
      `UPDATE catalog.low_stock_alerts SET alerted_on = alerted_on - 1 WHERE product_id = $1`,
      [pan.id],
    );
    expect(await alerts(pan.sku)).toHaveLength(1);
    await shop.placed({ lines: [line(pan, 3)] });
    expect(subjects(await alerts(pan.sku))).toEqual([`Low on stock: ${pan.sku}`, `Sold out: ${pan.sku}`]);
  });

  it('say nothing of what is back when they leave, and are heard the next time', async () => {
    const pot = await shop.product({ stock: 6 });
    const { id } = await shop.placed({ lines: [line(pot)], capture: 'manual' });
    await shop.cancel(id);
    expect(await alerts(pot.sku)).toEqual([]);
    await shop.placed({ lines: [line(pot)] });
    expect(await alerts(pot.sku)).toHaveLength(1);
  });
});
