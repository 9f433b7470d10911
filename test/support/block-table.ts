import { OpenTransaction } from './open-transaction.js';
import type { TestApp } from './test-app.js';

/** Keeps every query of a table waiting until it is released; `hasWaiter` resolves when one does. */
export async function blockTable(
  app: TestApp,
  table: string,
): Promise<{ release: () => Promise<void>; hasWaiter: () => Promise<void> }> {
  const transaction = await OpenTransaction.begin(app);
  await transaction.query(`LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
  return { release: () => transaction.rollBack(), hasWaiter: () => transaction.hasWaiter() };
}
