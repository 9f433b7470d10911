import { Module } from '@nestjs/common';
import { LedgerController } from './api/ledger.controller.js';
import { PaymentsController } from './api/payments.controller.js';
import { AuditPayments } from './application/audit-payments.js';
import { CapturePayment } from './application/capture-payment.js';
import { FindPayments } from './application/find-payments.js';
import { PaymentInvariants } from './application/payment-invariants.js';
import { ReadLedger } from './application/read-ledger.js';
import { RefundPayment } from './application/refund-payment.js';
import { ResolveOpenOperations } from './application/resolve-open-operations.js';
import { RunOperation } from './application/run-operation.js';
import { PaymentGateway } from './domain/payment-gateway.js';
import { PaymentRepository } from './domain/payment.repository.js';
import { Config } from '#platform/config';
import { createGateway } from './infrastructure/create-gateway.js';
import { SqlPaymentRepository } from './infrastructure/sql-payment.repository.js';
import { PaymentsFacade } from './payments.facade.js';

/** What can be done with money: authorize, capture, void, refund, and read the books. */
@Module({
  controllers: [PaymentsController, LedgerController],
  providers: [
    CapturePayment,
    RefundPayment,
    RunOperation,
    ResolveOpenOperations,
    FindPayments,
    ReadLedger,
    PaymentInvariants,
    AuditPayments,
    PaymentsFacade,
    { provide: PaymentRepository, useClass: SqlPaymentRepository },
    {
      provide: PaymentGateway,
      inject: [Config],
      useFactory: ({ settings }: Config) => createGateway(settings),
    },
  ],
  exports: [PaymentsFacade, ResolveOpenOperations],
})
export class PaymentsModule {}
