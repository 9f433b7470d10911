import type { INestApplicationContext } from '@nestjs/common';
import { DemoCatalog } from '#catalog';
import { DemoUsers } from '#users';

export type DemoAccounts = Awaited<ReturnType<DemoUsers['ensure']>>;

/** Creates the demo accounts and the demo catalog where they are missing, and returns the accounts. */
export async function ensureDemoData(app: INestApplicationContext): Promise<DemoAccounts> {
  const accounts = await app.get(DemoUsers, { strict: false }).ensure();
  await app.get(DemoCatalog, { strict: false }).ensure();
  return accounts;
}
