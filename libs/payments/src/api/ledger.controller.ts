import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { cursorErrors } from '#kernel';
import { Endpoint, type Page } from '#platform/http';
import {
  type AccountBalance,
  type LedgerTransactionView,
  ReadLedger,
  type TrialBalance,
} from '../application/read-ledger.js';
import {
  accountsView,
  ledgerPageView,
  ledgerQuery,
  type LedgerQuery,
  trialBalanceView,
} from './payments.schema.js';

@ApiTags('Ledger')
@Controller('ledger')
export class LedgerController {
  constructor(private readonly ledger: ReadLedger) {}

  @Get('accounts')
  @Endpoint({ summary: 'List the ledger accounts', access: 'ledger:read', responses: { 200: accountsView } })
  async listLedgerAccounts(): Promise<{ data: AccountBalance[] }> {
    return { data: await this.ledger.accounts() };
  }

  @Get('transactions')
  @Endpoint({
    summary: 'List the ledger transactions',
    access: 'ledger:read',
    responses: { 200: ledgerPageView },
    errors: [cursorErrors.invalid_cursor],
  })
  listLedgerTransactions(
    @Query({ schema: ledgerQuery }) { limit, cursor, ...filters }: LedgerQuery,
  ): Promise<Page<LedgerTransactionView>> {
    return this.ledger.transactions(filters, { limit, cursor });
  }

  @Get('trial-balance')
  @Endpoint({ summary: 'Get the trial balance', access: 'ledger:read', responses: { 200: trialBalanceView } })
  getTrialBalance(): Promise<TrialBalance> {
    return this.ledger.trialBalance();
  }
}
