import { type Currency, DomainError } from '#kernel';
import { captureEntry, type Composition, type LedgerEntry, refundEntry, take, totalOf } from './ledger.js';
import { isOpen, nextOperationStatus, type Operation, type OperationKind } from './operation.js';
import { paymentErrors } from './payment.errors.js';
import type { GatewayOutcome } from './payment-gateway.js';
import { nextPaymentStatus, type PaymentStatus } from './payment-status.js';

export const CAPTURE_MODES = ['automatic', 'manual', 'on_fulfillment'] as const;
/** When the money is taken: with the authorization, by staff, or as goods leave. */
export type CaptureMode = (typeof CAPTURE_MODES)[number];

/** Part of a refund that is for one line of the order. */
export interface RefundLine {
  readonly lineId: string;
  readonly amount: number;
}

export interface Refund {
  readonly id: string;
  readonly amount: number;
  readonly status: 'pending' | 'succeeded' | 'failed';
  readonly reason: string | null;
  readonly lines: readonly RefundLine[];
}

/** What can be refunded for a line, and what has been, or is about to be. */
export interface Allocation {
  readonly lineId: string;
  readonly amount: number;
  readonly refundedAmount: number;
}

/** All of a payment that its rules need. Amounts are minor units of `currency`. */
export interface PaymentState {
  readonly id: string;
  readonly orderId: string;
  readonly status: PaymentStatus;
  readonly outcome: 'pending' | 'unknown' | null;
  readonly method: string;
  readonly captureMode: CaptureMode;
  readonly currency: Currency;
  readonly total: Composition;
  readonly authorizedAmount: number;
  readonly captured: Composition;
  readonly refunded: Composition;
  readonly pendingRefundAmount: number;
  readonly gateway: string;
  readonly gatewayPaymentId: string | null;
  readonly declineCode: string | null;
  readonly version: number;
}

/** What happened to the payment in one verb; each becomes one event, and one version. */
export type PaymentChange =
  | 'created'
  | 'authorized'
  | 'captured'
  | 'declined'
  | 'action_required'
  | 'outcome_unknown'
  | 'retried'
  | 'capture_requested'
  | 'capture_failed'
  | 'void_requested'
  | 'void_failed'
  | 'canceled'
  | 'refund_requested'
  | 'refunded'
  | 'refund_failed';

/** Asks for a refund: of an amount, of lines (a line without an amount: the rest of it), or of everything left. */
export interface RefundRequest {
  readonly refundId: string;
  readonly operationId: string;
  readonly amount?: number | undefined;
  readonly lines?: readonly { readonly lineId: string; readonly amount?: number | undefined }[] | undefined;
  readonly reason: string | null;
}

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
    readonly ledger: LedgerEntry[];
  } = { log: [], operations: new Map(), refunds: new Map(), allocations: new Map(), ledger: [] };

  private constructor(
    private current: PaymentState,
    private readonly operations: Map<string, Operation>,
    private readonly refunds: Map<string, Refund>,
    private readonly allocations: Map<string, Allocation>,
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
        gatewayPaymentId: null,
        declineCode: null,
        version: 0,
      },
      new Map(),
      new Map(),
      new Map(lines.map((line) => [line.lineId, { ...line, refundedAmount: 0 }])),
    );
    for (const allocation of payment.allocations.values()) payment.setAllocation(allocation);
    if (!isFree)
      payment.addOperation('authorize', operationId, totalOf(opening.total), { method: opening.method });
    payment.record(isFree ? 'captured' : 'created', {});
    return payment;
  }

  /** A stored payment, with its open operations, the refunds they carry out, and its lines. Checks nothing. */
  static rehydrate(
    state: PaymentState,
    operations: readonly Operation[],
    refunds: readonly Refund[],
    allocations: readonly Allocation[],
  ): Payment {
    return new Payment(
      state,
      new Map(operations.map((operation) => [operation.id, operation])),
      new Map(refunds.map((refund) => [refund.id, refund])),
      new Map(allocations.map((allocation) => [allocation.lineId, allocation])),
    );
  }

  get state(): PaymentState {
    return this.current;
  }

  /** What was captured and neither was refunded nor is about to be. */
  get refundableAmount(): number {
    return totalOf(this.current.captured) - totalOf(this.current.refunded) - this.current.pendingRefundAmount;
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
   * has not all been given back. A refund of a part is goodwill and stops nothing.
   */
  requireCover(worthMinor: number): void {
    this.requireNoneOpen('void');
    const { authorizedAmount, refunded, pendingRefundAmount } = this.current;
    const isGivenBack = authorizedAmount > 0 && totalOf(refunded) + pendingRefundAmount >= authorizedAmount;
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
    const status = outcome.result === 'requires_action' ? 'declined' : outcome.result;
    this.setOperation({
      ...operation,
      status: nextOperationStatus(operation.status, status),
      gatewayId: outcome.result === 'succeeded' ? outcome.gatewayId : null,
      declineCode: 'declineCode' in outcome ? outcome.declineCode : null,
    });
    switch (operation.kind) {
      case 'authorize':
        return this.resolveAuthorization(operation, outcome);
      case 'capture':
        return outcome.result === 'succeeded' ? this.takeIn(operation) : this.record('capture_failed', {});
      case 'void':
        return outcome.result === 'succeeded' ? this.giveUpAuthorization() : this.record('void_failed', {});
      case 'refund':
        return this.resolveRefund(operation, outcome.result === 'succeeded');
    }
  }

  /** Nobody knows whether the operation had its effect. It stays open, and the payment says so. */
  markUnknown(operationId: string): void {
    const operation = this.operations.get(operationId);
    if (!operation || operation.status !== 'sent') return;
    this.setOperation({ ...operation, status: nextOperationStatus('sent', 'unknown') });
    this.record('outcome_unknown', this.current.status === 'processing' ? { outcome: 'unknown' } : {});
  }

  private resolveAuthorization(operation: Operation, outcome: GatewayOutcome): void {
    switch (outcome.result) {
      case 'succeeded': {
        const authorized = {
          authorizedAmount: operation.amount,
          gatewayPaymentId: outcome.gatewayId,
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

  private takeIn(operation: Operation, authorization: Partial<PaymentState> = {}): void {
    const { total, captured, currency, status } = this.current;
    const taken = take(operation.amount, minus(total, captured), currency);
    const sum = plus(captured, taken);
    const authorized = authorization.authorizedAmount ?? this.current.authorizedAmount;
    const next = totalOf(sum) === authorized ? 'captured' : 'partially_captured';
    this.changes.ledger.push(captureEntry(operation.id, taken));
    this.record('captured', {
      ...authorization,
      captured: sum,
      status: next === status ? status : nextPaymentStatus(status, next),
    });
  }

  private giveUpAuthorization(): void {
    const { captured, status } = this.current;
    const isUntouched = totalOf(captured) === 0;
    this.record(isUntouched ? 'canceled' : 'captured', {
      status: nextPaymentStatus(status, isUntouched ? 'canceled' : 'captured'),
      authorizedAmount: totalOf(captured),
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
