import { Injectable } from '@nestjs/common';
import { DomainError, newId } from '#kernel';
import { Config } from '#platform/config';
import { Database, isUniqueViolation } from '#platform/database';
import { EventBus } from '#platform/messaging';
import { totalOf } from '../domain/ledger.js';
import { paymentErrors } from '../domain/payment.errors.js';
import {
  type ClaimedOperation,
  type OperationPlace,
  PaymentRepository,
} from '../domain/payment.repository.js';
import type { Payment } from '../domain/payment.js';
import { paymentEvents } from '../payments.events.js';
import { type PaymentRow, toPayment, toSavedColumns } from './payment-row.js';
import {
  claimOperation,
  dueAuthorizations,
  dueOperations,
  leaseFence,
  loadPayment,
  openOperationsOfOrder,
  orderOfPayment,
  placeAtGateway,
  placeOfOperation,
  releaseOperation,
  savePayment,
} from './payment-statements.js';

/** Whoever creates an operation sends it at once; the worker takes it over when that has not happened by then. */
const WORKER_TAKES_OVER_AFTER_MS = 2_000;

@Injectable()
export class SqlPaymentRepository extends PaymentRepository {
  constructor(
    private readonly database: Database,
    private readonly bus: EventBus,
    private readonly config: Config,
  ) {
    super();
  }

  override async add(payment: Payment): Promise<void> {
    await this.save(payment);
  }

  override async update<T>(
    paymentId: string,
    change: (payment: Payment) => T | Promise<T>,
    {
      orderId,
      withLines = false,
      withOperation,
      withDispute,
    }: { orderId?: string; withLines?: boolean; withOperation?: string; withDispute?: string } = {},
  ): Promise<T> {
    return this.database.transaction(async () => {
      await this.database.lock('order', orderId ?? (await this.orderOf(paymentId)));
      const about = [withLines, withOperation ?? null, withDispute ?? null];
      const row = await this.database.queryOne<PaymentRow>(loadPayment, [paymentId, ...about]);
      if (!row) throw new DomainError(paymentErrors.payment_not_found);
      const payment = toPayment(row);
      const result = await change(payment);
      await this.save(payment);
      return result;
    });
  }

  override async openOperationsOfOrder(orderId: string): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>(openOperationsOfOrder, [orderId]);
    return rows.map(({ id }) => id);
  }

  override async claim(operationId: string, leaseMs: number): Promise<ClaimedOperation | undefined> {
    return this.database.queryOne<ClaimedOperation>(claimOperation, [operationId, leaseMs]);
  }

  override async holdsLease({ id, fence, orderId }: ClaimedOperation): Promise<boolean> {
    await this.database.lock('order', orderId);
    const newest = await this.database.queryOne<{ fence: number }>(leaseFence, [id]);
    return newest?.fence === fence;
  }

  override async release(
    { id, fence }: ClaimedOperation,
    retryAfterMs: number,
    { isUnsent } = { isUnsent: false },
  ): Promise<void> {
    await this.database.query(releaseOperation, [id, fence, retryAfterMs, isUnsent]);
  }

  override async placeOfOperation(operationId: string): Promise<OperationPlace | undefined> {
    return this.database.queryOne<OperationPlace>(placeOfOperation, [operationId]);
  }

  override async placeAtGateway(
    gateway: string,
    gatewayPaymentId: string,
  ): Promise<OperationPlace | undefined> {
    return this.database.queryOne<OperationPlace>(placeAtGateway, [gateway, gatewayPaymentId]);
  }

  override async dueAuthorizations(now: Date, limit: number): Promise<OperationPlace[]> {
    return this.database.query<OperationPlace>(dueAuthorizations, [now, limit]);
  }

  override async dueOperations(limit: number): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>(dueOperations, [limit]);
    return rows.map(({ id }) => id);
  }

  private async orderOf(paymentId: string): Promise<string> {
    const owner = await this.database.queryOne<{ order_id: string }>(orderOfPayment, [paymentId]);
    if (!owner) throw new DomainError(paymentErrors.payment_not_found);
    return owner.order_id;
  }

  private async save(payment: Payment): Promise<void> {
    const { log, operations, refunds, allocations, disputes, ledger } = payment.changes;
    if (log.length === 0) return;
    const values = [
      JSON.stringify(toSavedColumns(payment.state)),
      JSON.stringify([...refunds.values()]),
      JSON.stringify([...operations.values()]),
      JSON.stringify([...allocations.values()]),
      JSON.stringify([...disputes.values()]),
      JSON.stringify(ledger.map((entry) => ({ id: newId(), ...entry }))),
      WORKER_TAKES_OVER_AFTER_MS,
      this.config.settings.PAYMENT_ATTENTION_SECONDS * 1_000,
    ];
    try {
      await this.database.query(savePayment, values);
    } catch (error) {
      // A refund's operation bears its id, so either table may be the first to notice that a client's id is taken.
      const isTaken = isUniqueViolation(error, 'refunds_pkey') || isUniqueViolation(error, 'operations_pkey');
      if (isTaken) throw new DomainError(paymentErrors.refund_exists, { cause: error });
      if (isUniqueViolation(error, 'payments_gateway_payment_id')) {
        throw new DomainError(paymentErrors.gateway_id_taken, { cause: error });
      }
      throw error;
    }
    for (const { change, state, refund } of log) {
      await this.bus.publish(paymentEvents[change], {
        aggregateId: state.id,
        sequence: state.version,
        data: {
          paymentId: state.id,
          orderId: state.orderId,
          status: state.status,
          outcome: state.outcome,
          currency: state.currency,
          amount: totalOf(state.total),
          authorizedAmount: state.authorizedAmount,
          capturedAmount: totalOf(state.captured),
          refundedAmount: totalOf(state.refunded),
          declineCode: state.declineCode,
          refund: refund ? { refundId: refund.id, amount: refund.amount, lines: [...refund.lines] } : null,
        },
      });
    }
  }
}
