import { gbp, line, type Shop } from './shop.js';

/**
 * Places an order of each kind: refunded in part, sent and returned in part, closed, canceled, waiting, and one whose
 * refund failed; and keeps a report of the gateway, as if it had sent one.
 */
export async function placeOneOfEach(shop: Shop): Promise<void> {
  const refunded = await shop.placed({ lines: [line(shop.mug, 2), line(shop.mug)] });
  await shop.refund(refunded.payment.id, { lines: [{ lineId: refunded.lines[0].id, amount: gbp(100) }] });
  const sent = await shop.placed({ lines: [line(shop.mug, 3)], capture: 'on_fulfillment' });
  const lineId: string = sent.lines[0].id;
  await shop.fulfil(sent.id, [{ lineId, quantity: 2 }]);
  const returned = [true, false].map((restock) => ({ lineId, quantity: 1, restock }));
  expect(await shop.takeBack(sent.id, returned)).toMatchObject({ status: 201 });
  const closed = await shop.placed({ lines: [line(shop.mug, 2)] });
  await shop.fulfil(closed.id, [{ lineId: closed.lines[0].id, quantity: 1 }]);
  expect(await shop.closeOrder(closed.id)).toMatchObject({ status: 200 });
  await shop.cancel((await shop.placed({ capture: 'manual' })).id);
  await shop.placed({ method: 'pm_card_chargeDeclined' }, {}, 402);
  await shop.refund((await shop.placed({ method: 'pm_sim_refund_fails' })).payment.id);
  await shop.settle();
  await shop.sql.query(
    `INSERT INTO payments.gateway_reports (gateway, id, type, payload, status)
     VALUES ('sandbox', 'evt_1', 'any', '{}', 'applied')`,
  );
}
