import { DomainError } from '#kernel';
import { afterAuthorization, afterCapture, afterRelease, capturableAmount, requireCover } from './charge.js';
import type { Dispute } from './dispute.js';
import { DisputeBook } from './dispute-book.js';
import { type Composition, type LedgerEntry, totalOf } from './ledger.js';
import { isOpen, type NewsWorth, type Operation, worthOf } from './operation.js';
import { OperationBook, resultOf } from './operation-book.js';
import { paymentErrors } from './payment.errors.js';
import type { GatewayOutcome } from './payment-gateway.js';
import type {
  Allocation,
  ClosedWorth,
  Consequence,
  PaymentChange,
  PaymentChanges,
  PaymentState,
  Refund,
  RefundLine,
  RefundRequest,
} from './payment-state.js';
import { nextPaymentStatus, type PaymentStatus } from './payment-status.js';
import { RefundBook, refundableAmount } from './refund-book.js';

/**
 * A payment: what was asked of the gateway for one order, and what came of it. Every verb checks its rule, changes
 * the state and notes what must be saved with it. It never calls anything. Its parts know one subject each: what was
 * asked (`OperationBook`), the charge (`charge.ts`), and what comes after it (`RefundBook`, `DisputeBook`).
 */
export class Payment {
  private readonly log: PaymentChanges['log'][number][] = [];
  private readonly ledger: LedgerEntry[] = [];

  private constructor(
    private current: PaymentState,
    private readonly operations: OperationBook,
    private readonly refunds: RefundBook,
    private readonly disputes: DisputeBook,
  ) {}

  /** A new payment with its first authorization, ready to be sent. A payment of nothing is captured at once. */
  static open(
    opening: Pick<
      PaymentState,
      'id' | 'orderId' | 'method' | 'captureMode' | 'currency' | 'total' | 'gateway'
    > & {
      readonly operationId: string;
      readonly lines: readonly RefundLine[];
    },
  ): Payment {
    const { operationId, lines, ...rest } = opening;
    const nothing: Composition = { goods: 0, shipping: 0, tax: 0 };
    const isFree = totalOf(opening.total) === 0;
    const payment = new Payment(
      {
        ...rest,
        status: isFree ? 'captured' : 'processing',
        outcome: isFree ? null : 'pending',
        authorizedAmount: 0,
        captured: nothing,
        refunded: nothing,
        pendingRefundAmount: 0,
        disputedAmount: 0,
        gatewayPaymentId: null,
        authorizedUntil: null,
        declineCode: null,
        version: 0,
      },
      new OperationBook([]),
      RefundBook.open(lines),
      new DisputeBook([]),
    );
    if (!isFree) {
      payment.operations.add('authorize', operationId, totalOf(opening.total), { method: opening.method });
    }
    payment.record(isFree ? 'captured' : 'created');
    return payment;
  }

  /**
   * A stored payment, with its open operations, the refunds they carry out, its lines, and what else the verb to come
   * is about. Checks nothing.
   */
  static rehydrate(
    state: PaymentState,
    operations: readonly Operation[],
    refunds: readonly Refund[],
    allocations: readonly Allocation[],
    disputes: readonly Dispute[] = [],
  ): Payment {
    return new Payment(
      state,
      new OperationBook(operations),
      RefundBook.rehydrate(refunds, allocations),
      new DisputeBook(disputes),
    );
  }

  get state(): PaymentState {
    return this.current;
  }

  get changes(): PaymentChanges {
    return {
      log: this.log,
      operations: this.operations.changed,
      refunds: this.refunds.changedRefunds,
      allocations: this.refunds.changedAllocations,
      disputes: this.disputes.changed,
      ledger: this.ledger,
    };
  }

  /** What was captured and neither was refunded, nor is about to be, nor is held by a bank. */
  get refundableAmount(): number {
    return refundableAmount(this.current);
  }

