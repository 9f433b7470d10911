import { Client } from 'pg';
import { eventually } from './eventually.js';
import type { TestApp } from './test-app.js';

/** Keeps every query of a table waiting until it is released; `hasWaiter` resolves when one does. */
export async function blockTable(
  app: TestApp,
  table: string,
): Promise<{ release: () => Promise<void>; hasWaiter: () => Promise<void> }> {
  const client = new Client({ connectionString: app.database.url });
  await client.connect();
  await client.query(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
  return {
    release: () => client.end(),
    hasWaiter: () =>
      eventually(async () => {
        const { rows } = await client.query('SELECT FROM pg_locks WHERE NOT granted');
        if (rows.length === 0) throw new Error('Nothing waits for the table.');
      }),
  };
}
