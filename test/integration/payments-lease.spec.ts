import { eventually } from '../support/eventually.js';
import { RunOperation } from '../../libs/payments/src/application/run-operation.js';
import { Shop } from '../support/shop.js';

let shop: Shop;

beforeAll(async () => {
  shop = await Shop.open();
});
afterAll(() => shop.close());

interface Operation {
  id: string;
  fence: number;
  status: string;
}

interface Order {
  id: string;
  payment: { id: string; status: string; outcome: string | null; declineCode: string | null };
}

/** Newest first. */
async function pendingOrders(): Promise<Order[]> {
  return ((await shop.read('/api/v1/orders?status=pending_payment')) as { data: Order[] }).data;
}

async function authorizationOf(paymentId: string): Promise<Operation> {
  const { rows } = await shop.sql.query<Operation>(
    `SELECT id, fence, status FROM payments.operations WHERE payment_id = $1`,
    [paymentId],
  );
  return rows[0]!;
}

/** Somebody who asks the gateway, and whose answer comes when the test wants it to. */
async function placedAndHanging(fn: (order: Order) => Promise<void>): Promise<void> {
  const answer = Promise.withResolvers<undefined>();
  let calls = 0;
  await shop.withGateway(
    'authorize',
    async (call) => {
      calls += 1;
      if (calls === 2) throw new Error('The connection broke.');
      if (calls > 2) return call();
      await answer.promise;
      return { result: 'declined', declineCode: 'told_too_late' };
    },
    async () => {
      const placing = shop.place();
      const order = await eventually(async () => {
        const [newest] = await pendingOrders();
        expect(await authorizationOf(newest!.payment.id)).toMatchObject({ status: 'sent' });
        return newest!;
      });
      await fn(order);
      answer.resolve(undefined);
      await placing;
    },
  );
}

describe('the lease of an operation', () => {
  it('lets nobody else work on it while it lasts', async () => {
    await placedAndHanging(async (order) => {
      const { id, fence } = await authorizationOf(order.payment.id);
      expect(await shop.api.app.get(RunOperation, { strict: false }).execute(id)).toBeUndefined();
      await shop.resolveOperations();
      expect(await authorizationOf(order.payment.id)).toMatchObject({ fence, status: 'sent' });
    });
  });

  it('is taken over when it is over, and who held it before writes nothing any more', async () => {
    await placedAndHanging(async (order) => {
      const { id, fence } = await authorizationOf(order.payment.id);
      await shop.sql.query(
        `UPDATE payments.operations SET leased_until = now() - interval '1 second' WHERE id = $1`,
        [id],
      );
      // Whoever takes over learns nothing either, so the operation is still open when the late answer comes.
      await shop.api.app.get(RunOperation, { strict: false }).execute(id);
      expect(await authorizationOf(order.payment.id)).toMatchObject({ fence: fence + 1, status: 'unknown' });
    });
    const [newest] = await pendingOrders();
    expect(newest!.payment).toMatchObject({ status: 'processing', outcome: 'unknown', declineCode: null });
    expect(await authorizationOf(newest!.payment.id)).toMatchObject({ status: 'unknown' });
  });
});
