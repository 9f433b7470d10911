import { findBreaches, INVARIANTS } from '../support/invariants.js';
import { placeOneOfEach } from '../support/one-of-each.js';
import { Shop } from '../support/shop.js';

let shop: Shop;

beforeAll(async () => {
  shop = await Shop.open({ ORDER_SHIPPING_FLAT_MINOR: '499', ORDER_TAX_BASIS_POINTS: '2000' });
  await placeOneOfEach(shop);
});

afterAll(() => shop.close());

/** What breaks each invariant; triggers and foreign keys are off, and what else is in the way goes first. */
const CORRUPTIONS: readonly (readonly [invariant: string, ...statements: readonly string[]])[] = [
  [
    'each ledger transaction has two sides that sum to zero, in its one currency',
    `UPDATE payments.ledger_postings SET amount = amount + 1 WHERE account = 'tax_payable'`,
  ],
  [
    'each ledger transaction has two sides that sum to zero, in its one currency',
    `UPDATE payments.ledger_postings SET currency = 'EUR'`,
  ],
  [
    'each ledger transaction has two sides that sum to zero, in its one currency',
    `DELETE FROM payments.ledger_postings`,
  ],
  [
    'the whole ledger sums to zero per currency',
    `DELETE FROM payments.ledger_postings WHERE account = 'shipping'`,
  ],
  [
    'the ledger holds of each payment what was captured and not refunded',
    `DELETE FROM payments.ledger_transactions WHERE kind = 'refund'`,
  ],
  [
    'the ledger holds of each payment what was captured and not refunded',
    `UPDATE payments.payments SET captured_tax_amount = captured_tax_amount - 1 WHERE captured_amount > 0`,
  ],
  [
    'what is disputed of a payment is what banks hold, and the ledger says so',
    `UPDATE payments.payments SET disputed_amount = 1 WHERE captured_amount > 0`,
  ],
  [
    'what is disputed of a payment is what banks hold, and the ledger says so',
    `INSERT INTO payments.disputes (id, payment_id, gateway_id, amount, reason, status)
       SELECT uuidv7(), id, 'dp_1', 1, 'fraudulent', 'lost' FROM payments.payments`,
  ],
  [
    'every report of the gateway was applied, and none contradicts the books',
    `UPDATE payments.gateway_reports SET status = 'contradiction'`,
  ],
  [
    '0 <= refunded + pending refund <= captured <= authorized <= amount',
    `ALTER TABLE payments.payments DROP CONSTRAINT payments_amounts`,
    `UPDATE payments.payments SET refunded_amount = captured_amount + 1`,
  ],
  [
    'the amounts of a payment are those of the operations that succeeded',
    `UPDATE payments.operations SET status = 'failed' WHERE kind = 'refund'`,
  ],
  [
    'the amounts of a payment are those of the operations that succeeded',
    `UPDATE payments.operations SET amount = amount + 1 WHERE kind = 'capture'`,
  ],
  [
    'each refund has one operation, with its amount and its fate',
    `UPDATE payments.refunds SET status = 'succeeded' WHERE status = 'failed'`,
  ],
  [
    'each refund has one operation, with its amount and its fate',
    `DELETE FROM payments.operations WHERE kind = 'refund'`,
  ],
  [
    'what is refunded of the lines is what their refunds say, and the lines make up the payment',
    `UPDATE payments.allocations SET refunded_amount = 0`,
  ],
  [
    'what is refunded of the lines is what their refunds say, and the lines make up the payment',
    `UPDATE payments.allocations SET amount = amount + 1`,
  ],
  [
    'captured money belongs to a confirmed-or-later order or is fully refunded',
    `UPDATE orders.orders SET status = 'expired' WHERE status = 'confirmed'`,
  ],
  [
    'the money of a confirmed order covers its total',
    `UPDATE orders.orders SET status = 'confirmed' WHERE status = 'pending_payment'`,
  ],
  ['an order knows its payment as it is', `UPDATE orders.orders SET payment_outcome = 'unknown'`],
  ['an order knows what was refunded of its lines', `UPDATE orders.order_lines SET refunded_amount = 0`],
  [
    'received + returned - shipped + adjusted = on hand, and the journal adds up to the level',
    `DELETE FROM catalog.stock_movements WHERE kind = 'ship'`,
  ],
  [
    'received + returned - shipped + adjusted = on hand, and the journal adds up to the level',
    `UPDATE catalog.stock_movements SET reserved_delta = 0 WHERE kind = 'release'`,
  ],
  [
    'active and committed reservations = reserved <= on hand',
    `UPDATE catalog.stock_levels SET reserved = reserved - 1`,
  ],
  [
    'an order reserves what its lines ask for, and ships what was fulfilled',
    `UPDATE orders.order_lines SET fulfilled_quantity = quantity WHERE fulfilled_quantity > 0 AND canceled_quantity = 0`,
  ],
  [
    'an order reserves what its lines ask for, and ships what was fulfilled',
    `DELETE FROM catalog.reservations WHERE status = 'active'`,
  ],
  [
    'what was returned of a line is what the returns of its order say',
    `UPDATE orders.order_lines SET returned_quantity = 1 WHERE returned_quantity = 2`,
  ],
  [
    'what was returned of a line is what the returns of its order say',
    `UPDATE orders.returns SET order_id = (SELECT id FROM orders.orders WHERE status = 'canceled')`,
  ],
  ['what was returned of a line is what the returns of its order say', `DELETE FROM orders.returns`],
  [
    'what came back on hand of an order is what its returns restocked',
    `UPDATE catalog.stock_movements SET order_id = NULL WHERE kind = 'return'`,
  ],
  [
    'what came back on hand of an order is what its returns restocked',
    `UPDATE orders.returns SET lines = jsonb_set(lines, '{1,restock}', 'true')`,
  ],
  [
    'what came back on hand of an order is what its returns restocked',
    `DELETE FROM catalog.stock_movements WHERE kind = 'return'`,
  ],
  [
    'what was given up of an order is what it gave back to stock',
    `UPDATE orders.order_lines SET canceled_quantity = 0 WHERE canceled_quantity > 0`,
  ],
  [
    'of a closed order every piece has left or was given up',
    `UPDATE orders.orders SET closed_at = now(), closed_returned_amount = 0 WHERE status = 'partially_fulfilled'`,
  ],
  [
    'of a closed order every piece has left or was given up',
    `UPDATE orders.orders SET closed_at = NULL, closed_returned_amount = NULL`,
  ],
  [
    'each return is a row of the timeline',
    `UPDATE orders.timeline SET cause = 'fulfilled' WHERE cause = 'returned'`,
  ],
  [
    'a reservation is held for as long as its order lives',
    `UPDATE catalog.reservations SET status = 'committed' WHERE status = 'active'`,
  ],
  [
    'a reservation is held for as long as its order lives',
    `UPDATE catalog.reservations SET released = 0 WHERE status = 'released'`,
  ],
  [
    'the timeline of an order has a row for each version, each a legal transition from the row before',
    `DELETE FROM orders.timeline WHERE version = 1`,
  ],
  [
    'the timeline of an order has a row for each version, each a legal transition from the row before',
    `UPDATE orders.orders SET version = version + 1`,
  ],
  [
    'the timeline of an order has a row for each version, each a legal transition from the row before',
    `UPDATE orders.timeline SET to_status = 'fulfilled' WHERE cause = 'canceled'`,
    `UPDATE orders.orders SET status = 'fulfilled' WHERE status = 'canceled'`,
  ],
  [
    'the events of an aggregate are numbered without a gap up to its version',
    `DELETE FROM platform.outbox WHERE sequence = 2`,
  ],
  [
    'the events of an aggregate are numbered without a gap up to its version',
    `UPDATE payments.payments SET version = version + 1`,
  ],
  ['every order and payment has told of itself', `DELETE FROM platform.outbox WHERE aggregate = 'payment'`],
  ['every event was delivered', `UPDATE platform.outbox SET published_at = NULL WHERE sequence = 1`],
  [
    'no operation, payment or cancellation stays open',
    `UPDATE payments.operations SET status = 'unknown' WHERE kind = 'void'`,
  ],
  [
    'no operation, payment or cancellation stays open',
    `UPDATE payments.payments SET status = 'processing' WHERE status = 'canceled'`,
  ],
  [
    'no operation, payment or cancellation stays open',
    `UPDATE orders.orders SET status = 'cancel_pending' WHERE status = 'canceled'`,
  ],
];

describe('the check of the invariants', () => {
  it('finds nothing where nothing is wrong', async () => {
    expect(await findBreaches(shop.sql)).toEqual({});
  });

  it.each(CORRUPTIONS)('finds what breaks: %s (%s)', async (invariant, ...statements) => {
    await shop.sql.query('BEGIN');
    try {
      await shop.sql.query('SET LOCAL session_replication_role = replica');
      for (const statement of statements) await shop.sql.query(statement);
      expect(Object.keys(await findBreaches(shop.sql))).toContain(invariant);
    } finally {
      await shop.sql.query('ROLLBACK');
    }
  });

  it('is tried for every invariant', () => {
    expect([...new Set(CORRUPTIONS.map(([invariant]) => invariant))].sort()).toEqual([...INVARIANTS].sort());
  });
});
