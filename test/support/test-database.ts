import { randomUUID } from 'node:crypto';
import { Client } from 'pg';

/** A database of its own for one spec file, a copy of the migrated template. */
export interface TestDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** The server that global-setup.mjs started for this run. */
function serverUrl(): URL {
  const url = process.env['STEELYARD_TEST_POSTGRES_URL'];
  if (!url) throw new Error('STEELYARD_TEST_POSTGRES_URL is not set: run the tests through `npm test`.');
  return new URL(url);
}

/** Name of the migrated template that global-setup.mjs makes. */
const TEMPLATE = 'steelyard_template';

/** Creates a migrated, empty database; `template: null` for one without any tables. */
export async function createTestDatabase({
  template = TEMPLATE,
}: { template?: string | null } = {}): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await asAdministrator(`CREATE DATABASE ${name} TEMPLATE ${template ?? 'template0'}`);
  const url = serverUrl();
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => asAdministrator(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

async function asAdministrator(sql: string): Promise<void> {
  const client = new Client({ connectionString: serverUrl().href });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
