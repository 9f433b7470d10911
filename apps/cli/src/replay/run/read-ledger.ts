import { sumPence } from '../plan/pence.js';
import type { LedgerEntry, LedgerSnapshot, TrialBalanceLine } from '../report/reconcile.js';
import type { LedgerTransaction, TrialBalance } from './api-types.js';
import { readPages } from './read-pages.js';
import type { ReplayContext } from './replay-context.js';
import { ReplayError } from './replay-errors.js';

/**
 * Reads the books: every capture and refund, and the trial balance.
 *
 * @throws ReplayError when the API refuses
 */
export async function readLedger(context: ReplayContext): Promise<LedgerSnapshot> {
  const { plan, admin } = context;
  const captures: LedgerEntry[] = [];
  const refunds: LedgerEntry[] = [];
  const expected = plan.orders.reduce((sum, order) => sum + 1 + order.refunds.length, 0);
  await context.phase('ledger', expected, async ({ advance }) => {
    const pages = readPages<LedgerTransaction>(admin, 'the ledger transactions', (page) => (api, init) => {
      return api.GET('/api/v1/ledger/transactions', { ...init, params: { query: page } });
    });
    for await (const page of pages) {
      for (const { kind, orderId, operationId, postings } of page) {
        // What was sold is a credit, which the ledger writes as a negative amount.
        if (kind === 'capture') captures.push({ id: orderId, amountMinor: -amountOn('sales', postings) });
        // A refund that came back takes its amount back, and a dispute is about no sale.
        else if (operationId !== null) {
          refunds.push({ id: operationId, amountMinor: amountOn('sales_refunds', postings) });
        }
      }
      advance(page.length);
    }
  });
  return { captures, refunds, trialBalance: await readTrialBalance(context) };
}

function amountOn(account: string, postings: LedgerTransaction['postings']): number {
  return sumPence(
    postings.filter((posting) => posting.account === account).map(({ amount }) => amount.amount),
  );
}

/** Accounts with a debit balance on one side and those with a credit balance on the other, per currency. */
async function readTrialBalance({ admin }: ReplayContext): Promise<TrialBalanceLine[]> {
  const answer = await admin.send<TrialBalance>((api, init) =>
    api.GET('/api/v1/ledger/trial-balance', { ...init }),
  );
  if (!answer.ok) throw new ReplayError(`The API refused to show the trial balance: ${answer.code}.`);
  const balances = answer.body.accounts.map(({ balance }) => balance);
  return [...Map.groupBy(balances, ({ currency }) => currency)].map(([currency, group]) => {
    const amounts = group.map(({ amount }) => amount);
    return {
      currency,
      debitMinor: sumPence(amounts.filter((amount) => amount > 0)),
      creditMinor: sumPence(amounts.filter((amount) => amount < 0).map((amount) => -amount)),
    };
  });
}
