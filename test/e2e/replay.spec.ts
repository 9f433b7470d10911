import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DemoUsers } from '#users';
import { Client } from 'pg';
import { register } from 'prom-client';
import { replayFile, type ReplaySettings } from '../../apps/cli/src/replay/replay-file.js';
import type { ReconciliationReport } from '../../apps/cli/src/replay/report/reconcile.js';
import type { Progress } from '../../apps/cli/src/replay/run/progress.js';
import { TestApp } from '../support/test-app.js';

const SAMPLE = 'test/fixtures/online-retail-sample.csv';
const DEMO_PASSWORD = 'steelyard-demo';

/** What a run left behind for whoever started it. */
interface Run {
  readonly exitCode: number;
  readonly printed: string;
  readonly complaints: string;
  readonly report: ReconciliationReport | undefined;
}

/** Stops the replay as soon as a phase has come this far. */
interface StopAt {
  readonly phase: string;
  readonly reached: number;
}

interface RunOptions {
  readonly settings?: Partial<ReplaySettings>;
  readonly stopAt?: StopAt;
  readonly file?: string;
}

/** The API with the demo accounts, replays against it, and a look into its database. */
class ReplayFixture {
  private constructor(
    readonly app: TestApp,
    readonly sql: Client,
    private readonly directory: string,
  ) {}

  static async start(): Promise<ReplayFixture> {
    // The registry of metrics is the process's, and takes each name once.
    register.clear();
    const app = await TestApp.start();
    await app.app.get(DemoUsers).ensure();
    const sql = new Client({ connectionString: app.database.url });
    await sql.connect();
    return new ReplayFixture(app, sql, await mkdtemp(join(tmpdir(), 'steelyard-replay-')));
  }

  async stop(): Promise<void> {
    await this.sql.end();
    await this.app.stop();
    await rm(this.directory, { recursive: true });
  }

  async replay({ settings = {}, stopAt, file = SAMPLE }: RunOptions = {}): Promise<Run> {
    const jsonPath = join(this.directory, 'report.json');
    await rm(jsonPath, { force: true });
    const stopper = new AbortController();
    const told = { printed: '', complaints: '' };
    const exitCode = await replayFile(
      file,
      {
        url: this.app.baseUrl,
        concurrency: 4,
        staff: { email: 'staff@example.com', password: DEMO_PASSWORD },
        admin: { email: 'admin@example.com', password: DEMO_PASSWORD },
        jsonPath,
        ...settings,
      },
      {
        progress: watching(stopAt, () => stopper.abort()),
        signal: stopper.signal,
        print: (text) => (told.printed += `${text}\n`),
        complain: (text) => (told.complaints += `${text}\n`),
      },
    );
    const json = await readFile(jsonPath, 'utf8').catch(() => undefined);
    return { exitCode, ...told, report: json === undefined ? undefined : JSON.parse(json) };
  }

  /** How much there is of everything that a replay makes. */
  async stored(): Promise<unknown> {
    const { rows } = await this.sql.query<object>(`
      SELECT (SELECT sum(version)::int FROM catalog.products) AS "productVersions",
             (SELECT count(*)::int FROM catalog.stock_movements) AS movements,
             (SELECT json_agg(s ORDER BY product_id) FROM catalog.stock_levels s) AS stock,
             (SELECT sum(version)::int FROM users.users) AS "userVersions",
             (SELECT sum(version)::int FROM orders.orders) AS "orderVersions",
             (SELECT sum(version)::int FROM payments.payments) AS "paymentVersions",
             (SELECT count(*)::int FROM payments.refunds) AS refunds,
             (SELECT count(*)::int FROM payments.ledger_transactions) AS transactions`);
    return rows[0];
  }

  /** Products of which not everything that was received is sold. */
  async unsold(): Promise<unknown[]> {
    const { rows } = await this.sql.query<object>(
      'SELECT * FROM catalog.stock_levels WHERE on_hand <> reserved',
    );
    return rows;
  }
}

/** A progress that shows nothing and calls `stop` when it is time. */
function watching(stopAt: StopAt | undefined, stop: () => void): Progress {
  let phase = '';
  let reached = 0;
  return {
    start(name) {
      phase = name;
      reached = 0;
    },
    advance(count = 1) {
      reached += count;
      if (phase === stopAt?.phase && reached >= stopAt.reached) stop();
    },
    remark: () => undefined,
    stop: () => undefined,
  };
}

