import type { Client } from 'pg';

/** Orders share so many products. */
const PRODUCTS = 1_000;
const AGE = `interval '1 hour'`;

/**
 * Statements that fill the tables with `$count` paid orders of one piece, an hour old, as the application would have
 * left them: with lines, timelines, payments, operations, ledger, reservations, journal and events.
 */
const FILLING = [
  `CREATE TEMP TABLE filled AS
   SELECT n, uuidv7(-${AGE}) AS order_id, uuidv7(-${AGE}) AS payment_id, uuidv7(-${AGE}) AS line_id,
          uuidv7(-${AGE}) AS operation_id, uuidv7(-${AGE}) AS entry_id, now() - ${AGE} AS at,
          n % ${PRODUCTS} AS product
     FROM generate_series(1, $count) AS n`,
  `CREATE TEMP TABLE filled_products AS
   SELECT product, uuidv7(-${AGE}) AS product_id, count(*) AS orders FROM filled GROUP BY product`,
  `INSERT INTO catalog.products (id, sku, name, price_amount, currency, created_at, updated_at)
   SELECT product_id, 'FILLED-' || product_id, 'Filled', 1000, 'GBP', now(), now() FROM filled_products`,
  `INSERT INTO catalog.stock_levels (product_id, on_hand, reserved)
   SELECT product_id, orders, orders FROM filled_products`,
  `INSERT INTO catalog.stock_movements (id, product_id, kind, quantity, on_hand_delta, reserved_delta, actor, request_id)
   SELECT uuidv7(-${AGE}), product_id, 'receive', orders, orders, 0, 'test', 'test' FROM filled_products`,
  ...['reserve', 'commit'].map(
    (kind) =>
      `INSERT INTO catalog.stock_movements (id, product_id, kind, quantity, on_hand_delta, reserved_delta, order_id,
         actor, request_id)
       SELECT uuidv7(-${AGE}), product_id, '${kind}', 1, 0, ${kind === 'reserve' ? 1 : 0}, order_id, 'test', 'test'
         FROM filled JOIN filled_products USING (product)`,
  ),
  `INSERT INTO catalog.reservations (order_id, product_id, quantity, status)
   SELECT order_id, product_id, 1, 'committed' FROM filled JOIN filled_products USING (product)`,
  `INSERT INTO payments.payments (id, order_id, status, method, capture_mode, currency, amount, authorized_amount,
     captured_amount, gateway, shipping_amount, tax_amount, version, created_at, updated_at)
   SELECT payment_id, order_id, 'captured', 'pm_card_visa', 'automatic', 'GBP', 1000, 1000, 1000, 'sandbox', 0, 0, 2,
          at, at FROM filled`,
  `INSERT INTO payments.allocations (payment_id, line_id, amount) SELECT payment_id, line_id, 1000 FROM filled`,
  `INSERT INTO payments.operations (id, payment_id, kind, status, amount, method, created_at, updated_at)
   SELECT operation_id, payment_id, 'authorize', 'succeeded', 1000, 'pm_card_visa', at, at FROM filled`,
  `INSERT INTO payments.ledger_transactions (id, kind, payment_id, order_id, operation_id, currency, occurred_at)
   SELECT entry_id, 'capture', payment_id, order_id, operation_id, 'GBP', at FROM filled`,
  `INSERT INTO payments.ledger_postings (transaction_id, account, amount, currency)
   SELECT entry_id, account, amount, 'GBP'
     FROM filled, (VALUES ('gateway_clearing', 1000), ('sales', -1000)) AS side (account, amount)`,
  `INSERT INTO orders.orders (id, number, status, email, currency, subtotal_amount, shipping_amount, tax_amount,
     total_amount, payment_id, payment_status, metadata, version, placed_at, updated_at, expires_at)
   SELECT order_id, 'FILLED-' || order_id, 'confirmed', 'guest@example.com', 'GBP', 1000, 0, 0, 1000, payment_id,
          'captured', '{}', 2, at, at, at FROM filled`,
  `INSERT INTO orders.order_lines (id, order_id, position, product_id, sku, name, quantity, unit_price_amount,
     total_amount, allocated_amount)
   SELECT line_id, order_id, 0, product_id, 'FILLED', 'Filled', 1, 1000, 1000, 1000
     FROM filled JOIN filled_products USING (product)`,
  `INSERT INTO orders.timeline (order_id, version, from_status, to_status, cause, actor, request_id, occurred_at)
   SELECT order_id, version, from_status, to_status, cause, 'test', 'test', at
     FROM filled, (VALUES (1, NULL, 'pending_payment', 'placed'), (2, 'pending_payment', 'confirmed', 'confirmed'))
            AS entry (version, from_status, to_status, cause)`,
  `INSERT INTO platform.outbox (id, type, aggregate, aggregate_id, sequence, occurred_at, data, published_at)
   SELECT uuidv7(-${AGE}), 'steelyard.' || aggregate || '.filled.v1', aggregate,
          CASE aggregate WHEN 'order' THEN order_id ELSE payment_id END, sequence, at, '{}', at
     FROM filled, (VALUES ('order'), ('payment')) AS teller (aggregate), generate_series(1, 2) AS sequence`,
  'DROP TABLE filled, filled_products',
];

const FILLED_TABLES = [
  'catalog.stock_levels',
  'catalog.stock_movements',
  'catalog.reservations',
  'payments.payments',
  'payments.allocations',
  'payments.operations',
  'payments.refunds',
  'payments.ledger_transactions',
  'payments.ledger_postings',
  'orders.orders',
  'orders.order_lines',
  'orders.timeline',
  'platform.outbox',
];

/** Adds so many paid orders by SQL, and has PostgreSQL look at its tables as it would do by itself in time. */
export async function fillOrders(sql: Client, count: number): Promise<void> {
  await sql.query('BEGIN');
  // Nothing of this is in doubt, and a trigger per posting takes its time.
  await sql.query('SET LOCAL session_replication_role = replica');
  for (const statement of FILLING) await sql.query(statement.replace('$count', String(count)));
  await sql.query('COMMIT');
  for (const table of FILLED_TABLES) await sql.query(`VACUUM ANALYZE ${table}`);
}

/** Has `count` orders change now, with their payments, movements and events. */
export async function touchOrders(sql: Client, count: number): Promise<void> {
  await sql.query('BEGIN');
  await sql.query(
    `CREATE TEMP TABLE touched ON COMMIT DROP AS SELECT id, payment_id FROM orders.orders ORDER BY updated_at, id LIMIT ${count}`,
  );
  await sql.query('UPDATE orders.orders SET updated_at = now() WHERE id IN (SELECT id FROM touched)');
  await sql.query(
    'UPDATE payments.payments SET updated_at = now() WHERE id IN (SELECT payment_id FROM touched)',
  );
  await sql.query(
    `INSERT INTO catalog.stock_movements (product_id, kind, quantity, on_hand_delta, reserved_delta, order_id, actor,
       request_id)
     SELECT product_id, 'commit', 1, 0, 0, touched.id, 'test', 'test'
       FROM touched JOIN orders.order_lines l ON l.order_id = touched.id`,
  );
  await sql.query(
    `INSERT INTO platform.outbox (id, type, aggregate, aggregate_id, sequence, occurred_at, data, published_at)
     SELECT uuidv7(), 'steelyard.order.filled.v1', 'order', id,
            (SELECT max(sequence) + 1 FROM platform.outbox WHERE aggregate = 'order' AND aggregate_id = touched.id),
            now(), '{}', now()
       FROM touched`,
  );
  await sql.query('COMMIT');
}
