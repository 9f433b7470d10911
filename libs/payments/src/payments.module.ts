import { Module } from '@nestjs/common';
import { DisputesController } from './api/disputes.controller.js';
import { LedgerController } from './api/ledger.controller.js';
import { OperationsController } from './api/operations.controller.js';
import { PaymentWebhooksController } from './api/payment-webhooks.controller.js';
import { PaymentsController } from './api/payments.controller.js';
import { ReportsController } from './api/reports.controller.js';
import { ApplyReports } from './application/apply-reports.js';
import { AuditPayments } from './application/audit-payments.js';
import { CapturePayment } from './application/capture-payment.js';
import { FindDisputes } from './application/find-disputes.js';
import { FindPayments } from './application/find-payments.js';
import { FindStuckPayments } from './application/find-stuck-payments.js';
import { GatewayReports } from './application/gateway-reports.js';
import { MeasurePayments } from './application/measure-payments.js';
import { PaymentInvariants } from './application/payment-invariants.js';
import { ReadLedger } from './application/read-ledger.js';
import { ReceiveReport } from './application/receive-report.js';
import { RefundPayment } from './application/refund-payment.js';
import { ResolveOpenOperations } from './application/resolve-open-operations.js';
import { ResolveOperation } from './application/resolve-operation.js';
import { RunOperation } from './application/run-operation.js';
import { SettleReport } from './application/settle-report.js';
import { PaymentGateway } from './domain/payment-gateway.js';
import { PaymentRepository } from './domain/payment.repository.js';
import { Config } from '#platform/config';
import { createGateway } from './infrastructure/create-gateway.js';
import { SqlPaymentRepository } from './infrastructure/sql-payment.repository.js';
import { PaymentsFacade } from './payments.facade.js';

/**
 * What can be done with money: authorize, capture, void, refund; find out what became of it, by asking the gateway and
 * by what it reports, or else from staff; and read the books.
 */
@Module({
  controllers: [
    PaymentsController,
    DisputesController,
    LedgerController,
    OperationsController,
    PaymentWebhooksController,
    ReportsController,
  ],
  providers: [
    CapturePayment,
    RefundPayment,
    RunOperation,
    ResolveOpenOperations,
    ResolveOperation,
    ReceiveReport,
    ApplyReports,
    GatewayReports,
    SettleReport,
    FindPayments,
    FindDisputes,
    FindStuckPayments,
    ReadLedger,
    MeasurePayments,
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
  exports: [PaymentsFacade, ResolveOpenOperations, ApplyReports, GatewayReports, MeasurePayments],
})
export class PaymentsModule {}
