import { Injectable } from '@nestjs/common';
import { actorReference, DomainError } from '#kernel';
import { currentActor } from '#platform/context';
import { Idempotency } from '#platform/idempotency';
import { PinoLogger } from 'nestjs-pino';
import { paymentErrors } from '../domain/payment.errors.js';
import type { GatewayOutcome } from '../domain/payment-gateway.js';
import { PaymentRepository } from '../domain/payment.repository.js';
import { FindPayments } from './find-payments.js';
import type { PaymentView } from './payment-view.js';
import { RunOperation } from './run-operation.js';

/** What staff say of an operation, having looked at the gateway's own books. */
export type StaffDecision =
  /** It had its effect, which the gateway calls `gatewayId`. */
  | { readonly outcome: 'succeeded'; readonly gatewayId: string; readonly reason: string }
  /** It had none, and will have none. */
  | { readonly outcome: 'failed'; readonly reason: string }
  /** The gateway shall be asked again. */
  | { readonly outcome: 'ask_again'; readonly reason: string };

/** Why an operation has failed that staff say has failed. */
const DECIDED_BY_STAFF = 'decided_by_staff';

/** The last step of the ladder: staff say what became of an operation that nobody could find out about. */
@Injectable()
export class ResolveOperation {
  constructor(
    private readonly payments: PaymentRepository,
    private readonly runOperation: RunOperation,
    private readonly findPayments: FindPayments,
    private readonly idempotency: Idempotency,
    private readonly logger: PinoLogger,
  ) {
    logger.setContext(ResolveOperation.name);
  }

  /** @throws DomainError operation_not_found, operation_not_stuck */
  async execute(operationId: string, decision: StaffDecision, key: string): Promise<PaymentView> {
    const call = {
      principal: actorReference(currentActor()),
      operation: 'payments.resolve_operation',
      key,
      payload: { operationId, ...decision },
    };
    return this.idempotency.resumable<PaymentView>(call, operationId, {
      begin: () => this.decide(operationId, decision),
      complete: async () => {
        if (decision.outcome === 'ask_again') await this.runOperation.execute(operationId);
        const { paymentId } = await this.placeOf(operationId);
        return { result: await this.findPayments.get(paymentId), isFinal: true };
      },
    });
  }

  private async decide(operationId: string, decision: StaffDecision): Promise<void> {
    const { paymentId, orderId } = await this.placeOf(operationId);
    await this.payments.update(
      paymentId,
      (payment) => {
        payment.requireStuck(operationId);
        const outcome = outcomeOf(decision);
        if (outcome) payment.decide(operationId, outcome, decision.reason);
      },
      { orderId, withLines: true, withOperation: operationId },
    );
    this.logger.warn({ operation_id: operationId, payment_id: paymentId, ...decision }, 'Staff have decided');
  }

  private async placeOf(operationId: string): Promise<{ paymentId: string; orderId: string }> {
    const place = await this.payments.placeOfOperation(operationId);
    if (!place) throw new DomainError(paymentErrors.operation_not_found);
    return place;
  }
}

function outcomeOf(decision: StaffDecision): GatewayOutcome | undefined {
  switch (decision.outcome) {
    case 'succeeded':
      return { result: 'succeeded', gatewayId: decision.gatewayId };
    case 'failed':
      return { result: 'failed', declineCode: DECIDED_BY_STAFF };
    case 'ask_again':
      return undefined;
  }
}
