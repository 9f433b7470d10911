import { gbp, line, type Shop } from './shop.js';

/** Places an order of each kind: refunded in part, sent in part, canceled, waiting, and one whose refund failed. */
export async function placeOneOfEach(shop: Shop): Promise<void> {
  const refunded = await shop.placed({ lines: [line(shop.mug, 2), line(shop.mug)] });
  await shop.refund(refunded.payment.id, { lines: [{ lineId: refunded.lines[0].id, amount: gbp(100) }] });
  const sent = await shop.placed({ lines: [line(shop.mug, 3)], capture: 'on_fulfillment' });
  await shop.fulfil(sent.id, [{ lineId: sent.lines[0].id, quantity: 1 }]);
  await shop.cancel((await shop.placed({ capture: 'manual' })).id);
  await shop.placed({ method: 'pm_card_chargeDeclined' }, {}, 402);
  await shop.refund((await shop.placed({ method: 'pm_sim_refund_fails' })).payment.id);
  await shop.settle();
}
