import type { PlannedOrder } from '../plan/replay-plan.js';
import type { ApiAnswer, ApiCall } from './api-client.js';
import type { Order } from './api-types.js';
import { forEachConcurrently } from './concurrency.js';
import type { Tally } from './execution-log.js';
import { readOrder } from './read-order.js';
import { refundOrder } from './refund-order.js';
import type { ReplayContext } from './replay-context.js';
import { Session } from './session.js';
import { settle } from './settle.js';
import { type TradeUnit, tradeUnits } from './trade-units.js';

/** Who sends a request: a customer with a session, or a guest without. */
interface Caller {
  send<Body>(call: ApiCall<Body>): Promise<ApiAnswer<Body>>;
}

interface TradeTallies {
  readonly orders: Tally;
  readonly refunds: Tally;
  readonly advance: (count?: number) => void;
}

/** Places the orders of each buyer in the order of their time, each followed by its refunds. */
export async function placeOrders(context: ReplayContext): Promise<void> {
  const { orders } = context.plan;
  const refundCount = orders.reduce((sum, order) => sum + order.refunds.length, 0);
  await context.phase('orders', orders.length + refundCount, async ({ tally, advance }) => {
    const tallies = { orders: tally('orders'), refunds: tally('refunds'), advance };
    await forEachConcurrently(tradeUnits(orders), context.concurrency, (unit) => {
      return placeOrdersOf(context, unit, tallies);
    });
  });
}

async function placeOrdersOf(context: ReplayContext, unit: TradeUnit, tallies: TradeTallies): Promise<void> {
  const { client } = context;
  const session = unit.buyer.kind === 'customer' ? new Session(client, unit.buyer.customer) : undefined;
  for (const order of unit.orders) {
    const placed = await placeOrder(context, session ?? client, order);
    count(tallies.orders, placed);
    tallies.advance();
    if (!placed.ok) context.log.fail({ subject: 'order', id: order.id, code: placed.code });

    for (const refund of order.refunds) {
      const refunded = placed.ok
        ? await refundOrder(context, placed.order, refund)
        : { ok: false as const, code: 'order_failed' };
      count(tallies.refunds, refunded);
      tallies.advance();
      if (!refunded.ok) context.log.fail({ subject: 'refund', id: refund.id, code: refunded.code });
    }
  }
  await session?.close();
}

type Placed = { readonly ok: true; readonly order: Order; readonly isNew: boolean } | Refused;
interface Refused {
  readonly ok: false;
  readonly code: string;
}

async function placeOrder(context: ReplayContext, buyer: Caller, planned: PlannedOrder): Promise<Placed> {
  const read = () => readOrder(context.staff, planned.id);
  const body = orderRequest(planned);
  const placed = await buyer.send<Order>((api, init) =>
    api.POST('/api/v1/orders', {
      ...init,
      params: { header: { 'Idempotency-Key': planned.idempotencyKey } },
      body,
    }),
  );
  // Once the key is forgotten, what an earlier run did is refused, for one reason or another: look what is there.
  const found = placed.ok ? placed : await read();
  const isOpen = (order: Order) => order.payment.status === 'processing';
  const answer = await settle(context.client, found, isOpen, read);
  if (!answer.ok) return placed.ok ? answer : placed;
  const code = differenceOf(answer.body, planned);
  if (code !== undefined) return { ok: false, code };
  return { ok: true, order: answer.body, isNew: placed.ok && !placed.isReplayed };
}

function orderRequest({ id, buyer, lines, totalMinor, countryCode, metadata }: PlannedOrder) {
  return {
    id,
    lines: lines.map(({ product, quantity }) => ({ sku: product.sku, quantity })),
    ...(buyer.kind === 'guest' ? { email: buyer.email } : {}),
    ...(countryCode === null ? {} : { shippingAddress: { country: countryCode } }),
    expectedTotal: { amount: totalMinor, currency: 'GBP' as const },
    payment: { method: 'pm_card_visa', capture: 'automatic' as const },
    metadata,
  };
}

/** A code that says how an order is not the planned one, captured; undefined when it is. */
function differenceOf(order: Order, planned: PlannedOrder): string | undefined {
  const { lines, total, payment } = order;
  const isPlanned =
    total.amount === planned.totalMinor &&
    total.currency === 'GBP' &&
    lines.length === planned.lines.length &&
    planned.lines.every(({ product, quantity, totalMinor }, index) => {
      const line = lines[index];
      return line?.sku === product.sku && line.quantity === quantity && line.total.amount === totalMinor;
    });
  if (!isPlanned) return 'order_differs';
  return payment.status === 'captured' ? undefined : `payment_${payment.status}`;
}

function count(tally: Tally, result: { ok: true; isNew: boolean } | Refused): void {
  if (!result.ok) tally.failed += 1;
  else if (result.isNew) tally.changed += 1;
  else tally.unchanged += 1;
}
