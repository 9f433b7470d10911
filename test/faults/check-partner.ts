import type { Client } from 'pg';
import type { Received } from '../support/webhook-partner.js';

const OF_ORDERS = `SELECT id, type, aggregate_id AS "orderId" FROM platform.outbox WHERE type LIKE 'steelyard.order.%'`;

/**
 * What shows, once nothing is on its way, that the partner was not told of each change of an order, or of one that never
 * was. Webhooks are sent at least once: whoever is killed between the sending and noting it sends another.
 */
export async function findPartnerBreaches(sql: Client, received: readonly Received[]): Promise<object[]> {
  const { rows } = await sql.query<{ id: string }>(OF_ORDERS);
  const happened = new Set(rows.map(({ id }) => id));
  const told = new Set(received.map(({ headers }) => String(headers['webhook-id'])));
  const undelivered = await sql.query<object>(
    `SELECT id, event_id, status, attempts FROM webhooks.deliveries WHERE status <> 'succeeded'`,
  );
  return [
    ...rows
      .filter(({ id }) => !told.has(id))
      .map((row) => ({ rule: 'the partner is told of each change', ...row })),
    ...[...told]
      .filter((id) => !happened.has(id))
      .map((id) => ({ rule: 'no webhook tells what did not happen', id })),
    ...undelivered.rows.map((row) => ({ rule: 'what the partner took is delivered', ...row })),
  ];
}
