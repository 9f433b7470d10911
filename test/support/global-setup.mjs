/**
 * Runs once before all tests, in Jest's own process: gives them a PostgreSQL server with a template database.
 *
 * Tests find it in STEELYARD_TEST_POSTGRES_URL, the superuser's address of its database `postgres`. Whoever sets the
 * variable before brings a server of their own, and none is started.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import './source-hooks.mjs';

const TEMPLATE_DATABASE = 'steelyard_template';

const INTERRUPTIONS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

export default async function globalSetup() {
  if (process.env.STEELYARD_TEST_POSTGRES_URL === undefined) {
    process.env.STEELYARD_TEST_POSTGRES_URL = await startTestPostgres();
  }
  await makeTemplateDatabase(process.env.STEELYARD_TEST_POSTGRES_URL);
}

/** Makes the database that test-database.ts copies, once, before the first worker starts. */
async function makeTemplateDatabase(superuserUrl) {
  const client = new pg.Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    // A server of one's own may have it from an earlier run.
    await client.query(`DROP DATABASE IF EXISTS ${TEMPLATE_DATABASE} WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${TEMPLATE_DATABASE}`);
  } finally {
    await client.end();
  }
}

/** Starts a server on a new directory; it lives until the teardown, or until somebody interrupts the run. */
async function startTestPostgres() {
  const { startEmbeddedPostgres } = await import('#platform/embedded-postgres');
  const directory = await mkdtemp(join(tmpdir(), 'steelyard-test-'));
  // As root, PostgreSQL runs as another account, which may enter and not look around.
  await chmod(directory, 0o711);
  const removeDirectory = () => rm(directory, { recursive: true, force: true });
  const postgres = await startEmbeddedPostgres({
    dataDir: join(directory, 'data'),
    database: 'postgres',
    durable: false,
  }).catch(async (error) => {
    await removeDirectory();
    throw error;
  });

  const stop = async () => {
    for (const signal of INTERRUPTIONS) process.off(signal, onInterruption);
    delete process.env.STEELYARD_TEST_POSTGRES_URL;
    await postgres.stop();
    await removeDirectory();
  };
  // Jest does not tear down when it is interrupted. A second signal ends the run at once, as ever.
  const onInterruption = (signal) => {
    void stop().finally(() => process.kill(process.pid, signal));
  };
  for (const signal of INTERRUPTIONS) process.on(signal, onInterruption);
  globalThis.stopTestPostgres = stop;
  return postgres.url;
}
