import { newId } from '#kernel';
import { gbp, Shop } from '../support/shop.js';
import type { Answer } from '../support/test-app.js';

const REQUESTS = 1_000;
/** Tries of each request: the pool of connections is far smaller than the crowd in front of it. */
const MOST_TRIES = 50;

let shop: Shop;

beforeAll(async () => {
  shop = await Shop.open();
});

// Closing expects every invariant to hold, those of the ledger among them.
afterAll(() => shop.close());

/** Sends a refund, with the same key, until somebody says what came of it. */
async function refundUntilAnswered(paymentId: string, amount: number): Promise<Answer> {
  const manner = { as: shop.staff, key: newId() };
  for (let attempt = 1; ; attempt += 1) {
    const answer = await shop.refund(paymentId, { amount: gbp(amount) }, manner).catch(() => undefined);
    const isFinal = answer && answer.status < 500 && answer.status !== 202;
    if (isFinal && answer.body.code !== 'idempotency_in_progress') return answer;
    if (attempt === MOST_TRIES) throw new Error(`No answer after ${attempt} tries: ${answer?.status}`);
  }
}

it(`${REQUESTS} refunds at once give back no more than was captured, and as much of it as fits`, async () => {
  const order = await shop.placed({ lines: [{ productId: shop.mug.id, quantity: 10 }] });
  const total = order.total.amount as number;
  const amounts = Array.from({ length: REQUESTS }, (_, index) => 1 + ((index * 37) % 99));
  const answers = await Promise.all(amounts.map((amount) => refundUntilAnswered(order.payment.id, amount)));
  const granted = answers.filter(({ status }) => status === 201);
  const refused = answers.filter(({ body }) => body.code === 'refund_exceeds_captured');
  expect(granted.length + refused.length).toBe(REQUESTS);
  expect(granted.every(({ body }) => body.status === 'succeeded')).toBe(true);

  const refunded = granted.reduce((sum, { body }) => sum + (body.amount.amount as number), 0);
  const payment = await shop.paymentOf(order.payment.id);
  expect(payment).toMatchObject({ capturedAmount: gbp(total), refundedAmount: gbp(refunded) });
  expect(payment.pendingRefundAmount).toEqual(gbp(0));
  expect(refunded).toBeLessThanOrEqual(total);
  // Whoever was refused wanted more than was left in the end.
  const left = total - refunded;
  const leastRefused = Math.min(...amounts.filter((_, index) => answers[index]!.status !== 201));
  expect(leastRefused).toBeGreaterThan(left);
}, 120_000);
