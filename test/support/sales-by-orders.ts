import type { Client } from 'pg';

const DAY = `(t.occurred_at AT TIME ZONE 'UTC')::date`;
const LINES_OF_TIMELINE = `orders.timeline t JOIN orders.orders o ON o.id = t.order_id
  JOIN orders.order_lines l ON l.order_id = o.id`;

/** What orders say of each day, without what was refunded, of which they keep no day. */
const BY_ORDERS = `
  SELECT day, product_id, currency, count(DISTINCT order_id) AS orders, sum(sold) AS sold_quantity,
         sum(gross) AS sold_amount, sum(canceled) AS canceled_quantity, sum(lost) AS canceled_amount,
         sum(returned) AS returned_quantity
    FROM (
      SELECT ${DAY} AS day, l.product_id, o.currency, o.id AS order_id, l.quantity AS sold, l.allocated_amount AS gross,
             0 AS canceled, 0 AS lost, 0 AS returned
        FROM ${LINES_OF_TIMELINE} WHERE t.cause = 'confirmed'
      UNION ALL
      SELECT ${DAY}, l.product_id, o.currency, NULL, 0, 0, l.quantity, l.allocated_amount, 0
        FROM ${LINES_OF_TIMELINE} WHERE t.cause = 'cancel_requested' AND t.from_status = 'confirmed'
      UNION ALL
      SELECT ${DAY}, l.product_id, o.currency, NULL, 0, 0, l.canceled_quantity,
             l.allocated_amount - l.allocated_amount * (l.quantity - l.canceled_quantity) / l.quantity, 0
        FROM ${LINES_OF_TIMELINE} WHERE t.cause = 'closed' AND l.canceled_quantity > 0
      UNION ALL
      SELECT ${DAY}, l.product_id, o.currency, NULL, 0, 0, 0, 0, (piece ->> 'quantity')::bigint
        FROM orders.returns r CROSS JOIN jsonb_array_elements(r.lines) piece
        JOIN orders.order_lines l ON l.id = (piece ->> 'lineId')::uuid JOIN orders.orders o ON o.id = r.order_id
        JOIN orders.timeline t ON t.order_id = o.id AND t.cause = 'returned' AND t.occurred_at = r.created_at) facts
   GROUP BY day, product_id, currency`;

const COUNTED = `(SELECT * FROM sales.movements WHERE generation = (SELECT generation FROM sales.current)) counted`;

const DIFFERENCES: Readonly<Record<string, string>> = {
  'the figures of a day are those of its orders': `
    SELECT * FROM (${BY_ORDERS}) orders FULL JOIN (
        SELECT day, product_id, currency, sum(orders) AS counted_orders, sum(sold_quantity) AS counted_sold,
               sum(sold_amount) AS counted_gross, sum(canceled_quantity) AS counted_canceled,
               sum(canceled_amount) AS counted_lost, sum(returned_quantity) AS counted_returned
          FROM ${COUNTED} GROUP BY day, product_id, currency) sales USING (day, product_id, currency)
     WHERE (coalesce(orders, 0), coalesce(sold_quantity, 0), coalesce(sold_amount, 0), coalesce(canceled_quantity, 0),
            coalesce(canceled_amount, 0), coalesce(returned_quantity, 0))
        <> (coalesce(counted_orders, 0), coalesce(counted_sold, 0), coalesce(counted_gross, 0),
            coalesce(counted_canceled, 0), coalesce(counted_lost, 0), coalesce(counted_returned, 0))`,

  'what was refunded is what the ledger says': `
    SELECT currency, refunded, counted FROM (
        SELECT t.currency, -sum(p.amount) AS refunded
          FROM payments.ledger_transactions t JOIN payments.ledger_postings p ON p.transaction_id = t.id
         WHERE t.kind IN ('refund', 'refund_reversal') AND p.account = 'gateway_clearing' GROUP BY 1) ledger
      FULL JOIN (SELECT currency, sum(refunded_amount) AS counted FROM ${COUNTED} GROUP BY 1) sales USING (currency)
     WHERE coalesce(refunded, 0) <> coalesce(counted, 0)`,
};

/** Where the sales figures differ from what orders and ledger say, once every event was heard. */
export async function findSalesDifferences(sql: Client): Promise<object[]> {
  const found: object[] = [];
  for (const [rule, query] of Object.entries(DIFFERENCES)) {
    const { rows } = await sql.query<object>(query);
    found.push(...rows.map((row) => ({ rule, ...row })));
  }
  return found;
}
