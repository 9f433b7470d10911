import type { Client } from 'pg';
import type { Told } from './caller.js';

/** What is there now, by id. */
interface Kept {
  readonly orders: ReadonlyMap<string, { total: number; status: string; payment_id: string }>;
  readonly payments: ReadonlyMap<string, { authorized: number; captured: number; refunded: number }>;
  readonly refunds: ReadonlyMap<string, { amount: number; status: string }>;
  readonly others: ReadonlySet<string>;
}

/** Statuses to which an order never comes back. */
const BEFORE_CONFIRMED = new Set(['pending_payment', 'expired']);

/** Every 2xx that any client ever got and that is not true any more. */
export async function findBrokenPromises(sql: Client, told: readonly Told[]): Promise<object[]> {
  const kept = await readKept(sql);
  return told.flatMap(({ call, answer }) => {
    const problem = problemOf(call.path, answer.body as never, kept);
    return problem === undefined ? [] : [{ problem, path: call.path, key: call.key, told: answer }];
  });
}

interface Body {
  readonly id: string;
  readonly status?: string;
  readonly total?: { readonly amount: number };
  readonly amount?: { readonly amount: number };
  readonly authorizedAmount?: { readonly amount: number };
  readonly capturedAmount?: { readonly amount: number };
  readonly refundedAmount?: { readonly amount: number };
}

function problemOf(path: string, body: Body, kept: Kept): string | undefined {
  if (/^\/api\/v1\/orders(\/[^/]+\/(payments|cancel))?$/.test(path)) return problemOfOrder(body, kept);
  if (/\/payments\/[^/]+\/refunds$/.test(path)) return problemOfRefund(body, kept);
  if (/\/payments\/[^/]+\/(capture|cancel)$/.test(path)) return problemOfPayment(body, kept);
  return kept.others.has(body.id) ? undefined : 'it is not there';
}

function problemOfOrder({ id, status, total }: Body, { orders }: Kept): string | undefined {
  const order = orders.get(id);
  if (!order) return 'the order is not there';
  if (order.total !== total?.amount) return `its total is ${order.total}`;
  if (status === 'canceled' && order.status !== 'canceled') return `it is ${order.status}`;
  const wasConfirmed = status === 'confirmed' && BEFORE_CONFIRMED.has(order.status);
  return wasConfirmed ? `it is ${order.status}` : undefined;
}

function problemOfRefund({ id, status, amount }: Body, { refunds }: Kept): string | undefined {
  const refund = refunds.get(id);
  if (!refund) return 'the refund is not there';
  if (refund.amount !== amount?.amount) return `its amount is ${refund.amount}`;
  // A bank may take back a refund that had succeeded; nobody takes back that one has failed.
  return status === 'failed' && refund.status !== 'failed' ? `it is ${refund.status}` : undefined;
}

function problemOfPayment(body: Body, { payments }: Kept): string | undefined {
  const payment = payments.get(body.id);
  if (!payment) return 'the payment is not there';
  const lost = payment.captured < (body.capturedAmount?.amount ?? 0);
  return lost ? `of it ${payment.captured} is captured` : undefined;
}

async function readKept(sql: Client): Promise<Kept> {
  const byId = async <T extends object>(query: string): Promise<Map<string, T>> => {
    const { rows } = await sql.query<T & { id: string }>(query);
    return new Map(rows.map((row) => [row.id, row]));
  };
  const others = await byId(
    `SELECT id FROM orders.fulfillments UNION ALL SELECT id FROM catalog.stock_movements
     UNION ALL SELECT id FROM catalog.products UNION ALL SELECT id FROM orders.returns`,
  );
  return {
    orders: await byId('SELECT id, total_amount::float8 AS total, status, payment_id FROM orders.orders'),
    payments: await byId(
      `SELECT id, authorized_amount::float8 AS authorized, captured_amount::float8 AS captured,
              refunded_amount::float8 AS refunded FROM payments.payments`,
    ),
    refunds: await byId('SELECT id, amount::float8 AS amount, status FROM payments.refunds'),
    others: new Set(others.keys()),
  };
}
