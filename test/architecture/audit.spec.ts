import { newId } from '#kernel';
import type { Answer } from '../support/test-app.js';
import { ORDERS, Shop, type Wish } from '../support/shop.js';
import { type Call, CLASSES, type PlacedOrder, ROUTES, send } from './authorization-matrix.js';

let shop: Shop;
beforeAll(async () => {
  shop = await Shop.open({ GATEWAY_TIMEOUT_MS: '100' });
});
afterAll(async () => {
  await shop.sql.query('UPDATE payments.operations SET needs_attention_since = NULL');
  await shop.sql.query(
    `UPDATE payments.gateway_reports SET status = 'settled' WHERE status = 'contradiction'`,
  );
  await shop.close();
});

/** Every route that changes something by a permission that reaches beyond one's own things. */
const PRIVILEGED = [
  ...Object.entries(ROUTES)
    .filter(([route, { of }]) => CLASSES[of].kind.all !== undefined && !route.startsWith('GET '))
    .map(([route]) => route),
];

/** A call of the route that works for an admin. */
async function prepare(route: string): Promise<Call> {
  const owner = shop.customer;
  const order = async (wish?: Wish, status = 201): Promise<PlacedOrder> => {
    const answer = await shop.place(wish, { as: owner });
    expect(answer.status).toBe(status);
    return (answer.body.order ?? answer.body) as PlacedOrder;
  };
  return (await ROUTES[route]?.call?.({ shop, owner, person: shop.admin, order })) ?? {};
}

function sendAs(route: string, call: Call, { token }: { token: string }, requestId: string = newId()) {
  return send(shop, route, call, { authorization: `Bearer ${token}`, 'x-request-id': requestId });
}

async function entriesOf(requestId: string): Promise<Record<string, unknown>[]> {
  const { rows } = await shop.sql.query<Record<string, unknown>>(
    'SELECT actor, role, action, target, address FROM platform.audit_log WHERE request_id = $1',
    [requestId],
  );
  return rows;
}

/** The id of the event that a call names in its body. */
function eventIn({ body }: Call): string | undefined {
  return (body as { eventId?: string } | undefined)?.eventId;
}

/** The id of what a call has made that names nothing in its address; null where it has made nothing. */
function madeBy({ status, body }: Answer): string | null {
  if (status !== 201) return null;
  expect(body.id).toEqual(expect.any(String));
  return body.id as string;
}

describe('every privileged action', () => {
  it('is among many', () => {
    expect(PRIVILEGED.length).toBeGreaterThan(14);
  });

  it.each(PRIVILEGED)('%s is in the log once, with who did it and to what', async (route) => {
    const call = await prepare(route);
    const requestId = newId();
    const answer = await sendAs(route, call, shop.admin, requestId);
    expect(answer.status).toBe(ROUTES[route]?.status ?? 200);
    expect(await entriesOf(requestId)).toEqual([
      {
        actor: `user:${shop.admin.id}`,
        role: 'admin',
        action: route,
        target: call.id ?? eventIn(call) ?? madeBy(answer),
        address: '127.0.0.1',
      },
    ]);
  });

  it.each(PRIVILEGED)('%s is not done when it cannot be logged', async (route) => {
    const call = await prepare(route);
    await shop.sql.query('ALTER TABLE platform.audit_log ADD CONSTRAINT full_up CHECK (false) NOT VALID');
    try {
      const before = await shop.stored();
      expect(await sendAs(route, call, shop.admin)).toMatchObject({ status: 500 });
      expect(await shop.stored()).toEqual(before);
    } finally {
      await shop.sql.query('ALTER TABLE platform.audit_log DROP CONSTRAINT full_up');
    }
  });

  it.each(['POST /orders/:id/payments', 'POST /orders/:id/cancel'])(
    'is not what a customer does with an order of their own: %s',
    async (route) => {
      const requestId = newId();
      const { status } = await sendAs(route, await prepare(route), shop.customer, requestId);
      expect(status).toBe(ROUTES[route]?.status ?? 200);
      expect(await entriesOf(requestId)).toEqual([]);
    },
  );

  it('is not in the log when it was refused, and not twice when it was repeated', async () => {
    const order = await shop.placed();
    const [first, second, refused] = [newId(), newId(), newId()];
    const key = newId();
    const refund = (requestId: string, idempotencyKey: string, body: object) =>
      shop.refund(order.payment.id, body, { key: idempotencyKey, headers: { 'x-request-id': requestId } });
    const some = { amount: { amount: 100, currency: 'GBP' }, reason: 'Broken on arrival' };
    expect(await refund(first, key, some)).toMatchObject({ status: 201 });
    expect(await refund(second, key, some)).toMatchObject({ status: 201 });
    const tooMuch = { amount: { amount: 1_000, currency: 'GBP' } };
    expect(await refund(refused, newId(), tooMuch)).toMatchObject({ status: 409 });
    expect(await shop.get(`${ORDERS}/${order.id}`, { as: shop.staff })).toMatchObject({ status: 200 });
    expect(await entriesOf(first)).toHaveLength(1);
    expect(await entriesOf(second)).toEqual([]);
    expect(await entriesOf(refused)).toEqual([]);
  });
});
