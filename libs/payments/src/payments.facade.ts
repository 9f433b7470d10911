import { Injectable } from '@nestjs/common';
import { type Currency, DomainError, newId } from '#kernel';
import { FindStuckPayments, type StuckPayments } from './application/find-stuck-payments.js';
import { CaptureFreeze, type Change, type Position } from '#platform/invariants';
import { AuditPayments, type PaymentAudit } from './application/audit-payments.js';
import { RunOperation } from './application/run-operation.js';
import { type Composition, totalOf } from './domain/ledger.js';
import { paymentErrors } from './domain/payment.errors.js';
import { PaymentGateway } from './domain/payment-gateway.js';
import type { OperationKind } from './domain/operation.js';
import { PaymentRepository } from './domain/payment.repository.js';
import { Payment } from './domain/payment.js';
import type { CaptureMode, ClosedWorth } from './domain/payment-state.js';

/** What an order asks to be paid. */
export interface PaymentOpening {
  readonly paymentId: string;
  readonly orderId: string;
  readonly method: string;
  readonly captureMode: CaptureMode;
  readonly currency: Currency;
  /** Minor units, by what they are for. */
  readonly total: Composition;
  /** Each line's frozen share of the total, in minor units: what can be refunded for it. */
  readonly lines: readonly { readonly lineId: string; readonly amount: number }[];
}

/** How far an order is from holding no money: it holds none, or operations towards that are open. */
export type UnwindProgress = 'nothing_held' | 'under_way';

/** Unwinding takes a few operations at most: a void of the rest, then a refund of what was captured. */
const MAX_OPERATIONS_IN_A_ROW = 4;

/** The calls that the orders module may make. Those that change something take part in the caller's transaction. */
@Injectable()
export class PaymentsFacade {
  constructor(
    private readonly payments: PaymentRepository,
    private readonly gateway: PaymentGateway,
    private readonly runOperation: RunOperation,
    private readonly findStuckPayments: FindStuckPayments,
    private readonly auditPayments: AuditPayments,
    private readonly freeze: CaptureFreeze,
  ) {}

  /** @throws DomainError unknown_payment_method when the gateway cannot even be asked about it */
  requireKnownMethod(method: string): void {
    if (!this.gateway.knowsMethod(method)) {
      throw new DomainError(paymentErrors.unknown_payment_method, {
        detail: `${this.gateway.name} knows no payment method ${method}.`,
      });
    }
  }

  /**
   * Opens the payment of a new order. The caller runs its authorization, whose id this returns, after the commit.
   *
   * @throws DomainError captures_frozen when it would capture at once
   */
  async open(opening: PaymentOpening): Promise<string> {
    if (opening.captureMode === 'automatic' && totalOf(opening.total) > 0) await this.freeze.requireNone();
    const operationId = newId();
    await this.payments.add(
      Payment.open({ ...opening, id: opening.paymentId, operationId, gateway: this.gateway.name }),
    );
    return operationId;
  }

  /**
   * Opens another authorization after a decline and returns its id.
   *
   * @throws DomainError captures_frozen when it would capture at once
   */
  async retry(paymentId: string, method: string): Promise<string> {
    const operationId = newId();
    await this.payments.update(paymentId, async (payment) => {
      if (payment.state.captureMode === 'automatic') await this.freeze.requireNone();
      payment.retry(operationId, method);
    });
    return operationId;
  }

  /**
   * Makes sure that the payment covers what has left and what is about to leave. Where the money is captured on
   * fulfilment, asks for what is not captured of it yet: with the share of this parcel, that of an earlier one whose
   * capture was refused.
   *
   * @param fulfilledMinor worth of all that has left, with what is about to
   * @returns the id of the capture, which the caller runs after the commit; undefined when there is none
   * @throws DomainError payment_does_not_cover, payment_operation_open, captures_frozen
   */
  async backFulfillment(paymentId: string, fulfilledMinor: number): Promise<string | undefined> {
    return this.payments.update(paymentId, async (payment) => {
      payment.requireCover(fulfilledMinor);
      const { captureMode, captured } = payment.state;
      const dueMinor = Math.min(fulfilledMinor - totalOf(captured), payment.capturableAmount);
      if (captureMode !== 'on_fulfillment' || dueMinor <= 0) return undefined;
      await this.freeze.requireNone();
      const operationId = newId();
      payment.requestCapture(operationId, dueMinor);
      return operationId;
    });
  }

