import { Shop, line, ORDERS } from '../support/shop.js';
let shop: Shop;
beforeAll(async () => { shop = await Shop.open({ GATEWAY_TIMEOUT_MS: '300' }); });
afterAll(() => shop.close());
it('probes', async () => {
  const p = await shop.product({ price: 250, stock: 3 });
  const a = await shop.place({ lines: [line(p, 2), line(p, 1)] });
  console.log(a.status, JSON.stringify(a.body, null, 1));
  console.log(await shop.stock(p), await shop.causes(a.body.id), await shop.ledgerOf(a.body.id), await shop.events(a.body.id));
  const b = await shop.place({ lines: [line(p, 2), line(p, 1)] });
  console.log(b.status, JSON.stringify(b.body));
  const q = await shop.post(ORDERS + '/quote', shop.order());
  console.log(q.status, JSON.stringify(q.body));
});