  /** What was authorized and is not captured yet. */
  get capturableAmount(): number {
    return capturableAmount(this.current);
  }

  /** What is to be refunded of each line of a closed order; see `RefundBook`. */
  refundsDueForClosed(closed: ClosedWorth): RefundLine[] {
    return this.refunds.dueForClosed(this.current, closed);
  }

  get openOperations(): Operation[] {
    return this.operations.open;
  }

  /** Another authorization after a decline, with a method that may be another one. */
  retry(operationId: string, method: string): void {
    const status = nextPaymentStatus(this.current.status, 'processing');
    this.operations.add('authorize', operationId, totalOf(this.current.total), { method });
    this.record('retried', { status, outcome: 'pending', method, declineCode: null });
  }

  /** Asks for `amount` of what was authorized; for all of it that is left when no amount is named. */
  requestCapture(operationId: string, amount?: number): void {
    this.requireStatus('authorized', 'partially_captured');
    this.operations.requireNoneOpen('void');
    const asked = amount ?? this.capturableAmount;
    if (asked <= 0 || asked > this.capturableAmount) {
      throw new DomainError(paymentErrors.capture_exceeds_authorized, {
        extensions: { capturableAmount: this.capturableAmount },
      });
    }
    this.operations.add('capture', operationId, asked);
    this.record('capture_requested');
  }

  /**
   * Goods worth `worthMinor` in all may leave: the money covers them, and is not about to be given up.
   *
   * @throws DomainError payment_does_not_cover, payment_operation_open
   */
  requireCover(worthMinor: number): void {
    this.operations.requireNoneOpen('void');
    requireCover(this.current, worthMinor);
  }

  /** Gives back what was authorized and is not captured. */
  requestVoid(operationId: string): void {
    this.requireStatus('authorized', 'partially_captured');
    this.operations.requireNoneOpen('capture');
    this.operations.add('void', operationId, this.capturableAmount);
    this.record('void_requested');
  }

  /** Ends a payment that holds no money and that nothing is asked for any more. */
  cancel(): void {
    this.requireStatus('requires_payment_method', 'requires_action', 'processing');
    if (this.openOperations.length > 0) throw new DomainError(paymentErrors.payment_operation_open);
    this.record('canceled', { status: nextPaymentStatus(this.current.status, 'canceled'), outcome: null });
  }

  /** Reserves the refundable amount, of the payment and of each line named, and asks for the refund. */
  requestRefund(request: RefundRequest): void {
    this.requireStatus('captured', 'partially_captured');
    const reserved = this.refunds.reserve(this.current, request);
    const { id: refundId, amount } = reserved.refund;
    this.operations.add('refund', request.operationId, amount, { refundId });
    this.takeOver(reserved);
  }

  /** Takes over what the gateway is certain about. An operation that is resolved already stays as it is. */
  resolve(operationId: string, outcome: GatewayOutcome): void {
    const operation = this.operations.findOpen(operationId);
    if (!operation) return;
    this.operations.resolve(operation, outcome);
    this.takeOver(this.consequenceOf(operation, outcome));
  }

  /** Nobody knows whether the operation had its effect. It stays open, and the payment says so. */
  markUnknown(operationId: string): void {
    if (!this.operations.markUnknown(operationId)) return;
    this.record('outcome_unknown', this.current.status === 'processing' ? { outcome: 'unknown' } : {});
  }

  /**
   * Takes over what the gateway reports of an operation by itself, in whatever order its reports come: what is new is
   * applied, what is older than what is known is not. A contradiction changes nothing: it is for staff to look at.
   *
   * @param report with its amount in minor units: a report about another amount is a contradiction as well
   * @returns what the report was worth
   */
  learn(report: {
    readonly operationId: string;
    readonly outcome: GatewayOutcome;
    readonly amount: number;
    readonly currency: string;
  }): NewsWorth {
    const { operationId, outcome, amount, currency } = report;
    const operation = this.operations.require(operationId);
    if (amount !== operation.amount || currency !== this.current.currency) return 'contradiction';
    const worth = worthOf(operation, resultOf(outcome));
    if (worth !== 'new') return worth;
    if (isOpen(operation)) {
      this.resolve(operationId, outcome);
    } else {
      this.operations.reverse(operation, outcome);
      this.takeOver(this.refunds.reverse(this.current, operation));
    }
    return worth;
  }