  /**
   * Takes the next step towards holding no money of an order: voids what is authorized, refunds what is captured,
   * ends a payment that waits. Decided from the payment as it is now, so it may be called again at any time.
   */
  async unwind(paymentId: string, reason: string): Promise<UnwindProgress> {
    return this.payments.update(paymentId, (payment): UnwindProgress => {
      if (payment.openOperations.length === 0) this.takeNextUnwindingStep(payment, reason);
      return payment.openOperations.length === 0 ? 'nothing_held' : 'under_way';
    });
  }

  /**
   * Takes the next step towards keeping of an order's money what has left is worth, since no more will leave: captures
   * what of that is not captured, gives up what else is authorized, and refunds what was captured beyond. Decided from
   * the payment as it is now, so it may be called again at any time; it asks again for what was refused.
   *
   * @param options.mayCapture whether it may capture; without, it waits for somebody who may
   * @throws DomainError captures_frozen
   */
  async settleClosedOrder(
    paymentId: string,
    closed: ClosedWorth,
    { mayCapture }: { readonly mayCapture: boolean },
  ): Promise<void> {
    const settle = async (payment: Payment): Promise<void> => {
      const isOpen = (kind: OperationKind) => payment.openOperations.some((each) => each.kind === kind);
      // Once it is certain what was captured, the payment tells of it, and the next step is taken.
      if (isOpen('capture')) return;
      const { captured } = payment.state;
      const dueMinor = Math.min(closed.fulfilledMinor - totalOf(captured), payment.capturableAmount);
      if (dueMinor > 0) {
        if (!mayCapture || isOpen('void')) return;
        await this.freeze.requireNone();
        payment.requestCapture(newId(), dueMinor);
        return;
      }
      if (payment.capturableAmount > 0 && !isOpen('void')) payment.requestVoid(newId());
      const lines = payment.refundsDueForClosed(closed);
      if (lines.length === 0) return;
      const refundId = newId();
      payment.requestRefund({ refundId, operationId: refundId, lines, reason: 'order closed' });
    };
    await this.payments.update(paymentId, settle, { withLines: true });
  }

  /** Payments whose authorization runs out before `before` while nothing is under way on them, soonest first. */
  async authorizationsThatEnd(
    before: Date,
    limit: number,
  ): Promise<{ readonly paymentId: string; readonly orderId: string }[]> {
    return this.payments.dueAuthorizations(before, limit);
  }

  /**
   * The authorization is about to end: captures what pays for goods that have left, or else gives it up. The worker
   * runs the operation that this opens.
   *
   * @param fulfilledMinor worth of all that has left
   */
  async expireAuthorization(paymentId: string, fulfilledMinor: number): Promise<void> {
    await this.payments.update(paymentId, (payment) => {
      const dueMinor = fulfilledMinor - totalOf(payment.state.captured);
      // Somebody else may have taken what was left in the meantime.
      if (payment.state.authorizedUntil !== null) payment.expireAuthorization(newId(), dueMinor);
    });
  }

  /** What of the payments does not come to an end by itself, or takes unusually long. */
  async stuck(): Promise<StuckPayments> {
    return this.findStuckPayments.execute();
  }

  /** Runs an operation to its outcome, inside the deadline of the request. See `RunOperation`. */
  async run(operationId: string): Promise<void> {
    await this.runOperation.execute(operationId);
  }

  /**
   * Runs what is open on an order's payment, and what follows from it, until something is refused or not certain.
   *
   * @returns whether all of it succeeded
   */
  async runOpenOperations(orderId: string): Promise<boolean> {
    for (let round = 0; round < MAX_OPERATIONS_IN_A_ROW; round += 1) {
      const operationIds = await this.payments.openOperationsOfOrder(orderId);
      if (operationIds.length === 0) return true;
      for (const operationId of operationIds) {
        if ((await this.runOperation.execute(operationId)) !== 'succeeded') return false;
      }
    }
    return false;
  }

  /** Payments as their orders must know them. */
  audit(paymentIds: readonly string[]): Promise<PaymentAudit[]> {
    return this.auditPayments.execute(paymentIds);
  }

  /** The orders of the payments that changed after a position, at most `limit`. */
  changedOrders(after: Position, limit: number): Promise<readonly Change[]> {
    return this.auditPayments.changed(after, limit);
  }

  private takeNextUnwindingStep(payment: Payment, reason: string): void {
    switch (payment.state.status) {
      case 'requires_payment_method':
      case 'requires_action':
      case 'processing':
        return payment.cancel();
      case 'authorized':
        return payment.requestVoid(newId());
      case 'partially_captured':
      case 'captured': {
        if (payment.capturableAmount > 0) return payment.requestVoid(newId());
        if (payment.refundableAmount === 0) return;
        const refundId = newId();
        return payment.requestRefund({ refundId, operationId: refundId, reason });
      }
      case 'canceled':
      case 'failed':
        return;
    }
  }
}
