import type { Client } from 'pg';

/** The open operations of payments, and the reservations that hold stock. */
const OPEN = `status IN ('created', 'sent', 'unknown')`;
const HELD = `status IN ('active', 'committed')`;

/** The legal transitions of an order, as the domain's rules write them down. */
const TRANSITIONS = `(VALUES ('pending_payment', 'confirmed'), ('pending_payment', 'expired'),
  ('pending_payment', 'cancel_pending'), ('confirmed', 'cancel_pending'), ('cancel_pending', 'canceled'),
  ('confirmed', 'partially_fulfilled'), ('confirmed', 'fulfilled'), ('partially_fulfilled', 'fulfilled'),
  ('fulfilled', 'completed')) AS legal (from_status, to_status)`;

/** Queries that find what breaks an invariant of the domain; they run when nothing is on its way any more. */
const BREACHES: Readonly<Record<string, string>> = {
  'each ledger transaction has two sides that sum to zero, in its one currency': `
    SELECT t.id FROM payments.ledger_transactions t LEFT JOIN payments.ledger_postings p ON p.transaction_id = t.id
     GROUP BY t.id
    HAVING count(p.account) < 2 OR sum(p.amount) <> 0 OR bool_or(p.currency <> t.currency)`,

  'the whole ledger sums to zero per currency': `
    SELECT currency FROM payments.ledger_postings GROUP BY currency HAVING sum(amount) <> 0`,

  'the ledger holds of each payment what was captured and not refunded': `
    SELECT p.id, p.captured_amount, p.refunded_amount, l.clearing, l.shipping, l.tax
      FROM payments.payments p, LATERAL (
        SELECT coalesce(sum(amount) FILTER (WHERE account = 'gateway_clearing'), 0) AS clearing,
               coalesce(-sum(amount) FILTER (WHERE account = 'shipping'), 0) AS shipping,
               coalesce(-sum(amount) FILTER (WHERE account = 'tax_payable'), 0) AS tax
          FROM payments.ledger_transactions t JOIN payments.ledger_postings ON transaction_id = t.id
         WHERE t.payment_id = p.id) l
     WHERE l.clearing <> p.captured_amount - p.refunded_amount - p.disputed_amount
        OR l.shipping <> p.captured_shipping_amount - p.refunded_shipping_amount
        OR l.tax <> p.captured_tax_amount - p.refunded_tax_amount`,

  'what is disputed of a payment is what banks hold, and the ledger says so': `
    SELECT p.id FROM payments.payments p, LATERAL (
        SELECT coalesce(sum(amount) FILTER (WHERE status IN ('needs_response', 'under_review', 'lost')), 0) AS held
          FROM payments.disputes d WHERE d.payment_id = p.id) disputes, LATERAL (
        SELECT coalesce(sum(amount) FILTER (WHERE account = 'disputes'), 0) AS posted
          FROM payments.ledger_transactions t JOIN payments.ledger_postings ON transaction_id = t.id
         WHERE t.payment_id = p.id) books
     WHERE p.disputed_amount <> disputes.held OR p.disputed_amount <> books.posted`,

  'every report of the gateway was applied, and none contradicts the books': `
    SELECT gateway, id, type, status FROM payments.gateway_reports
     WHERE status IN ('received', 'unmatched', 'contradiction')`,

  '0 <= refunded + pending refund <= captured <= authorized <= amount': `
    SELECT id FROM payments.payments
     WHERE NOT (0 <= refunded_amount AND 0 <= pending_refund_amount
       AND refunded_amount + pending_refund_amount <= captured_amount
       AND captured_amount <= authorized_amount AND authorized_amount <= amount)`,

  'the amounts of a payment are those of the operations that succeeded': `
    SELECT p.id FROM payments.payments p, LATERAL (
        SELECT coalesce(sum(amount) FILTER (WHERE kind = 'authorize'), 0)
                 - coalesce(sum(amount) FILTER (WHERE kind = 'void'), 0) AS authorized,
               coalesce(sum(amount) FILTER (
                 WHERE kind = CASE p.capture_mode WHEN 'automatic' THEN 'authorize' ELSE 'capture' END), 0) AS captured,
               coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0) AS refunded
          FROM payments.operations o WHERE o.payment_id = p.id AND o.status = 'succeeded') done
     WHERE (p.captured_amount, p.refunded_amount) IS DISTINCT FROM (done.captured, done.refunded)
        -- what was not captured may have been given up, or have ended at the gateway by itself
        OR p.authorized_amount NOT IN (done.authorized, done.captured)`,

  'each refund has one operation, with its amount and its fate': `
    SELECT r.id FROM payments.refunds r LEFT JOIN payments.operations o ON o.refund_id = r.id
     GROUP BY r.id
    HAVING count(o.id) <> 1 OR bool_or(o.amount <> r.amount)
        OR bool_or(r.status <> CASE WHEN o.${OPEN} THEN 'pending' WHEN o.status = 'succeeded' THEN 'succeeded' ELSE 'failed' END)`,

  'what is refunded of the lines is what their refunds say, and the lines make up the payment': `
    SELECT p.id FROM payments.payments p JOIN payments.allocations a ON a.payment_id = p.id
     GROUP BY p.id
    HAVING sum(a.amount) <> p.amount
        OR sum(a.refunded_amount) <> (
             SELECT coalesce(sum((line ->> 'amount')::bigint), 0)
               FROM payments.refunds r, jsonb_array_elements(r.lines) AS line
              WHERE r.payment_id = p.id AND r.status <> 'failed')`,

  'captured money belongs to a confirmed-or-later order or is fully refunded': `
    SELECT o.id, o.status FROM orders.orders o JOIN payments.payments p ON p.id = o.payment_id
     WHERE o.status NOT IN ('confirmed', 'partially_fulfilled', 'fulfilled', 'completed')
       AND p.captured_amount > p.refunded_amount + p.disputed_amount
       AND NOT (o.status IN ('cancel_pending', 'canceled', 'expired') AND ${waitsForStaff('p.id')})`,

  'the money of a confirmed order covers its total': `
    SELECT o.id, p.status FROM orders.orders o JOIN payments.payments p ON p.id = o.payment_id
     WHERE o.status IN ('confirmed', 'partially_fulfilled', 'fulfilled') AND o.total_amount > p.authorized_amount
       -- a part was captured, and the rest given up or ended: nothing more leaves
       AND NOT (p.captured_amount > 0 AND p.authorized_amount = p.captured_amount)`,

  'an order knows its payment as it is': `
    SELECT o.id, o.payment_status, o.payment_outcome, o.decline_code, p.status, p.outcome, p.decline_code AS payment_decline_code
      FROM orders.orders o LEFT JOIN payments.payments p ON p.id = o.payment_id AND p.order_id = o.id
     WHERE (o.payment_status, o.payment_outcome, o.decline_code, o.total_amount, o.currency)
           IS DISTINCT FROM (p.status, p.outcome, p.decline_code, p.amount, p.currency)`,

  'an order knows what was refunded of its lines': `
    SELECT l.id FROM orders.order_lines l LEFT JOIN LATERAL (
        SELECT sum((line ->> 'amount')::bigint) AS amount
          FROM payments.payments p JOIN payments.refunds r ON r.payment_id = p.id, jsonb_array_elements(r.lines) AS line
         WHERE p.order_id = l.order_id AND r.status = 'succeeded' AND (line ->> 'lineId')::uuid = l.id) refunded ON true
     WHERE l.refunded_amount <> coalesce(refunded.amount, 0)`,

  'received + returned - shipped + adjusted = on hand, and the journal adds up to the level': `
    SELECT s.product_id FROM catalog.stock_levels s, LATERAL (
        SELECT coalesce(sum(CASE kind WHEN 'ship' THEN -quantity ELSE quantity END)
                 FILTER (WHERE kind IN ('receive', 'return', 'ship', 'adjust')), 0) AS on_hand,
               coalesce(sum(on_hand_delta), 0) AS on_hand_deltas, coalesce(sum(reserved_delta), 0) AS reserved_deltas
          FROM catalog.stock_movements m WHERE m.product_id = s.product_id) journal
     WHERE journal.on_hand <> s.on_hand OR journal.on_hand_deltas <> s.on_hand OR journal.reserved_deltas <> s.reserved`,

  'active and committed reservations = reserved <= on hand': `
    SELECT s.product_id FROM catalog.stock_levels s
     WHERE s.reserved > s.on_hand OR s.reserved <> (
       SELECT coalesce(sum(quantity - shipped - released), 0) FROM catalog.reservations r
        WHERE r.product_id = s.product_id AND r.${HELD})`,

  'an order reserves what its lines ask for, and ships what was fulfilled': `
    SELECT order_id, product_id
      FROM (SELECT order_id, product_id, sum(quantity) AS quantity, sum(fulfilled_quantity) AS shipped
              FROM orders.order_lines GROUP BY order_id, product_id) ordered
      FULL JOIN catalog.reservations r USING (order_id, product_id)
     WHERE (ordered.quantity, ordered.shipped) IS DISTINCT FROM (r.quantity, r.shipped)`,

  'what was returned of a line is what the returns of its order say': `
    SELECT order_id, id, line.quantity, returned.quantity
      FROM (SELECT order_id, id, returned_quantity AS quantity FROM orders.order_lines WHERE returned_quantity <> 0) line
      FULL JOIN (SELECT order_id, (piece ->> 'lineId')::uuid AS id, sum((piece ->> 'quantity')::bigint) AS quantity
                   FROM orders.returns, jsonb_array_elements(lines) AS piece GROUP BY 1, 2) returned USING (order_id, id)
     WHERE line.quantity IS DISTINCT FROM returned.quantity`,

  'what came back on hand of an order is what its returns restocked': `
    SELECT order_id, product_id, restocked.quantity, journal.quantity
      FROM (SELECT l.order_id, l.product_id, sum((piece ->> 'quantity')::bigint) AS quantity
              FROM orders.returns r, jsonb_array_elements(r.lines) AS piece
              JOIN orders.order_lines l ON l.id = (piece ->> 'lineId')::uuid
             WHERE (piece ->> 'restock')::boolean GROUP BY 1, 2) restocked
      FULL JOIN (SELECT order_id, product_id, sum(quantity) AS quantity
                   FROM catalog.stock_movements WHERE kind = 'return' GROUP BY 1, 2) journal USING (order_id, product_id)
     WHERE restocked.quantity IS DISTINCT FROM journal.quantity`,

  'each return is a row of the timeline': `
    SELECT order_id FROM (SELECT order_id, count(*) FROM orders.returns GROUP BY 1) returned
      FULL JOIN (SELECT order_id, count(*) FROM orders.timeline WHERE cause = 'returned' GROUP BY 1) told USING (order_id)
     WHERE returned.count IS DISTINCT FROM told.count`,

  'a reservation is held for as long as its order lives': `
    SELECT r.order_id, r.status, o.status FROM catalog.reservations r LEFT JOIN orders.orders o ON o.id = r.order_id
     WHERE r.status <> CASE o.status
             WHEN 'pending_payment' THEN 'active' WHEN 'canceled' THEN 'released' WHEN 'expired' THEN 'expired'
             WHEN 'cancel_pending' THEN r.status
             ELSE CASE WHEN ${canceledOf('r')} > 0 THEN 'released' ELSE 'committed' END END
        OR (o.status IN ('canceled', 'expired') AND r.quantity > r.shipped + r.released)`,

  'what was given up of an order is what it gave back to stock': `
    SELECT r.order_id, r.product_id, r.released FROM catalog.reservations r JOIN orders.orders o ON o.id = r.order_id
     WHERE o.status NOT IN ('canceled', 'expired') AND r.released <> ${canceledOf('r')}`,

  'of a closed order every piece has left or was given up': `
    SELECT o.id FROM orders.orders o JOIN orders.order_lines l ON l.order_id = o.id
     WHERE (o.closed_at IS NULL AND l.canceled_quantity > 0)
        OR (o.closed_at IS NOT NULL AND l.fulfilled_quantity + l.canceled_quantity <> l.quantity)`,

  'the timeline of an order has a row for each version, each a legal transition from the row before': `
    SELECT o.id FROM orders.orders o JOIN (
        SELECT t.*, row_number() OVER history AS place, lag(to_status) OVER history AS before,
               lead(version) OVER history IS NULL AS is_last
          FROM orders.timeline t WINDOW history AS (PARTITION BY order_id ORDER BY version)) t ON t.order_id = o.id
      LEFT JOIN ${TRANSITIONS} USING (from_status, to_status)
     WHERE t.version <> t.place OR t.from_status IS DISTINCT FROM t.before
        OR (t.from_status IS NULL AND t.to_status <> 'pending_payment')
        OR (t.from_status <> t.to_status AND legal.to_status IS NULL)
        OR (t.is_last AND (t.version, t.to_status) IS DISTINCT FROM (o.version, o.status))`,

  'the events of an aggregate are numbered without a gap up to its version': `
    SELECT aggregate, aggregate_id, count(*), max(sequence) FROM platform.outbox e
      LEFT JOIN orders.orders o ON aggregate = 'order' AND o.id = aggregate_id
      LEFT JOIN payments.payments p ON aggregate = 'payment' AND p.id = aggregate_id
     GROUP BY aggregate, aggregate_id
    HAVING min(sequence) <> 1 OR max(sequence) <> count(*)
        OR max(sequence) <> coalesce(max(o.version), max(p.version), max(sequence))`,

  'every order and payment has told of itself': `
    SELECT id FROM orders.orders WHERE id NOT IN (SELECT aggregate_id FROM platform.outbox WHERE aggregate = 'order')
    UNION ALL
    SELECT id FROM payments.payments
     WHERE id NOT IN (SELECT aggregate_id FROM platform.outbox WHERE aggregate = 'payment')`,

  'every event was delivered': `SELECT id FROM platform.outbox WHERE published_at IS NULL`,

  'no operation, payment or cancellation stays open': `
    SELECT id, status FROM payments.operations WHERE ${OPEN}
    UNION ALL
    SELECT id, status FROM payments.payments WHERE status = 'processing' OR outcome IS NOT NULL
    UNION ALL
    SELECT id, status FROM orders.orders o WHERE status = 'cancel_pending' AND NOT ${waitsForStaff('o.payment_id')}`,
};

/** How many pieces of a reservation's product its order has given up. */
function canceledOf(reservation: string): string {
  return `(SELECT coalesce(sum(canceled_quantity), 0) FROM orders.order_lines l
            WHERE l.order_id = ${reservation}.order_id AND l.product_id = ${reservation}.product_id)`;
}

/** Whether the gateway refused to give the money back, so that somebody has to decide. */
function waitsForStaff(paymentId: string): string {
  return `EXISTS (SELECT FROM payments.operations refused
    WHERE refused.payment_id = ${paymentId} AND refused.kind IN ('void', 'refund')
      AND refused.status IN ('failed', 'declined'))`;
}

/** The names of all invariants. */
export const INVARIANTS = Object.keys(BREACHES);

/** What breaks which invariant in a database in which nothing is on its way. */
export async function findBreaches(sql: Client): Promise<Record<string, object[]>> {
  const found: Record<string, object[]> = {};
  for (const [invariant, query] of Object.entries(BREACHES)) {
    const { rows } = await sql.query<object>(query);
    if (rows.length > 0) found[invariant] = rows;
  }
  return found;
}
