import { DomainError } from '#kernel';
import { type Dispute, DISPUTE_TRANSITIONS, holdsMoney, nextDisputeStatus } from './dispute.js';
import {
  captureEntry,
  type Composition,
  disputeEntry,
  disputeReversalEntry,
  type LedgerEntry,
  refundEntry,
  refundReversalEntry,
  take,
  totalOf,
} from './ledger.js';
import {
  isOpen,
  nextOperationStatus,
  type NewsWorth,
  type Operation,
  type OperationKind,
  worthOf,
} from './operation.js';
import { paymentErrors } from './payment.errors.js';
import type { GatewayOutcome } from './payment-gateway.js';
import type {
  Allocation,
  PaymentChange,
  PaymentState,
  Refund,
  RefundLine,
  RefundRequest,
} from './payment-state.js';
import { nextPaymentStatus, type PaymentStatus } from './payment-status.js';

/**
 * A payment: what was asked of the gateway for one order, and what came of it. Every verb checks its rule, changes
 * the state and notes what must be saved with it. It never calls anything.
 */
export class Payment {
  /** What the verbs since loading have changed; the repository saves exactly this. */
  readonly changes: {
    readonly log: {
      readonly change: PaymentChange;
      readonly state: PaymentState;
      readonly refund?: Refund;
    }[];
    readonly operations: Map<string, Operation>;
    readonly refunds: Map<string, Refund>;
    readonly allocations: Map<string, Allocation>;
    readonly disputes: Map<string, Dispute>;
    readonly ledger: LedgerEntry[];
  } = {
    log: [],
    operations: new Map(),
    refunds: new Map(),
    allocations: new Map(),
    disputes: new Map(),
    ledger: [],
  };

