import { CheckInvariants, Invariants } from '#platform/invariants';
import { ManagementServer } from '#platform/management';
import { Client } from 'pg';
import { brokenChecks, checkOf, INVARIANTS_PATH, readInvariants } from '../support/live-invariants.js';
import { eventually } from '../support/eventually.js';
import { placeOneOfEach } from '../support/one-of-each.js';
import { Shop } from '../support/shop.js';

let shop: Shop;

/** What the corruptions change, and what is put back after each. */
const TABLES = [
  'platform.outbox',
  'catalog.stock_levels',
  'catalog.stock_movements',
  'catalog.reservations',
  'payments.payments',
  'payments.allocations',
  'payments.refunds',
  'payments.operations',
  'payments.disputes',
  'payments.ledger_transactions',
  'payments.ledger_postings',
  'orders.orders',
  'orders.order_lines',
  'orders.timeline',
];
const copyOf = (table: string) => `backup.${table.replace('.', '_')}`;

beforeAll(async () => {
  shop = await Shop.open({ ORDER_SHIPPING_FLAT_MINOR: '499', ORDER_TAX_BASIS_POINTS: '2000' });
  await placeOneOfEach(shop);
  // What these keep out is what is put in.
  await shop.sql.query(`ALTER TABLE payments.payments DROP CONSTRAINT payments_amounts;
    ALTER TABLE catalog.stock_levels DROP CONSTRAINT stock_levels_never_oversold; CREATE SCHEMA backup;`);
});

afterAll(() => shop.close());

/** Runs statements in one transaction in which triggers and foreign keys are off. */
async function corrupt(...statements: readonly string[]): Promise<void> {
  await shop.sql.query(
    ['BEGIN', 'SET LOCAL session_replication_role = replica', ...statements, 'COMMIT'].join(';\n'),
  );
}

/** Breaks things for as long as `fn` runs. */
async function whileCorrupted(statements: readonly string[], fn: () => Promise<void>): Promise<void> {
  for (const table of TABLES) await shop.sql.query(`CREATE TABLE ${copyOf(table)} AS TABLE ${table}`);
  try {
    await corrupt(...statements);
    await fn();
  } finally {
    await shop.sql.query('ROLLBACK');
    await corrupt(
      ...TABLES.flatMap((table) => [
        `DELETE FROM ${table}`,
        `INSERT INTO ${table} OVERRIDING SYSTEM VALUE SELECT * FROM ${copyOf(table)}`,
        `DROP TABLE ${copyOf(table)}`,
      ]),
    );
  }
}

/** An entry with one side only, as it may have been written `before` now. */
const oneSidedEntry = (before: string) => [
  `INSERT INTO payments.ledger_transactions (id, kind, payment_id, order_id, operation_id, currency, occurred_at)
   SELECT uuidv7(), 'capture', uuidv7(), uuidv7(), uuidv7(), 'GBP', now() - interval '${before}'`,
  `INSERT INTO payments.ledger_postings (transaction_id, account, amount, currency)
   SELECT t.id, 'sales', -100, 'GBP' FROM payments.ledger_transactions t
    WHERE NOT EXISTS (SELECT FROM payments.ledger_postings WHERE transaction_id = t.id)`,
];
const changePayments = (change: string, where: string) =>
  `UPDATE payments.payments SET ${change}, updated_at = now() WHERE ${where}`;
const changeOrders = (change: string, where: string) =>
  `UPDATE orders.orders SET ${change}, updated_at = now() WHERE ${where}`;
/** Every payment is looked at again, with what belongs to it. */
const PAYMENTS_CHANGED = changePayments('version = version', 'true');
const ORDERS_CHANGED = changeOrders('version = version', 'true');
const MUG_MOVED = `INSERT INTO catalog.stock_movements (product_id, kind, quantity, on_hand_delta, reserved_delta, actor,
  request_id) SELECT product_id, 'commit', 1, 0, 0, 'test', 'test' FROM catalog.reservations`;

