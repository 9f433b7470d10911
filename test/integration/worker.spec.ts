import { newId } from '#kernel';
import { generateAppSecret, generateSigningKeys } from '#platform/security';
import { Client } from 'pg';
import { ensureDemoData } from '../../apps/api/src/index.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { spawnApp, type SpawnedApp } from '../support/spawn-app.js';
import { TestApp } from '../support/test-app.js';

const ORDERS = '/api/v1/orders';
const GATEWAY_TIMEOUT_MS = '200';
const RETENTION_DAYS = 3;
/** Of inbox entries: a little within, and a little over, twice as long as events are kept. */
const [REMEMBERED, FORGOTTEN] = [newId(), newId()];

let api: TestApp;
let sql: Client;
let worker: SpawnedApp;
let managementPort: number;

beforeAll(async () => {
  api = await TestApp.start({ GATEWAY_TIMEOUT_MS });
  await ensureDemoData(api.app);
  sql = new Client({ connectionString: api.database.url });
  await sql.connect();
  await sql.query(
    `INSERT INTO platform.idempotency_keys (principal, operation, key, fingerprint, leased_until, expires_at)
     VALUES ('test', 'test', 'old', '', now(), now() - interval '1 minute'),
            ('test', 'test', 'new', '', now(), now() + interval '1 minute')`,
  );
  await sql.query(
    `INSERT INTO platform.inbox (consumer, event_id, applied_at)
     VALUES ('test', $1, now() - 2 * $3 * interval '1 day' + interval '1 minute'),
            ('test', $2, now() - 2 * $3 * interval '1 day' - interval '1 minute')`,
    [REMEMBERED, FORGOTTEN, RETENTION_DAYS],
  );
  managementPort = await freePort();
  worker = await startWorker({
    MANAGEMENT_PORT: String(managementPort),
    EVENTS_RETENTION_DAYS: String(RETENTION_DAYS),
  });
  await worker.wrote(/The worker works/);
});

afterAll(async () => {
  await worker.end('SIGKILL');
  await sql.end();
  await api.stop();
});

async function startWorker(env: Record<string, string> = {}): Promise<SpawnedApp> {
  return spawnApp('apps/worker/src/main.ts', {
    env: {
      DATABASE_URL: api.database.url,
      APP_SECRET: generateAppSecret(),
      SIGNING_KEYS: await generateSigningKeys(),
      WORKER_POLL_MS: '50',
      GATEWAY_TIMEOUT_MS,
      ...env,
    },
  });
}

/** Places an order as a guest; what the answer is depends on the payment method. */
async function placeOrder(method: string): Promise<{ status: number; id: string; token: string }> {
  const body = {
    email: 'guest@example.com',
    lines: [{ sku: 'DEMO-MUG', quantity: 1 }],
    payment: { method },
  };
  const { status, body: order } = await api.post(ORDERS, body, { headers: { 'idempotency-key': newId() } });
  return { status, id: order.id ?? order.orderId, token: order.orderToken };
}

async function statusOf(orderId: string): Promise<string> {
  const { rows } = await sql.query<{ status: string }>('SELECT status FROM orders.orders WHERE id = $1', [
    orderId,
  ]);
  return rows[0]!.status;
}

describe('the worker', () => {
  it('listens on the management port only: health and metrics', async () => {
    const ask = (path: string) => fetch(`http://127.0.0.1:${managementPort}${path}`);
    const statuses = await Promise.all(
      ['/healthz', '/startupz', '/readyz', '/metrics', '/api/v1/products'].map(ask),
    );
    expect(statuses.map(({ status }) => status)).toEqual([200, 200, 200, 200, 404]);
  });

  it('relays the events of what happens elsewhere', async () => {
    await placeOrder('pm_card_visa');
    await eventually(async () => {
      const { rows } = await sql.query(
        'SELECT count(*)::int AS all, count(published_at)::int AS published FROM platform.outbox',
      );
      expect(rows[0].all).toBeGreaterThan(0);
      expect(rows[0].published).toBe(rows[0].all);
    });
  });

  it('finds out what became of a payment that timed out', async () => {
    const { status, id } = await placeOrder('pm_sim_timeout_before_effect');
    expect(status).toBe(202);
    await eventually(async () => expect(await statusOf(id)).toBe('confirmed'), 10_000);
  });

  it('lets an order go that nobody paid in time', async () => {
    const { status } = await placeOrder('pm_card_chargeDeclined');
    expect(status).toBe(402);
    const { rows } = await sql.query(
      `UPDATE orders.orders SET expires_at = now() - interval '1 second' WHERE status = 'pending_payment' RETURNING id`,
    );
    expect(rows).toHaveLength(1);
    await eventually(async () => expect(await statusOf(rows[0].id)).toBe('expired'));
  });

  it('completes an order that has left and was left alone', async () => {
    const { id } = await placeOrder('pm_card_visa');
    await sql.query(
      `UPDATE orders.orders SET status = 'fulfilled', updated_at = now() - interval '15 days' WHERE id = $1`,
      [id],
    );
    await eventually(async () => expect(await statusOf(id)).toBe('completed'));
  });

  it('forgets idempotency keys whose time is over', async () => {
    await eventually(async () => {
      const { rows } = await sql.query(`SELECT key FROM platform.idempotency_keys WHERE principal = 'test'`);
      expect(rows).toEqual([{ key: 'new' }]);
    });
  });

  it('remembers which events were applied for twice as long as events are kept, and no longer', async () => {
    await eventually(async () => {
      const { rows } = await sql.query<{ id: string }>(
        `SELECT event_id AS id FROM platform.inbox WHERE consumer = 'test'`,
      );
      expect(rows).toEqual([{ id: REMEMBERED }]);
    });
  });

  it('stops cleanly on SIGTERM', async () => {
    expect(await worker.end('SIGTERM')).toBe(0);
    expect(worker.output).not.toMatch(/"level":"(warn|error|fatal)"(?!.*The outcome of a payment operation)/);
  });
});

it('a worker checks the invariants without being asked, and says loudly what breaks one', async () => {
  const metricsPort = await freePort();
  const watching = await startWorker({ INVARIANTS_CHECK_SECONDS: '1', MANAGEMENT_PORT: String(metricsPort) });
  await watching.wrote(/The worker works/);
  const metrics = async () => (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  try {
    await eventually(async () => expect(await metrics()).toMatch(/^invariant_breaches\{invariant="1"\} 0$/m));
    await sql.query(
      `INSERT INTO payments.ledger_transactions (id, kind, payment_id, order_id, operation_id, currency)
       VALUES (uuidv7(), 'capture', uuidv7(), uuidv7(), uuidv7(), 'GBP')`,
    );
    await watching.wrote(/"level":"error".*"check":"ledger_transactions_balanced".*"An invariant is broken"/);
    await eventually(async () => expect(await metrics()).toMatch(/^invariant_breaches\{invariant="1"\} 1$/m));
  } finally {
    expect(await watching.end('SIGTERM')).toBe(0);
  }
});

it('a worker without its database says so in one sentence', async () => {
  const failing = await startWorker({ DATABASE_URL: 'postgres://shop:canary@127.0.0.1:1/shop' });
  expect(await failing.ended).toBe(1);
  expect(failing.output).toBe(
    'PostgreSQL at 127.0.0.1:1/shop as shop cannot be reached (ECONNREFUSED): start it, or check DATABASE_URL.\n',
  );
});