  private constructor(
    private current: PaymentState,
    private readonly operations: Map<string, Operation>,
    private readonly refunds: Map<string, Refund>,
    private readonly allocations: Map<string, Allocation>,
    private readonly disputes: Map<string, Dispute>,
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
      new Map(),
      new Map(),
      new Map(lines.map((line) => [line.lineId, { ...line, refundedAmount: 0 }])),
      new Map(),
    );
    for (const allocation of payment.allocations.values()) payment.setAllocation(allocation);
    if (!isFree)
      payment.addOperation('authorize', operationId, totalOf(opening.total), { method: opening.method });
    payment.record(isFree ? 'captured' : 'created', {});
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
      new Map(operations.map((operation) => [operation.id, operation])),
      new Map(refunds.map((refund) => [refund.id, refund])),
      new Map(allocations.map((allocation) => [allocation.lineId, allocation])),
      new Map(disputes.map((dispute) => [dispute.gatewayId, dispute])),
    );
  }

  get state(): PaymentState {
    return this.current;
  }

  /** What was captured and neither was refunded, nor is about to be, nor is held by a bank. */
  get refundableAmount(): number {
    const { captured, refunded, pendingRefundAmount, disputedAmount } = this.current;
    return Math.max(0, totalOf(captured) - totalOf(refunded) - pendingRefundAmount - disputedAmount);
  }

  /** What was authorized and is not captured yet. */
  get capturableAmount(): number {
    return this.current.authorizedAmount - totalOf(this.current.captured);
  }

  get openOperations(): Operation[] {
    return [...this.operations.values()].filter(isOpen);
  }

  /** Another authorization after a decline, with a method that may be another one. */
  retry(operationId: string, method: string): void {
    const status = nextPaymentStatus(this.current.status, 'processing');
    this.addOperation('authorize', operationId, totalOf(this.current.total), { method });
    this.record('retried', { status, outcome: 'pending', method, declineCode: null });
  }

  /** Asks for `amount` of what was authorized; for all of it that is left when no amount is named. */
  requestCapture(operationId: string, amount?: number): void {
    this.requireStatus('authorized', 'partially_captured');
    this.requireNoneOpen('void');
    const asked = amount ?? this.capturableAmount;
    if (asked <= 0 || asked > this.capturableAmount) {
      throw new DomainError(paymentErrors.capture_exceeds_authorized, {
        extensions: { capturableAmount: this.capturableAmount },
      });
    }
    this.addOperation('capture', operationId, asked);
    this.record('capture_requested', {});
  }

  /**
   * Goods worth `worthMinor` in all may leave: what is authorized covers them, it is not about to be given up, and it
   * has neither been given back nor been taken back by a bank. A refund of a part is goodwill and stops nothing.
   */
  requireCover(worthMinor: number): void {
    this.requireNoneOpen('void');
    const { authorizedAmount, refunded, pendingRefundAmount, disputedAmount } = this.current;
    const gone = totalOf(refunded) + pendingRefundAmount + disputedAmount;
    const isGivenBack = authorizedAmount > 0 && gone >= authorizedAmount;
    if (worthMinor > authorizedAmount || isGivenBack) {
      throw new DomainError(paymentErrors.payment_does_not_cover, {
        extensions: { worthMinor, authorizedAmount },
      });
    }
  }

  /** Gives back what was authorized and is not captured. */
  requestVoid(operationId: string): void {
    this.requireStatus('authorized', 'partially_captured');
    this.requireNoneOpen('capture');
    this.addOperation('void', operationId, this.capturableAmount);
    this.record('void_requested', {});
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
    const lines = (request.lines ?? []).map((line) => this.reserveLine(line.lineId, line.amount));
    const amount = request.lines
      ? lines.reduce((sum, line) => sum + line.amount, 0)
      : (request.amount ?? this.refundableAmount);
    if (amount > this.refundableAmount || amount <= 0) {
      throw new DomainError(paymentErrors.refund_exceeds_captured, {
        extensions: { refundableAmount: this.refundableAmount },
      });
    }
    const refund: Refund = { id: request.refundId, amount, status: 'pending', reason: request.reason, lines };
    this.setRefund(refund);
    this.addOperation('refund', request.operationId, amount, { refundId: refund.id });
    this.record(
      'refund_requested',
      { pendingRefundAmount: this.current.pendingRefundAmount + amount },
      refund,
    );
  }

  /** Takes over what the gateway is certain about. An operation that is resolved already stays as it is. */
  resolve(operationId: string, outcome: GatewayOutcome): void {
    const operation = this.operations.get(operationId);
    if (!operation || !isOpen(operation)) return;
    this.setOperation({
      ...operation,
      status: nextOperationStatus(operation.kind, operation.status, resultOf(outcome)),
      gatewayId: 'gatewayId' in outcome ? (outcome.gatewayId ?? null) : null,
      declineCode: 'declineCode' in outcome ? outcome.declineCode : null,
      needsAttention: false,
    });
    switch (operation.kind) {
      case 'authorize':
        return this.resolveAuthorization(operation, outcome);
      case 'capture':
        return outcome.result === 'succeeded'
          ? this.takeIn(operation, {}, outcome.isLast)
          : this.record('capture_failed', { authorizedUntil: null });
      case 'void':
        return outcome.result === 'succeeded' ? this.releaseRest() : this.record('void_failed', {});
      case 'refund':
        return this.resolveRefund(operation, outcome.result === 'succeeded');
    }
  }

  /** Nobody knows whether the operation had its effect. It stays open, and the payment says so. */
  markUnknown(operationId: string): void {
    const operation = this.operations.get(operationId);
    if (!operation || operation.status !== 'sent') return;
    this.setOperation({ ...operation, status: nextOperationStatus(operation.kind, 'sent', 'unknown') });
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
    const operation = this.requireOperation(operationId);
    if (amount !== operation.amount || currency !== this.current.currency) return 'contradiction';
    const worth = worthOf(operation, resultOf(outcome));
    if (worth !== 'new') return worth;
    if (isOpen(operation)) this.resolve(operationId, outcome);
    else this.reverseRefund(operation, outcome);
    return worth;
  }

  /** Nobody can find out what became of the operation: from now on only staff, or a report of the gateway, say so. */
  requireAttention(operationId: string): void {
    const operation = this.operations.get(operationId);
    if (!operation || !isOpen(operation) || operation.needsAttention) return;
    this.setOperation({ ...operation, needsAttention: true });
    this.record('needs_attention', {});
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
    const operation = this.requireStuck(operationId);
    this.setOperation({ ...operation, resolvedBy: by, resolutionReason: reason });
    if (outcome) this.resolve(operationId, outcome);
    else this.record('asked_again', {});
  }

  private requireStuck(operationId: string): Operation {
    const operation = this.requireOperation(operationId);
    if (isOpen(operation) && operation.needsAttention) return operation;
    throw new DomainError(paymentErrors.operation_not_stuck, {
      extensions: { operationStatus: operation.status },
    });
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
    this.requireNoneOpen('capture');
    this.requireNoneOpen('void');
    this.releaseRest('authorization_expired');
    return true;
  }

  /**
   * Takes over what a bank says of a dispute, the first time or again; older news changes nothing. Money leaves when
   * the bank takes it and comes back when the dispute is won.
   *
   * @returns whether anything was new
   */
  trackDispute(told: Dispute): boolean {
    const known = this.disputes.get(told.gatewayId);
    if (known && (known.status === told.status || !isAhead(known, told))) return false;
    const heldBefore = known && holdsMoney(known) ? known.amount : 0;
    const dispute: Dispute = known
      ? {
          ...told,
          id: known.id,
          status: nextDisputeStatus(known.status, told.status),
          // An inquiry may become a dispute about less; what is posted stays what it is about.
          amount: heldBefore > 0 ? known.amount : told.amount,
        }
      : told;
    this.disputes.set(dispute.gatewayId, dispute);
    this.changes.disputes.set(dispute.gatewayId, dispute);
    const held = holdsMoney(dispute) ? dispute.amount : 0;
    if (held > heldBefore) this.changes.ledger.push(disputeEntry(dispute.id, held));
    if (held < heldBefore) this.changes.ledger.push(disputeReversalEntry(dispute.id, heldBefore));
    this.record(known ? 'dispute_updated' : 'disputed', {
      disputedAmount: this.current.disputedAmount + held - heldBefore,
    });
    return true;
  }

  private resolveAuthorization(operation: Operation, outcome: GatewayOutcome): void {
    switch (outcome.result) {
      case 'succeeded': {
        const authorized = {
          authorizedAmount: operation.amount,
          gatewayPaymentId: outcome.gatewayId,
          authorizedUntil: outcome.authorizedUntil ?? null,
          outcome: null,
        };
        if (this.current.captureMode === 'automatic') return this.takeIn(operation, authorized);
        return this.record('authorized', {
          ...authorized,
          status: nextPaymentStatus(this.current.status, 'authorized'),
        });
      }
      case 'requires_action':
        return this.record('action_required', {
          status: nextPaymentStatus(this.current.status, 'requires_action'),
          outcome: null,
        });
      default:
        return this.record('declined', {
          status: nextPaymentStatus(this.current.status, 'requires_payment_method'),
          outcome: null,
          declineCode: outcome.declineCode,
        });
    }
  }

  /** @param isLast nothing more is held, whether or not all of it was captured */
  private takeIn(operation: Operation, authorization: Partial<PaymentState>, isLast = false): void {
    const { total, captured, currency, status } = this.current;
    const taken = take(operation.amount, minus(total, captured), currency);
    const sum = plus(captured, taken);
    const held = authorization.authorizedAmount ?? this.current.authorizedAmount;
    const authorized = isLast ? totalOf(sum) : held;
    const next = totalOf(sum) === authorized ? 'captured' : 'partially_captured';
    this.changes.ledger.push(captureEntry(operation.id, taken));
    this.record('captured', {
      ...authorization,
      authorizedAmount: authorized,
      captured: sum,
      status: next === status ? status : nextPaymentStatus(status, next),
      ...(next === 'captured' ? { authorizedUntil: null } : {}),
    });
  }

  /** What is authorized and not captured is gone. */
  private releaseRest(change?: PaymentChange): void {
    const { captured, status } = this.current;
    const next = totalOf(captured) === 0 ? 'canceled' : 'captured';
    this.record(change ?? next, {
      status: nextPaymentStatus(status, next),
      authorizedAmount: totalOf(captured),
      authorizedUntil: null,
    });
  }

  private resolveRefund(operation: Operation, succeeded: boolean): void {
    const pending = operation.refundId === null ? undefined : this.refunds.get(operation.refundId);
    if (!pending) throw new Error(`The operation ${operation.id} belongs to no refund.`);
    const refund: Refund = { ...pending, status: succeeded ? 'succeeded' : 'failed' };
    this.setRefund(refund);
    const pendingRefundAmount = this.current.pendingRefundAmount - refund.amount;
    if (succeeded) {
      const { captured, refunded, currency } = this.current;
      const given = take(refund.amount, minus(captured, refunded), currency);
      this.changes.ledger.push(refundEntry(operation.id, given));
      this.record('refunded', { pendingRefundAmount, refunded: plus(refunded, given) }, refund);
    } else {
      for (const { lineId, amount } of refund.lines) this.changeLineRefund(lineId, -amount);
      this.record('refund_failed', { pendingRefundAmount }, refund);
    }
  }

  /** The customer's bank has sent a refund back: it counts as never made. */
  private reverseRefund(operation: Operation, outcome: GatewayOutcome): void {
    const { refundId } = operation;
    const refund = refundId === null ? undefined : this.refunds.get(refundId);
    if (!refund) throw new Error(`The operation ${operation.id} belongs to no refund.`);
    this.setOperation({
      ...operation,
      status: nextOperationStatus(operation.kind, operation.status, 'failed'),
      declineCode: 'declineCode' in outcome ? outcome.declineCode : null,
    });
    const failed: Refund = { ...refund, status: 'failed' };
    this.setRefund(failed);
    for (const { lineId, amount } of refund.lines) this.changeLineRefund(lineId, -amount);
    const { refunded, currency } = this.current;
    const returned = take(refund.amount, refunded, currency);
    this.changes.ledger.push(refundReversalEntry(operation.id, returned));
    this.record('refund_reversed', { refunded: minus(refunded, returned) }, failed);
  }

  private requireOperation(operationId: string): Operation {
    const operation = this.operations.get(operationId);
    if (!operation) throw new DomainError(paymentErrors.operation_not_found);
    return operation;
  }

  private reserveLine(lineId: string, amount: number | undefined): RefundLine {
    const allocation = this.allocations.get(lineId);
    if (!allocation) {
      throw new DomainError(paymentErrors.unknown_refund_line, { extensions: { lineId } });
    }
    const left = allocation.amount - allocation.refundedAmount;
    const asked = amount ?? left;
    if (asked < 0 || asked > left) {
      throw new DomainError(paymentErrors.refund_exceeds_line, {
        extensions: { lineId, refundableAmount: left },
      });
    }
    this.changeLineRefund(lineId, asked);
    return { lineId, amount: asked };
  }

  private changeLineRefund(lineId: string, delta: number): void {
    const allocation = this.allocations.get(lineId);
    if (!allocation) throw new Error(`The payment has no line ${lineId}.`);
    this.setAllocation({ ...allocation, refundedAmount: allocation.refundedAmount + delta });
  }

  private addOperation(
    kind: OperationKind,
    id: string,
    amount: number,
    details: { readonly method?: string; readonly refundId?: string } = {},
  ): void {
    if (kind !== 'refund') this.requireNoneOpen(kind);
    this.setOperation({
      id,
      kind,
      status: 'created',
      amount,
      method: details.method ?? null,
      refundId: details.refundId ?? null,
      declineCode: null,
      gatewayId: null,
      needsAttention: false,
      resolvedBy: null,
      resolutionReason: null,
    });
  }

  private requireNoneOpen(kind: OperationKind): void {
    if (this.openOperations.some((operation) => operation.kind === kind)) {
      throw new DomainError(paymentErrors.payment_operation_open, { detail: `A ${kind} is still open.` });
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

  private setOperation(operation: Operation): void {
    this.operations.set(operation.id, operation);
    this.changes.operations.set(operation.id, operation);
  }

  private setRefund(refund: Refund): void {
    this.refunds.set(refund.id, refund);
    this.changes.refunds.set(refund.id, refund);
  }

  private setAllocation(allocation: Allocation): void {
    this.allocations.set(allocation.lineId, allocation);
    this.changes.allocations.set(allocation.lineId, allocation);
  }

  private record(change: PaymentChange, difference: Partial<PaymentState>, refund?: Refund): void {
    this.current = { ...this.current, ...difference, version: this.current.version + 1 };
    this.changes.log.push({ change, state: this.current, ...(refund ? { refund } : {}) });
  }
}

/** A bank that wants to see the shopper has declined this attempt. */
function resultOf({ result }: GatewayOutcome): 'succeeded' | 'declined' | 'failed' {
  return result === 'requires_action' ? 'declined' : result;
}

function isAhead(known: Dispute, told: Dispute): boolean {
  return DISPUTE_TRANSITIONS[known.status].includes(told.status);
}

function plus(left: Composition, right: Composition): Composition {
  return {
    goods: left.goods + right.goods,
    shipping: left.shipping + right.shipping,
    tax: left.tax + right.tax,
  };
}

function minus(left: Composition, right: Composition): Composition {
  return {
    goods: left.goods - right.goods,
    shipping: left.shipping - right.shipping,
    tax: left.tax - right.tax,
  };
}
