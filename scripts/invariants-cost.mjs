/**
 * Measures what the live check of the invariants costs, on few and on many stored orders: catching up, a round in
 * which nothing is new, and a round after 1,000 orders have changed. The last two must not grow with what is stored.
 *
 *   node scripts/invariants-cost.mjs [orders ...]      default: 10000 200000
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import '../test/support/source-hooks.mjs';

const CHANGED = 1_000;
const ROUNDS = 5;

const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [10_000, 200_000];

const { Client } = await import('pg');
const { createApi } = await import('../apps/api/src/create-api.ts');
const { migrateUp } = await import('#platform/database');
const { startEmbeddedPostgres } = await import('#platform/embedded-postgres');
const { CheckInvariants } = await import('#platform/invariants');
const { migrations } = await import('../migrations/index.ts');
const { fillOrders, touchOrders } = await import('../test/support/many-orders.ts');
const { testSettings } = await import('../test/support/test-settings.ts');

const directory = mkdtempSync(join(tmpdir(), 'steelyard-invariants-'));
// As root, PostgreSQL runs as another account, which must be able to enter.
chmodSync(directory, 0o711);
const postgres = await startEmbeddedPostgres({ dataDir: join(directory, 'data'), durable: false });
try {
  await migrateUp(postgres.url, migrations);
  const app = await createApi(await testSettings({ DATABASE_URL: postgres.url }));
  await app.init();
  const sql = new Client({ connectionString: postgres.url });
  await sql.connect();
  try {
    await measure(app.get(CheckInvariants), sql);
  } finally {
    await sql.end();
    await app.close();
  }
} finally {
  await postgres.stop();
  rmSync(directory, { recursive: true, force: true });
}

async function measure(job, sql) {
  console.log('| orders stored | catching up | nothing new | 1,000 changed |');
  console.log('|---:|---:|---:|---:|');
  let stored = 0;
  for (const size of sizes) {
    await fillOrders(sql, size - stored);
    stored = size;
    // What was filled in is older than the checkpoints have come.
    await sql.query(
      `UPDATE platform.invariant_checks SET watermark_at = '1970-01-01', watermark_id = '00000000-0000-0000-0000-000000000000'
        WHERE id <> 'ledger_balanced'`,
    );
    const caughtUpMs = await timed(async () => {
      while ((await job.execute()) > 0);
    });
    await sql.query('VACUUM ANALYZE catalog.stock_checkpoints');
    const idle = [];
    const changed = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      // As if what happened so far had happened long ago.
      await sql.query(`UPDATE platform.invariant_checks SET watermark_at = clock_timestamp()`);
      idle.push(await timed(() => job.execute()));
      await touchOrders(sql, CHANGED);
      changed.push(await timed(() => job.execute()));
    }
    const row = [stored.toLocaleString('en'), seconds(caughtUpMs), ms(median(idle)), ms(median(changed))];
    console.log(`| ${row.join(' | ')} |`);
  }
  const { rows } = await sql.query('SELECT count(*)::int AS count FROM platform.invariant_breaches');
  console.log(`\n${rows[0].count} breaches.`);
}

async function timed(fn) {
  const startedAt = performance.now();
  await fn();
  return performance.now() - startedAt;
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

function ms(value) {
  return `${value.toFixed(0)} ms`;
}

function seconds(value) {
  return `${(value / 1000).toFixed(1)} s`;
}
