/**
 * Applies all migrations to an empty database, reverts all of them and applies them again: nothing may be left in
 * between, and the second schema must be the first.
 *
 *   node scripts/migrations-check.mjs
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import '../test/support/source-hooks.mjs';

const { migrateDown, migrateUp } = await import('#platform/database');
const { startEmbeddedPostgres } = await import('#platform/embedded-postgres');
const { migrations } = await import('../migrations/index.ts');
const { schemaSnapshot } = await import('../test/support/schema-snapshot.ts');

const directory = mkdtempSync(join(tmpdir(), 'steelyard-migrations-'));
// As root, PostgreSQL runs as another account, which must be able to enter.
chmodSync(directory, 0o711);
const postgres = await startEmbeddedPostgres({ dataDir: join(directory, 'data'), durable: false });
try {
  const { url } = postgres;
  const names = await migrateUp(url, migrations);
  assert.equal(names.length, migrations.length);
  const first = await schemaSnapshot(url);
  assert.ok(first.length > 0, 'the migrations make nothing');

  assert.equal(await migrateDown(url, migrations, migrations.length), migrations.length);
  assert.deepEqual(await schemaSnapshot(url), [], 'reverting left something behind');

  await migrateUp(url, migrations);
  assert.deepEqual(await schemaSnapshot(url), first, 'the second schema is not the first');
  console.log(
    `${names.length} migrations up, down and up again: ${first.length} objects, the same both times.`,
  );
} finally {
  await postgres.stop();
  rmSync(directory, { recursive: true, force: true });
}
