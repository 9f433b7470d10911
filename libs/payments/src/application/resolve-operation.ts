import { Injectable } from '@nestjs/common';
import { actorReference, Clock, DomainError } from '#kernel';
import { currentActor } from '#platform/context';
import { Idempotency } from '#platform/idempotency';
import { paymentErrors } from '../domain/payment.errors.js';
import { type GatewayOutcome, withEnd } from '../domain/payment-gateway.js';
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
    private readonly clock: Clock,
  ) {}

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
    const said = { by: actorReference(currentActor()), reason: decision.reason };
    await this.payments.update(
      paymentId,
      (payment) => payment.decide(operationId, outcomeOf(decision, this.clock.now()), said),
      { orderId, withLines: true, withOperation: operationId },
    );
  }

  private async placeOf(operationId: string): Promise<{ paymentId: string; orderId: string }> {
    const place = await this.payments.placeOfOperation(operationId);
    if (!place) throw new DomainError(paymentErrors.operation_not_found);
    return place;
  }
}

function outcomeOf(decision: StaffDecision, now: Date): GatewayOutcome | undefined {
  switch (decision.outcome) {
    case 'succeeded':
      return withEnd({ result: 'succeeded', gatewayId: decision.gatewayId }, now);
    case 'failed':
      return { result: 'failed', declineCode: DECIDED_BY_STAFF };
    case 'ask_again':
      return undefined;
  }
}
