import { Database } from '#platform/database';
import { CheckInvariants, Invariants } from '#platform/invariants';
import { Client } from 'pg';
import { fillOrders, touchOrders } from '../support/many-orders.js';
import { TestApp } from '../support/test-app.js';

/** Tables that grow with every order: nothing that runs each minute may read one of them from end to end. */
const GROWING = [
  'outbox',
  'stock_movements',
  'reservations',
  'payments',
  'allocations',
  'operations',
  'ledger_transactions',
  'ledger_postings',
  'orders',
  'order_lines',
  'timeline',
];

/** On a busy machine the filling alone takes its time. */
const FILLING_TIMEOUT_MS = 180_000;

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly Plans?: readonly Plan[];
}

interface Asked {
  readonly name: string;
  readonly text: string;
  readonly values: readonly unknown[];
}

let api: TestApp;
let sql: Client;

beforeAll(async () => {
  api = await TestApp.start();
  sql = new Client({ connectionString: api.database.url });
  await sql.connect();
  await fillOrders(sql, 20_000);
  // The application catches up with what is there before anybody looks at how it goes on.
  while ((await api.app.get(CheckInvariants).execute()) > 0);
  await sql.query('VACUUM ANALYZE catalog.stock_checkpoints');
  await sql.query('VACUUM ANALYZE catalog.stock_levels');
}, FILLING_TIMEOUT_MS);

afterAll(async () => {
  await sql.end();
  await api.stop();
});

/** Every statement of one round, with its parameters. */
async function statementsOfARound(): Promise<Asked[]> {
  const asked: Asked[] = [];
  const database = api.app.get(Database);
  const query = database.query.bind(database);
  database.query = (statement, values) => {
    asked.push({ ...statement, values: values ?? [] });
    return query(statement, values);
  };
  try {
    expect(await api.app.get(CheckInvariants).execute()).toBe(0);
  } finally {
    database.query = query;
  }
  return asked;
}

const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];

describe('the checks of 20,000 orders', () => {
  it('found that all of them are as they should be', async () => {
    const { rows } = await sql.query(
      `SELECT id, checked_count::int AS checked FROM platform.invariant_checks WHERE id = 'orders_covered'
       UNION ALL SELECT check_id, count(*)::int FROM platform.invariant_breaches GROUP BY check_id`,
    );
    expect(rows).toEqual([{ id: 'orders_covered', checked: expect.any(Number) }]);
    expect(rows[0].checked).toBeGreaterThanOrEqual(20_000);
    const { rows: totals } = await sql.query(
      'SELECT account, currency, amount FROM payments.ledger_totals ORDER BY account',
    );
    expect(totals).toEqual([
      { account: 'gateway_clearing', currency: 'GBP', amount: 20_000_000 },
      { account: 'sales', currency: 'GBP', amount: -20_000_000 },
    ]);
  });

  it('read no table that grows from end to end', async () => {
    await touchOrders(sql, 50);
    const asked = await statementsOfARound();
    const examined = asked.filter(({ values }) => Array.isArray(values[0]) && values[0].length >= 50);
    expect(examined.length).toBeGreaterThan(10);

    const scans: { statement: string; table: string | undefined }[] = [];
    for (const { name, text, values } of asked) {
      const { rows } = await sql.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(`EXPLAIN (FORMAT JSON) ${text}`, [
        ...values,
      ]);
      for (const node of nodesOf(rows[0]!['QUERY PLAN'][0].Plan)) {
        const table = node['Relation Name'];
        if (node['Node Type'] === 'Seq Scan' && GROWING.includes(table ?? ''))
          scans.push({ statement: name, table });
      }
    }
    expect(scans).toEqual([]);
  });

  it('look at what changed, and not at what did not', async () => {
    // As if everything above had happened long ago.
    await sql.query(`UPDATE platform.invariant_checks SET watermark_at = clock_timestamp()`);
    const counts = async () => {
      const { rows } = await sql.query<{ id: string; checked: number }>(
        'SELECT id, checked_count::int AS checked FROM platform.invariant_checks',
      );
      return new Map(rows.map(({ id, checked }) => [id, checked]));
    };
    const looksOfARound = async () => {
      const before = await counts();
      await api.app.get(CheckInvariants).execute();
      const after = await counts();
      const following = api.app.get(Invariants).checks.filter((check) => 'changed' in check);
      return following.map(({ id }) => (after.get(id) ?? 0) - (before.get(id) ?? 0));
    };
    expect(Math.max(...(await looksOfARound()))).toBe(0);
    await touchOrders(sql, 50);
    expect(Math.max(...(await looksOfARound()))).toBe(50);
  });
});