  /** Nobody can find out what became of the operation: from now on only staff, or a report of the gateway, say so. */
  requireAttention(operationId: string): void {
    if (this.operations.requireAttention(operationId)) this.record('needs_attention');
  }

  /**
   * Staff say what became of an operation that nobody could find out about, or that the gateway shall be asked again
   * (no outcome).
   *
   * @throws DomainError operation_not_found, operation_not_stuck
   */
  decide(
    operationId: string,
    outcome: GatewayOutcome | undefined,
    { by, reason }: { readonly by: string; readonly reason: string },
  ): void {
    this.operations.noteDecision(operationId, by, reason);
    if (outcome) this.resolve(operationId, outcome);
    else this.record('asked_again');
  }

  /**
   * The time of the authorization runs out: what pays for goods that have left is captured, and then the rest is given
   * up. Each is tried once; what is refused is for staff, or for the report of the gateway that it has ended.
   *
   * @param dueMinor worth of what has left and is not captured yet
   */
  expireAuthorization(operationId: string, dueMinor: number): void {
    if (dueMinor > 0) return this.requestCapture(operationId, Math.min(dueMinor, this.capturableAmount));
    this.current = { ...this.current, authorizedUntil: null };
    this.requestVoid(operationId);
  }

  /**
   * The gateway holds no longer what was authorized and not captured.
   *
   * @returns whether that was new
   * @throws DomainError payment_operation_open while a capture or a void finds out by itself
   */
  endAuthorization(): boolean {
    const { status } = this.current;
    if (status !== 'authorized' && status !== 'partially_captured') return false;
    this.operations.requireNoneOpen('capture', 'void');
    this.takeOver(afterRelease(this.current, 'authorization_expired'));
    return true;
  }

  /**
   * Takes over what a bank says of a dispute; older news changes nothing. See `DisputeBook`.
   *
   * @returns whether anything was new
   */
  trackDispute(told: Dispute): boolean {
    const consequence = this.disputes.track(this.current, told);
    if (consequence) this.takeOver(consequence);
    return consequence !== undefined;
  }

  private consequenceOf(operation: Operation, outcome: GatewayOutcome): Consequence {
    const isMade = outcome.result === 'succeeded';
    switch (operation.kind) {
      case 'authorize':
        return afterAuthorization(this.current, operation, outcome);
      case 'capture':
        return isMade
          ? afterCapture(this.current, operation, outcome.isLast)
          : { change: 'capture_failed', difference: { authorizedUntil: null } };
      case 'void':
        return isMade ? afterRelease(this.current, 'voided') : { change: 'void_failed', difference: {} };
      case 'refund':
        return this.refunds.resolve(this.current, operation, isMade);
    }
  }

  private requireStatus(...allowed: readonly PaymentStatus[]): void {
    if (!allowed.includes(this.current.status)) {
      throw new DomainError(paymentErrors.payment_state_conflict, {
        detail: `The payment is ${this.current.status}; this needs ${allowed.join(' or ')}.`,
        extensions: { paymentStatus: this.current.status },
      });
    }
  }

  private record(change: PaymentChange, difference: Partial<PaymentState> = {}): void {
    this.takeOver({ change, difference });
  }

  private takeOver({ change, difference, entry, refund }: Consequence): void {
    if (entry) this.ledger.push(entry);
    this.current = { ...this.current, ...difference, version: this.current.version + 1 };
    this.log.push({ change, state: this.current, ...(refund ? { refund } : {}) });
  }
}
