import type { LedgerSnapshot } from '../report/reconcile.js';
import { importProducts } from './import-products.js';
import { placeOrders } from './place-orders.js';
import { readLedger } from './read-ledger.js';
import { receiveStock } from './receive-stock.js';
import { registerCustomers } from './register-customers.js';
import type { ReplayContext } from './replay-context.js';
import { ReplayError } from './replay-errors.js';
import type { Session } from './session.js';

/**
 * Carries out a plan: the goods first, then the customers, then the trade. What is done is counted in the log of the
 * context, what the API refuses for good is noted there, and the replay goes on.
 *
 * @returns the books afterwards
 * @throws ReplayError when it cannot go on, ReplayInterrupted when it is to stop; the log says how far it came
 */
export async function runReplay(context: ReplayContext): Promise<LedgerSnapshot> {
  const { staff, admin } = context;
  await logIn(staff, 'staff');
  await logIn(admin, 'admin');
  await importProducts(context);
  await receiveStock(context);
  await registerCustomers(context);
  await placeOrders(context);
  const ledger = await readLedger(context);
  await staff.close();
  await admin.close();
  return ledger;
}

async function logIn(session: Session, role: 'staff' | 'admin'): Promise<void> {
  const answer = await session.open({ isFirstContact: true });
  if (!answer.ok)
    throw new ReplayError(`The ${role} account cannot log in: ${answer.code}, ${answer.detail}`);
}
