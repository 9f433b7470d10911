import { Injectable } from '@nestjs/common';
import { actorReference, DomainError, type Money, newId } from '#kernel';
import { currentActor } from '#platform/context';
import { Idempotency } from '#platform/idempotency';
import { CaptureFreeze } from '#platform/invariants';
import { isOpen, type OperationKind } from '../domain/operation.js';
import { paymentErrors } from '../domain/payment.errors.js';
import { PaymentRepository } from '../domain/payment.repository.js';
import type { Payment } from '../domain/payment.js';
import { minorUnits } from './minor-units.js';
import { FindPayments } from './find-payments.js';
import type { PaymentView } from './payment-view.js';
import { RunOperation } from './run-operation.js';

/** What came of an operation that staff asked for. */
export interface OperationResult {
  readonly outcome: 'succeeded' | 'refused' | 'open';
  readonly payment: PaymentView;
}

/** Staff move money that is authorized: capture it, all or in parts, or give it up. */
@Injectable()
export class CapturePayment {
  constructor(
    private readonly payments: PaymentRepository,
    private readonly runOperation: RunOperation,
    private readonly findPayments: FindPayments,
    private readonly idempotency: Idempotency,
    private readonly freeze: CaptureFreeze,
  ) {}

  /**
   * Captures `amount`, or all that is left.
   *
   * @throws DomainError captures_frozen
   */
  async capture(paymentId: string, amount: Money | undefined, key: string): Promise<OperationResult> {
    return this.operate('capture', paymentId, { amount }, key, async (payment, id) => {
      await this.freeze.requireNone();
      payment.requestCapture(id, minorUnits(amount, payment.state.currency));
    });
  }

  /** Gives up the part of the authorization that is not captured. */
  async void(paymentId: string, key: string): Promise<OperationResult> {
    return this.operate('void', paymentId, {}, key, (payment, id) => payment.requestVoid(id));
  }

  private async operate(
    kind: OperationKind,
    paymentId: string,
    payload: object,
    key: string,
    request: (payment: Payment, operationId: string) => void | Promise<void>,
  ): Promise<OperationResult> {
    const operationId = newId();
    const call = {
      principal: actorReference(currentActor()),
      operation: `payments.${kind}`,
      key,
      payload: { paymentId, ...payload },
    };
    return this.idempotency.resumable<OperationResult>(call, operationId, {
      begin: () => this.payments.update(paymentId, (payment) => request(payment, operationId)),
      complete: async (id) => {
        await this.runOperation.execute(id);
        return this.read(paymentId, id);
      },
    });
  }

  private async read(
    paymentId: string,
    operationId: string,
  ): Promise<{ result: OperationResult; isFinal: boolean }> {
    const payment = await this.findPayments.get(paymentId);
    const operation = await this.findPayments.getOperation(operationId);
    if (isOpen(operation)) return { result: { outcome: 'open', payment }, isFinal: false };
    return {
      result: { outcome: operation.status === 'succeeded' ? 'succeeded' : 'refused', payment },
      isFinal: true,
    };
  }
}

/** The error that tells of a refused capture or void. */
export function refusal(kind: 'capture' | 'void', payment: PaymentView): DomainError {
  const definition = kind === 'capture' ? paymentErrors.capture_failed : paymentErrors.void_failed;
  return new DomainError(definition, { extensions: { payment } });
}