/** What breaks each check. */
const CORRUPTIONS: readonly (readonly [check: string, ...statements: readonly string[]])[] = [
  ['ledger_transactions_balanced', ...oneSidedEntry('0 seconds')],
  [
    'ledger_transactions_balanced',
    `INSERT INTO payments.ledger_transactions (id, kind, payment_id, order_id, operation_id, currency)
     VALUES (uuidv7(), 'capture', uuidv7(), uuidv7(), uuidv7(), 'GBP')`,
  ],
  ['ledger_balanced', ...oneSidedEntry('1 hour')],
  ['payment_amounts_ordered', changePayments('refunded_amount = captured_amount + 1', 'captured_amount > 0')],
  ['payment_amounts_ordered', changePayments('authorized_amount = amount + 1', 'captured_amount > 0')],
  [
    'ledger_matches_payment',
    `DELETE FROM payments.ledger_transactions WHERE kind = 'refund'`,
    PAYMENTS_CHANGED,
  ],
  [
    'ledger_matches_payment',
    changePayments('captured_tax_amount = captured_tax_amount - 1', 'captured_amount > 0'),
  ],
  [
    'payment_matches_operations',
    `UPDATE payments.operations SET status = 'failed' WHERE kind = 'refund'`,
    PAYMENTS_CHANGED,
  ],
  ['payment_matches_operations', changePayments('pending_refund_amount = 1', 'captured_amount > 0')],
  [
    'payment_matches_operations',
    changePayments('authorized_amount = authorized_amount - 1', 'captured_amount = 0'),
  ],
  ['disputes_match_ledger', changePayments('disputed_amount = 1', 'captured_amount > 0')],
  [
    'disputes_match_ledger',
    `INSERT INTO payments.disputes (id, payment_id, gateway_id, amount, reason, status)
     SELECT uuidv7(), id, 'dp_1', 1, 'fraudulent', 'lost' FROM payments.payments`,
    PAYMENTS_CHANGED,
  ],
  [
    'refunds_match_operations',
    `UPDATE payments.refunds SET status = 'succeeded' WHERE status = 'failed'`,
    PAYMENTS_CHANGED,
  ],
  ['refunds_match_operations', `DELETE FROM payments.operations WHERE kind = 'refund'`, PAYMENTS_CHANGED],
  ['allocations_match_refunds', `UPDATE payments.allocations SET refunded_amount = 0`, PAYMENTS_CHANGED],
  ['allocations_match_refunds', `UPDATE payments.allocations SET amount = amount + 1`, PAYMENTS_CHANGED],
  [
    'operations_resolved',
    `UPDATE payments.operations SET status = 'unknown', created_at = now() - interval '2 hours' WHERE kind = 'void'`,
  ],

  ['captured_money_belongs', changeOrders(`status = 'expired'`, `status = 'confirmed'`)],
  [
    'captured_money_belongs',
    // The order does not change, its payment does: what was given back comes back.
    `UPDATE orders.orders SET status = 'canceled' WHERE payment_status = 'captured'`,
    PAYMENTS_CHANGED,
  ],
  ['orders_covered', changeOrders(`status = 'confirmed'`, `status = 'pending_payment'`)],
  ['orders_know_payments', changeOrders(`payment_outcome = 'unknown'`, 'true')],
  ['orders_know_payments', changePayments(`decline_code = 'expired_card'`, 'true')],
  ['orders_know_payments', `DELETE FROM payments.payments`, ORDERS_CHANGED],
  ['orders_know_payments', 'UPDATE orders.order_lines SET refunded_amount = 0', ORDERS_CHANGED],

  [
    'stock_matches_journal',
    // The journal knows of a parcel, and the level does not.
    `INSERT INTO catalog.stock_movements (product_id, kind, quantity, on_hand_delta, reserved_delta, actor, request_id)
     SELECT product_id, 'ship', 1, -1, -1, 'test', 'test' FROM catalog.reservations LIMIT 1`,
  ],
  ['stock_matches_journal', 'UPDATE catalog.stock_levels SET on_hand = on_hand + 1', MUG_MOVED],
  [
    'stock_matches_journal',
    // The deltas say one thing, and the kinds another.
    `UPDATE catalog.stock_movements SET quantity = quantity + 1 WHERE kind = 'receive'`,
    MUG_MOVED,
    'TRUNCATE catalog.stock_checkpoints',
  ],
  ['stock_matches_reservations', 'UPDATE catalog.stock_levels SET reserved = reserved - 1', MUG_MOVED],
  [
    'stock_matches_reservations',
    'UPDATE catalog.stock_levels SET on_hand = reserved - 1 WHERE reserved > 0',
    MUG_MOVED,
  ],
  [
    'orders_match_reservations',
    'UPDATE orders.order_lines SET fulfilled_quantity = 0, returned_quantity = 0',
    ORDERS_CHANGED,
  ],
  ['orders_match_reservations', `DELETE FROM catalog.reservations WHERE status = 'active'`, ORDERS_CHANGED],
  [
    'orders_match_reservations',
    `UPDATE catalog.reservations SET status = 'committed' WHERE status = 'active'`,
    ORDERS_CHANGED,
  ],
  [
    'orders_match_reservations',
    `UPDATE catalog.reservations SET released = 0 WHERE status = 'released'`,
    ORDERS_CHANGED,
  ],
  ['orders_match_reservations', 'UPDATE orders.order_lines SET canceled_quantity = 0', ORDERS_CHANGED],
  [
    'orders_match_reservations',
    `UPDATE catalog.reservations SET status = 'committed' WHERE released > 0 AND shipped > 0`,
    ORDERS_CHANGED,
  ],

  ['timelines_contiguous', 'DELETE FROM orders.timeline WHERE version = 1', ORDERS_CHANGED],
  ['timelines_contiguous', 'DELETE FROM orders.timeline', ORDERS_CHANGED],
  ['timelines_contiguous', changeOrders('version = version + 1', 'true')],
  [
    'timelines_contiguous',
    `UPDATE orders.timeline SET to_status = 'fulfilled' WHERE cause = 'canceled'`,
    changeOrders(`status = 'fulfilled'`, `status = 'canceled'`),
  ],
  [
    'orders_settled',
    `UPDATE orders.orders SET expires_at = now() - interval '1 hour' WHERE status = 'pending_payment'`,
  ],
  [
    'orders_settled',
    `UPDATE orders.orders SET status = 'cancel_pending', updated_at = now() - interval '1 hour'
      WHERE status = 'canceled'`,
  ],

  [
    'events_without_gap',
    'DELETE FROM platform.outbox WHERE sequence = 2',
    `INSERT INTO platform.outbox (id, type, aggregate, aggregate_id, sequence, occurred_at, data, published_at)
     SELECT uuidv7(), type, aggregate, aggregate_id, 100, now(), data, now() FROM platform.outbox WHERE sequence = 1`,
  ],
  [
    'events_published',
    `UPDATE platform.outbox SET published_at = NULL, occurred_at = now() - interval '1 hour' WHERE sequence = 1`,
  ],
];

