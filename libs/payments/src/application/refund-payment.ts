import { Injectable } from '@nestjs/common';
import { actorReference, type Money, newId } from '#kernel';
import { currentActor } from '#platform/context';
import { Idempotency } from '#platform/idempotency';
import { PaymentRepository } from '../domain/payment.repository.js';
import { minorUnits } from './minor-units.js';
import { FindPayments } from './find-payments.js';
import type { RefundView } from './payment-view.js';
import { RunOperation } from './run-operation.js';

/** What to give back: an amount, lines of the order (the rest of each without an amount), or all that is left. */
export interface RefundCommand {
  readonly id?: string | undefined;
  readonly amount?: Money | undefined;
  readonly lines?: readonly { readonly lineId: string; readonly amount?: Money | undefined }[] | undefined;
  readonly reason?: string | undefined;
}

/** Staff give money back. The amount is reserved before the gateway is asked, so refunds at once never exceed it. */
@Injectable()
export class RefundPayment {
  constructor(
    private readonly payments: PaymentRepository,
    private readonly runOperation: RunOperation,
    private readonly findPayments: FindPayments,
    private readonly idempotency: Idempotency,
  ) {}

  async execute(paymentId: string, command: RefundCommand, key: string): Promise<RefundView> {
    const refundId = command.id ?? newId();
    const call = {
      principal: actorReference(currentActor()),
      operation: 'payments.refund',
      key,
      payload: { paymentId, ...command },
    };
    return this.idempotency.resumable<RefundView>(call, refundId, {
      begin: () => this.reserve(paymentId, refundId, command),
      complete: async (id) => {
        // The operation bears the id of its refund: a refund is carried out by exactly one.
        await this.runOperation.execute(id);
        const refund = await this.findPayments.getRefund(id);
        return { result: refund, isFinal: refund.status !== 'pending' };
      },
    });
  }

  private async reserve(paymentId: string, refundId: string, command: RefundCommand): Promise<void> {
    await this.payments.update(
      paymentId,
      (payment) => {
        const { currency } = payment.state;
        payment.requestRefund({
          refundId,
          operationId: refundId,
          amount: minorUnits(command.amount, currency),
          lines: command.lines?.map(({ lineId, amount }) => ({
            lineId,
            amount: minorUnits(amount, currency),
          })),
          reason: command.reason ?? null,
        });
      },
      { withLines: command.lines !== undefined },
    );
  }
}
