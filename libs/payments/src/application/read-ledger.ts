import { Injectable } from '@nestjs/common';
import type { Currency, Money } from '#kernel';
import { Database, statement } from '#platform/database';
import { type Page, type PageRequest, Paginator } from '#platform/http';
import { LEDGER_ACCOUNTS, type LedgerAccount, type LedgerEntry } from '../domain/ledger.js';

export interface AccountBalance {
  account: LedgerAccount;
  /** Debits minus credits. */
  balance: Money;
}

export interface LedgerTransactionView {
  id: string;
  kind: LedgerEntry['kind'];
  paymentId: string;
  orderId: string;
  operationId: string | null;
  disputeId: string | null;
  postings: { account: LedgerAccount; amount: Money }[];
  occurredAt: string;
}

export interface TrialBalance {
  accounts: AccountBalance[];
  /** Per currency, the sum over all accounts: zero, or the books are wrong. */
  totals: Money[];
  balanced: boolean;
}

interface TransactionRow {
  id: string;
  kind: LedgerEntry['kind'];
  payment_id: string;
  order_id: string;
  operation_id: string | null;
  dispute_id: string | null;
  currency: Currency;
  occurred_at: Date;
  postings: { account: LedgerAccount; amount: number }[];
}

const balances = statement(
  'payments.ledger_balances',
  `SELECT account, currency, sum(amount)::bigint AS amount FROM payments.ledger_postings GROUP BY account, currency`,
);
const transactionPage = statement(
  'payments.ledger_page',
  `SELECT t.id, t.kind, t.payment_id, t.order_id, t.operation_id, t.dispute_id, t.currency,
          t.occurred_at,
          (SELECT json_agg(json_build_object('account', p.account, 'amount', p.amount) ORDER BY p.amount DESC)
             FROM payments.ledger_postings p WHERE p.transaction_id = t.id) AS postings
     FROM payments.ledger_transactions t
    WHERE ($1::uuid IS NULL OR t.order_id = $1)
      AND ($2::timestamptz IS NULL OR (t.occurred_at, t.id) < ($2, $3::uuid))
    ORDER BY t.occurred_at DESC, t.id DESC LIMIT $4`,
);

/** Reads the books. */
@Injectable()
export class ReadLedger {
  constructor(
    private readonly database: Database,
    private readonly paginator: Paginator,
  ) {}

  /** Every account in every currency that has postings, in the order of the chart of accounts. */
  async accounts(): Promise<AccountBalance[]> {
    const rows = await this.database.query<{ account: LedgerAccount; currency: Currency; amount: number }>(
      balances,
    );
    return rows
      .map(({ account, currency, amount }) => ({ account, balance: { amount, currency } }))
      .sort(
        (a, b) =>
          a.balance.currency.localeCompare(b.balance.currency) ||
          LEDGER_ACCOUNTS.indexOf(a.account) - LEDGER_ACCOUNTS.indexOf(b.account),
      );
  }

  async trialBalance(): Promise<TrialBalance> {
    const accounts = await this.accounts();
    const byCurrency = Map.groupBy(accounts, ({ balance }) => balance.currency);
    const totals = [...byCurrency].map(([currency, group]) => ({
      amount: group.reduce((sum, { balance }) => sum + balance.amount, 0),
      currency,
    }));
    return { accounts, totals, balanced: totals.every(({ amount }) => amount === 0) };
  }

  async transactions(
    filters: { orderId?: string | undefined },
    request: PageRequest,
  ): Promise<Page<LedgerTransactionView>> {
    const page = await this.paginator.page<TransactionRow>(
      'ledger-transactions',
      filters,
      request,
      (row) => [row.occurred_at.toISOString(), row.id],
      (after, limit) =>
        this.database.query<TransactionRow>(transactionPage, [
          filters.orderId ?? null,
          ...(after ?? [null, null]),
          limit,
        ]),
    );
    return { ...page, data: page.data.map(toTransactionView) };
  }
}

function toTransactionView(row: TransactionRow): LedgerTransactionView {
  return {
    id: row.id,
    kind: row.kind,
    paymentId: row.payment_id,
    orderId: row.order_id,
    operationId: row.operation_id,
    disputeId: row.dispute_id,
    postings: row.postings.map(({ account, amount }) => ({
      account,
      amount: { amount, currency: row.currency },
    })),
    occurredAt: row.occurred_at.toISOString(),
  };
}