/** The steps as [name, changed, unchanged, failed]. */
function countsOf({ report }: Run): unknown {
  return report?.execution.steps.map(({ name, changed, unchanged, failed }) => [
    name,
    changed,
    unchanged,
    failed,
  ]);
}

const NOTHING_CHANGED = [
  ['products', 0, 23, 0],
  ['stock receipts', 0, 23, 0],
  ['customers', 0, 7, 0],
  ['orders', 0, 15, 0],
  ['refunds', 0, 8, 0],
];

describe('replaying the sample file through the API', () => {
  let fixture: ReplayFixture;
  let first: Run;
  beforeAll(async () => {
    fixture = await ReplayFixture.start();
    first = await fixture.replay();
  });
  afterAll(() => fixture.stop());

  it('makes everything once and reconciles to the penny', () => {
    expect(first).toMatchObject({ exitCode: 0, complaints: '' });
    expect(first.report!.problems).toEqual([]);
    expect(countsOf(first)).toEqual([
      ['products', 23, 0, 0],
      ['stock receipts', 23, 0, 0],
      ['customers', 7, 0, 0],
      ['orders', 15, 0, 0],
      ['refunds', 8, 0, 0],
    ]);
    expect(first.printed).toContain('53 rows make 23 products, 7 customers, 15 orders, 8 refunds.');
    expect(first.printed).toContain('Reconciled: the file and the ledger agree to the penny.');
  });

  it('gives every row its outcome', () => {
    const outcomes = first.report!.outcomes.map(({ outcome, rows, replayedMinor }) => {
      return [outcome, rows, replayedMinor];
    });
    expect(outcomes).toEqual([
      ['sold', 28, 7_782_725],
      ['refunded', 8, -7_730_544],
      ['refund_partially_matched', 1, -14_910],
      ['refund_exceeds_purchases', 2, 0],
      ['refund_before_purchase', 1, 0],
      ['refund_without_purchase', 1, 0],
      ['refund_no_customer', 1, 0],
      ['discount_unmatched', 1, 0],
      ['fee_unmatched', 3, 0],
      ['zero_price', 3, 0],
      ['stock_write_off', 2, 0],
      ['bad_debt_adjustment', 2, 0],
    ]);
  });

  it('finds the revenue of each country and month in the ledger, and the books balanced', () => {
    const revenue = first.report!.revenue.map((cell) => {
      return [cell.country, cell.month, cell.ledgerSoldMinor, cell.ledgerRefundedMinor];
    });
    expect(revenue).toContainEqual(['EIRE', '2011-01', 0, 14_910]);
    expect(revenue).toContainEqual(['United Kingdom', '2011-01', 7_718_360, 7_721_084]);
    expect(first.report!.trialBalance).toEqual([
      { currency: 'GBP', debitMinor: 7_782_725, creditMinor: 7_782_725 },
    ]);
  });

  it('sells exactly what it has received', async () => {
    expect(await fixture.unsold()).toEqual([]);
  });

  it('changes nothing when it runs again, and says so', async () => {
    const before = await fixture.stored();
    const again = await fixture.replay();
    expect(again).toMatchObject({ exitCode: 0, complaints: '' });
    expect(countsOf(again)).toEqual(NOTHING_CHANGED);
    expect(again.printed).toContain('Nothing has changed: this file had been replayed before.');
    expect(await fixture.stored()).toEqual(before);
  });

  it('changes nothing either when the API has forgotten the idempotency keys', async () => {
    const before = await fixture.stored();
    await fixture.sql.query('DELETE FROM platform.idempotency_keys');
    const again = await fixture.replay();
    expect(again).toMatchObject({ exitCode: 0, complaints: '' });
    expect(countsOf(again)).toEqual(NOTHING_CHANGED);
    expect(await fixture.stored()).toEqual(before);
  });

  it('leaves nobody logged in', async () => {
    const { rows } = await fixture.sql.query('SELECT id FROM users.sessions WHERE revoked_at IS NULL');
    expect(rows).toEqual([]);
  });

  it('leaves other trade out of the account, and counts it', async () => {
    const order = {
      email: 'somebody@example.com',
      lines: [{ sku: '60100', quantity: 1 }],
      payment: { method: 'pm_card_visa' },
    };
    const headers = { 'idempotency-key': 'other-trade' };
    await fixture.sql.query('UPDATE catalog.stock_levels SET on_hand = on_hand + 1');
    expect((await fixture.app.post('/api/v1/orders', order, { headers })).status).toBe(201);

    const again = await fixture.replay();
    expect(again.exitCode).toBe(0);
    expect(again.report!.otherTrade).toEqual({ captures: 1, refunds: 0 });
    expect(again.report!.revenue).toEqual(first.report!.revenue);
  });

  const account = (name: string, password = DEMO_PASSWORD) => ({ email: `${name}@example.com`, password });
  it.each<[string, RunOptions, RegExp]>([
    ['no file', { file: 'test/fixtures/nothing.csv' }, /^The trade file cannot be read: .*ENOENT/],
    [
      'no server',
      { settings: { url: 'http://127.0.0.1:1' } },
      /^Nothing answers at http:\/\/127\.0\.0\.1:1 \(/,
    ],
    [
      'no log-in of staff',
      { settings: { staff: account('staff', 'wrong') } },
      /^The staff account cannot log in: invalid_credentials/,
    ],
    [
      'a customer in the place of staff',
      { settings: { staff: account('customer') } },
      /^The API refused the products: forbidden/,
    ],
    [
      'staff in the place of an admin',
      { settings: { admin: account('staff') } },
      /^The API refused to list the ledger transactions: forbidden/,
    ],
  ])('says in a sentence that there is %s', async (_, options, sentence) => {
    const { exitCode, complaints, report } = await fixture.replay(options);
    expect(exitCode).toBe(1);
    expect(complaints).toMatch(sentence);
    expect(report).toBeUndefined();
  });
});

describe('a replay that is interrupted', () => {
  let fixture: ReplayFixture;
  beforeAll(async () => {
    fixture = await ReplayFixture.start();
  });
  afterAll(() => fixture.stop());

  it.each<[StopAt, RegExp]>([
    [{ phase: 'stock', reached: 9 }, /^Interrupted\. The server has 23 products, (9|1\d) stock receipts\./],
    [{ phase: 'customers', reached: 2 }, /, 23 stock receipts, [2-6] customers\./],
    [{ phase: 'orders', reached: 1 }, /, 7 customers, [1-5] orders, \d refunds\. Run the same command again/],
  ])('at %j says how far it came', async (stopAt, sentence) => {
    const { exitCode, complaints, report } = await fixture.replay({ stopAt });
    expect(exitCode).toBe(130);
    expect(complaints).toMatch(sentence);
    expect(report).toBeUndefined();
  });

  it('goes on without an order that the API refuses, and names it', async () => {
    const take = `UPDATE catalog.stock_levels SET on_hand = 0
                   WHERE product_id = (SELECT id FROM catalog.products WHERE sku = '60080')`;
    await fixture.sql.query(take);
    const run = await fixture.replay();
    expect(run.exitCode).toBe(1);
    expect(run.report!.execution.failures).toEqual([
      { subject: 'order', id: expect.any(String), code: 'insufficient_stock' },
      { subject: 'refund', id: expect.any(String), code: 'order_failed' },
    ]);
    expect(run.report!.problems).toContain(
      'Revenue of United Kingdom in 2011-01 differs between the file and the ledger.',
    );
    expect(run.printed).toContain('NOT reconciled');
    expect(run.report!.outcomes).toContainEqual(
      expect.objectContaining({ outcome: 'order_failed', rows: 1, replayedMinor: 0 }),
    );
  });

  it('ends as if nothing had happened when it runs again', async () => {
    await fixture.sql.query('UPDATE catalog.stock_levels SET on_hand = 74215 WHERE on_hand = 0');
    const run = await fixture.replay();
    expect(run).toMatchObject({ exitCode: 0, complaints: '' });
    expect(run.report!.problems).toEqual([]);
    expect(countsOf(run)).toEqual([
      ...NOTHING_CHANGED.slice(0, 3),
      ['orders', 1, 14, 0],
      ['refunds', 1, 7, 0],
    ]);
    expect(await fixture.unsold()).toEqual([]);
  });
});