describe('the live check of the invariants', () => {
  it('finds nothing where nothing is wrong, and says what only tests can prove', async () => {
    const report = await readInvariants(shop);
    expect(report).toMatchObject({ holds: true, captures: { frozen: false, since: null, reason: null } });
    expect(report.invariants.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    for (const { how, checks, provenBy } of report.invariants) {
      expect({ how, isChecked: checks.length > 0 }).toEqual({ how, isChecked: how === 'live' });
      if (how === 'tests') expect(provenBy).not.toEqual([]);
      for (const check of checks) expect(check).toMatchObject({ upToDate: true, breachCount: 0 });
    }
    expect(report.invariants.filter(({ how }) => how === 'tests').map(({ number }) => number)).toEqual([
      6, 7, 8,
    ]);
    const { checked } = checkOf(report, 'ledger_matches_payment');
    expect(checked).toBeGreaterThanOrEqual(5);
  });

  it.each(CORRUPTIONS)('%s finds what breaks it, until it is mended (%s)', async (id, ...statements) => {
    await whileCorrupted(statements, async () => {
      const report = await readInvariants(shop);
      expect(report.holds).toBe(false);
      const { breachCount, breaches } = checkOf(report, id);
      expect(breachCount).toBeGreaterThan(0);
      expect(breaches[0]).toMatchObject({
        subject: expect.stringMatching(/\S/),
        details: expect.any(Object),
      });
    });
    const report = await readInvariants(shop);
    expect({ holds: report.holds, broken: brokenChecks(report) }).toEqual({ holds: true, broken: [] });
  });

  it('is tried for every check', () => {
    const { checks } = shop.api.app.get(Invariants);
    expect([...new Set(CORRUPTIONS.map(([check]) => check))].sort()).toEqual(
      checks.map(({ id }) => id).sort(),
    );
  });

  it('keeps what it found after it was mended', async () => {
    const { rows } = await shop.sql.query(
      'SELECT count(*)::int AS all, count(resolved_at)::int AS resolved FROM platform.invariant_breaches',
    );
    expect(rows[0].all).toBeGreaterThan(CORRUPTIONS.length);
    expect(rows[0].resolved).toBe(rows[0].all);
  });
});

describe('a checkpoint', () => {
  const WATERMARK_TO = (time: string) => `UPDATE platform.invariant_checks SET watermark_at = ${time}`;
  const OVERDRAWN = changePayments('refunded_amount = captured_amount + 1', 'captured_amount > 0');

  it('keeps behind what may still be on its way, and never goes back', async () => {
    await readInvariants(shop);
    const watermark = async () => {
      const { rows } = await shop.sql.query<{ at: Date; age: number }>(
        `SELECT watermark_at AS at, extract(epoch FROM now() - watermark_at)::int AS age
           FROM platform.invariant_checks WHERE id = 'payment_amounts_ordered'`,
      );
      return rows[0]!;
    };
    // Ten times the time limit of a statement.
    expect((await watermark()).age).toBeGreaterThanOrEqual(100);
    expect((await watermark()).age).toBeLessThan(110);
    await shop.sql.query(WATERMARK_TO(`now() + interval '1 hour'`));
    const { at } = await watermark();
    await readInvariants(shop);
    expect((await watermark()).at).toEqual(at);
    await shop.sql.query(WATERMARK_TO(`now() - interval '1 day'`));
  });

  it('saves looking again at what was looked at, and shows what changed after it', async () => {
    await shop.sql.query(WATERMARK_TO('clock_timestamp()'));
    await whileCorrupted([OVERDRAWN.replace(', updated_at = now()', '')], async () => {
      expect(brokenChecks(await readInvariants(shop))).toEqual([]);
      await corrupt(PAYMENTS_CHANGED);
      expect(brokenChecks(await readInvariants(shop))).toContain('payment_amounts_ordered');
    });
    await shop.sql.query(WATERMARK_TO(`now() - interval '1 day'`));
    expect(brokenChecks(await readInvariants(shop))).toEqual([]);
  });

  it('does not pass over what commits late', async () => {
    const late = new Client({ connectionString: shop.api.database.url });
    await late.connect();
    try {
      await whileCorrupted([], async () => {
        await late.query('BEGIN');
        await late.query('SELECT now()');
        // Others begin later and are done sooner.
        await shop.placed();
        expect(brokenChecks(await readInvariants(shop))).toEqual([]);
        await late.query(OVERDRAWN);
        expect(brokenChecks(await readInvariants(shop))).toEqual([]);
        await late.query('COMMIT');
        expect(brokenChecks(await readInvariants(shop))).toContain('payment_amounts_ordered');
      });
    } finally {
      await late.end();
    }
    expect(brokenChecks(await readInvariants(shop))).toEqual([]);
  });

  it('comes to the end of more changes than fit into a batch, those of one moment among them', async () => {
    await whileCorrupted(
      [
        `INSERT INTO platform.outbox (id, type, aggregate, aggregate_id, sequence, occurred_at, data, published_at)
         SELECT uuidv7(), 'steelyard.order.placed.v1', 'test', uuidv7(), 1, now(), '{}', now()
           FROM generate_series(1, 2500)`,
        `INSERT INTO payments.ledger_transactions (id, kind, payment_id, order_id, operation_id, currency)
         SELECT uuidv7(), 'capture', uuidv7(), uuidv7(), uuidv7(), 'GBP' FROM generate_series(1, 2500)`,
      ],
      async () => {
        // A round ends when its time is over: on a busy machine the next one comes to the end.
        await eventually(async () => {
          const report = await readInvariants(shop);
          expect(checkOf(report, 'events_without_gap')).toMatchObject({ upToDate: true, breachCount: 0 });
          const { upToDate, breachCount, breaches } = checkOf(report, 'ledger_transactions_balanced');
          expect({ upToDate, breachCount, shown: breaches.length }).toEqual({
            upToDate: true,
            breachCount: 2_500,
            shown: 20,
          });
        }, 60_000);
      },
    );
    // Of very many breaches each round looks at a part again.
    await eventually(async () => expect((await readInvariants(shop)).holds).toBe(true), 60_000);
  }, 150_000);
});

describe('rounds', () => {
  it('do not wait for each other: a check is run by one, and the others answer what is known', async () => {
    const { rows: before } = await shop.sql.query<{ checked_at: Date }>(
      `SELECT checked_at FROM platform.invariant_checks WHERE id = 'ledger_balanced'`,
    );
    await shop.sql.query('BEGIN');
    await shop.sql.query(`SELECT FROM platform.invariant_checks WHERE id = 'ledger_balanced' FOR UPDATE`);
    const report = await readInvariants(shop);
    await shop.sql.query('ROLLBACK');
    expect(checkOf(report, 'ledger_balanced').checkedAt).toBe(before[0]!.checked_at.toISOString());
    expect(checkOf(report, 'orders_covered').checkedAt! > report.checkedAt!).toBe(true);
  });

  it('that run at once find a breach once', async () => {
    const job = shop.api.app.get(CheckInvariants);
    await whileCorrupted([...oneSidedEntry('0 seconds'), ORDERS_CHANGED, PAYMENTS_CHANGED], async () => {
      await Promise.all(Array.from({ length: 6 }, () => job.execute()));
      const { rows } = await shop.sql.query(
        `SELECT count(*)::int AS count FROM platform.invariant_breaches WHERE resolved_at IS NULL`,
      );
      expect(rows).toEqual([{ count: 1 }]);
    });
    expect(await job.execute()).toBe(0);
  });

  it('leave alone what was checked lately', async () => {
    const job = shop.api.app.get(CheckInvariants);
    const times = async () => {
      const { rows } = await shop.sql.query<{ id: string; checked_at: Date }>(
        'SELECT id, checked_at FROM platform.invariant_checks ORDER BY id',
      );
      return rows;
    };
    await job.execute();
    const before = await times();
    await job.execute(60_000);
    expect(await times()).toEqual(before);
    await shop.sql.query(
      `UPDATE platform.invariant_checks SET checked_at = now() - interval '2 minutes' WHERE id = 'ledger_balanced'`,
    );
    await job.execute(60_000);
    const changed = (await times()).filter(({ checked_at }, index) => checked_at > before[index]!.checked_at);
    expect(changed.map(({ id }) => id)).toEqual(['ledger_balanced']);
  });

  it('go on with the other checks when one cannot be run, and say which', async () => {
    await shop.sql.query('ALTER TABLE payments.ledger_totals RENAME TO ledger_totals_gone');
    try {
      await expect(shop.api.app.get(CheckInvariants).execute()).rejects.toThrow(AggregateError);
      const report = await readInvariants(shop);
      expect(checkOf(report, 'ledger_balanced').upToDate).toBe(false);
      expect(checkOf(report, 'ledger_transactions_balanced').upToDate).toBe(true);
    } finally {
      await shop.sql.query('ALTER TABLE payments.ledger_totals_gone RENAME TO ledger_totals');
    }
    expect(checkOf(await readInvariants(shop), 'ledger_balanced').upToDate).toBe(true);
  });

  it('show in the metrics, by invariant and by check', async () => {
    const management = shop.api.app.get(ManagementServer, { strict: false });
    const port = await management.listen();
    const metrics = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    try {
      await whileCorrupted(oneSidedEntry('0 seconds'), async () => {
        await readInvariants(shop);
        expect(await metrics()).toMatch(/^invariant_breaches\{invariant="1"\} 1$/m);
      });
      await readInvariants(shop);
      const text = await metrics();
      for (let number = 1; number <= 12; number += 1) {
        expect(text).toMatch(new RegExp(`^invariant_breaches\\{invariant="${number}"\\} 0$`, 'm'));
      }
      for (const { id } of shop.api.app.get(Invariants).checks) {
        expect(text).toMatch(new RegExp(`^invariant_checked_total\\{check="${id}"\\} [1-9]\\d*$`, 'm'));
      }
    } finally {
      await management.close();
    }
  });
});

describe('who may ask', () => {
  it.each([
    ['nobody', null, 401, 'authentication_required'],
    ['a customer', 'customer', 403, 'forbidden'],
    ['staff', 'staff', 403, 'forbidden'],
  ] as const)('not %s', async (_, who, status, code) => {
    const as = who === null ? null : shop[who];
    const reason = { reason: 'curious' };
    const options = { token: as?.token, body: reason };
    await shop.expectRefusal(() => shop.get(INVARIANTS_PATH, { as }), status, code);
    await shop.expectRefusal(() => shop.post(`${INVARIANTS_PATH}/freeze`, reason, { as }), status, code);
    await shop.expectRefusal(
      () => shop.api.call('DELETE', `${INVARIANTS_PATH}/freeze`, options),
      status,
      code,
    );
  });
});
