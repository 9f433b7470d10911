import { Client } from 'pg';
import type { TestApp } from './test-app.js';

/** Keeps every query of a table waiting until it is released. */
export async function blockTable(app: TestApp, table: string): Promise<{ release: () => Promise<void> }> {
  const client = new Client({ connectionString: app.database.url });
  await client.connect();
  await client.query(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
  return { release: () => client.end() };
}
