import type { Client } from 'pg';
import { findSalesDifferences } from '../support/sales-by-orders.js';
import type { ReceivedMail } from './mail-server.js';

/** Who hears of what, as the modules say; `%` stands for any text. */
const CONSUMERS: Readonly<Record<string, readonly string[]>> = {
  'orders.mails': ['confirmed', 'partially_fulfilled', 'fulfilled', 'closed', 'canceled', 'refunded'].map(
    ofOrder,
  ),
  'sales.daily': ['confirmed', 'cancel_requested', 'closed', 'returned', 'refunded', 'refund_reversed'].map(
    ofOrder,
  ),
  'catalog.low-stock': ['steelyard.stock.availability_changed.v1'],
  'webhooks.alerts': ['steelyard.webhook_endpoint.disabled.v1'],
  // It hears of everything; of an order a run is sure that it was placed after it began to listen.
  'webhooks.fan-out': ['steelyard.order.%'],
};

/** What a mail about an order says in its subject, by what had happened. */
const SUBJECTS = `(VALUES ('confirmed', 'Your order %s is confirmed'),
  ('partially_fulfilled', 'A part of your order %s is on its way'), ('fulfilled', 'Your order %s is on its way'),
  ('closed', 'The rest of your order %s was canceled'), ('canceled', 'Your order %s was canceled'),
  ('refunded', 'A refund for your order %s')) AS subjects (cause, subject)`;

const HEARD = `SELECT name AS consumer, type
  FROM json_each($1::json) AS consumers (name, types), json_array_elements_text(types) AS type`;
const UNHEARD = `SELECT heard.consumer, e.id, e.type FROM platform.outbox e JOIN (${HEARD}) heard ON e.type LIKE heard.type
  WHERE NOT EXISTS (SELECT FROM platform.inbox i WHERE i.consumer = heard.consumer AND i.event_id = e.id)`;

// A consumer that has applied an event twice has two rows, which its key forbids, or a row for no event.
const APPLIED_TO_NOTHING = `
  SELECT consumer, event_id FROM platform.inbox WHERE event_id NOT IN (SELECT id FROM platform.outbox)`;
// With a broker as the transport, its name stands before that of the consumer, and a topic may stand behind.
const UNKNOWN_CONSUMERS = `
  SELECT consumer FROM platform.consumer_positions
   WHERE regexp_replace(consumer, '^(nats|kafka)/([^/]+).*$', '\\2') NOT IN (SELECT consumer FROM (${HEARD}) heard)`;
// That an order was canceled is told to whom its confirmation was told.
const EXPECTED_MAILS = `
  SELECT o.email AS to, format(subject, o.number) AS subject, count(*)::int AS count
    FROM orders.timeline t JOIN orders.orders o ON o.id = t.order_id JOIN ${SUBJECTS} USING (cause)
   WHERE cause <> 'canceled'
      OR EXISTS (SELECT FROM orders.timeline c WHERE c.order_id = o.id AND c.cause = 'confirmed')
   GROUP BY o.email, subjects.subject, o.number`;

function ofOrder(change: string): string {
  return `steelyard.order.${change}.v1`;
}

/** How many events consumers have still to hear of, and mails have still to leave. */
export async function countUnheard(sql: Client): Promise<number> {
  const { rows } = await sql.query<{ open: number }>(
    `SELECT ((SELECT count(*) FROM (${UNHEARD}) unheard) + (SELECT count(*) FROM platform.mails))::int AS open`,
    [JSON.stringify(CONSUMERS)],
  );
  return rows[0]!.open;
}

/**
 * What shows, once nothing is on its way, that a consumer has not applied each of its events exactly once. Mails are sent
 * at least once: whoever is killed between the sending and noting it sends another.
 */
export async function findConsumerBreaches(sql: Client, mails: readonly ReceivedMail[]): Promise<object[]> {
  const consumers = [JSON.stringify(CONSUMERS)];
  const unheard = await sql.query<object>(UNHEARD, consumers);
  const toNothing = await sql.query<object>(APPLIED_TO_NOTHING);
  const unknown = await sql.query<object>(UNKNOWN_CONSUMERS, consumers);
  return [
    ...unheard.rows.map((row) => ({ rule: 'every event was heard', ...row })),
    ...toNothing.rows.map((row) => ({ rule: 'what was applied is an event', ...row })),
    ...unknown.rows.map((row) => ({ rule: 'every consumer is checked', ...row })),
    ...(await findSalesDifferences(sql)),
    ...(await findMailBreaches(sql, mails)),
  ];
}

async function findMailBreaches(sql: Client, mails: readonly ReceivedMail[]): Promise<object[]> {
  const keyOf = ({ to, subject }: ReceivedMail) => `${to}: ${subject}`;
  const received = Map.groupBy(mails, keyOf);
  const { rows } = await sql.query<ReceivedMail & { count: number }>(EXPECTED_MAILS);
  const expected = new Set(rows.map(keyOf));
  const missing = rows.filter((row) => (received.get(keyOf(row))?.length ?? 0) < row.count);
  const unfounded = [...received.keys()].filter((key) => !expected.has(key));
  return [
    ...missing.map((row) => ({ rule: 'a mail is sent for each change', ...row })),
    ...unfounded.map((mail) => ({ rule: 'no mail tells what did not happen', mail })),
  ];
}
