/**
 * Runs once before all tests, in Jest's own process: gives them a PostgreSQL server with a template database.
 *
 * Tests find it in STEELYARD_TEST_POSTGRES_URL, the superuser's address of its database `postgres`. Whoever sets the
 * variable before brings a server of their own, and none is started.
 */
import { rmSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import './source-hooks.mjs';

const TEMPLATE_DATABASE = 'steelyard_template';

const INTERRUPTIONS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** A server that is just ending may still be writing: hence the retries. */
const REMOVAL = { recursive: true, force: true, maxRetries: 20, retryDelay: 50 };

/** @public Jest calls it. */
export default async function globalSetup() {
  const { TMPDIR, STEELYARD_TEST_POSTGRES_URL } = process.env;
  const directory = await makeRunDirectory();
  let postgres;
  const end = async () => {
    for (const signal of INTERRUPTIONS) process.off(signal, onInterruption);
    await postgres?.stop();
    await rm(directory, REMOVAL);
    process.off('exit', onExit);
    // In watch mode, the next run starts from here.
    restoreEnvironment({ TMPDIR, STEELYARD_TEST_POSTGRES_URL });
  };
  // Jest does not tear down when it is interrupted. A second signal ends the run at once, as ever.
  const onInterruption = (signal) => {
    void end().finally(() => process.kill(process.pid, signal));
  };
  // Nor when a test calls process.exit() or the reader of its output goes away: then this is the last moment.
  const onExit = () => {
    if (postgres !== undefined) process.kill(postgres.pid, 'SIGKILL');
    rmSync(directory, REMOVAL);
  };
  for (const signal of INTERRUPTIONS) process.on(signal, onInterruption);
  process.on('exit', onExit);

  try {
    postgres = await startPostgresUnlessGiven(directory);
    await makeTemplateDatabase(process.env.STEELYARD_TEST_POSTGRES_URL);
  } catch (error) {
    await end();
    throw error;
  }
  globalThis.endTestRun = end;
}

/** The temporary directory of this run: what the tests leave in it goes with it, however the run ends. */
async function makeRunDirectory() {
  const directory = await mkdtemp(join(tmpdir(), 'steelyard-test-'));
  // As root, PostgreSQL runs as another account, which may enter and not look around.
  await chmod(directory, 0o711);
  process.env.TMPDIR = directory;
  return directory;
}

async function startPostgresUnlessGiven(directory) {
  if (process.env.STEELYARD_TEST_POSTGRES_URL !== undefined) return undefined;
  const { startEmbeddedPostgres } = await import('#platform/embedded-postgres');
  const postgres = await startEmbeddedPostgres({
    dataDir: join(directory, 'data'),
    database: 'postgres',
    durable: false,
  });
  process.env.STEELYARD_TEST_POSTGRES_URL = postgres.url;
  return postgres;
}

/** Makes the migrated database that test-database.ts copies, once, before the first worker starts. */
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
  const { migrateUp } = await import('#platform/database');
  const { migrations } = await import('../../migrations/index.ts');
  const templateUrl = new URL(superuserUrl);
  templateUrl.pathname = `/${TEMPLATE_DATABASE}`;
  await migrateUp(templateUrl.href, migrations);
}

function restoreEnvironment(variables) {
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}
