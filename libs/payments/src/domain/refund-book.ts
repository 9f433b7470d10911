import { DomainError } from '#kernel';
import { minus, plus, refundEntry, refundReversalEntry, take, totalOf } from './ledger.js';
import type { Operation } from './operation.js';
import { paymentErrors } from './payment.errors.js';
import type {
  Allocation,
  ClosedWorth,
  Consequence,
  PaymentState,
  Refund,
  RefundLine,
  RefundRequest,
} from './payment-state.js';
import { TrackedMap } from './tracked-map.js';

/** What was captured and neither was refunded, nor is about to be, nor is held by a bank; in minor units. */
export function refundableAmount(state: PaymentState): number {
  const { captured, refunded, pendingRefundAmount, disputedAmount } = state;
  return Math.max(0, totalOf(captured) - totalOf(refunded) - pendingRefundAmount - disputedAmount);
}

/**
 * The refunds of one payment, and how much of each line they have taken. A refund reserves its amount when it is
 * asked for, keeps it when it is made, and frees it when it fails, or comes back.
 */
export class RefundBook {
  private constructor(
    private readonly refunds: TrackedMap<Refund>,
    private readonly allocations: TrackedMap<Allocation>,
  ) {}

  /** The book of a new payment. */
  static open(lines: readonly RefundLine[]): RefundBook {
    const book = RefundBook.rehydrate([], []);
    for (const line of lines) book.allocations.set(line.lineId, { ...line, refundedAmount: 0 });
    return book;
  }

  static rehydrate(refunds: readonly Refund[], allocations: readonly Allocation[]): RefundBook {
    return new RefundBook(
      new TrackedMap(refunds.map((refund) => [refund.id, refund])),
      new TrackedMap(allocations.map((allocation) => [allocation.lineId, allocation])),
    );
  }

  get changedRefunds(): ReadonlyMap<string, Refund> {
    return this.refunds.changed;
  }

  get changedAllocations(): ReadonlyMap<string, Allocation> {
    return this.allocations.changed;
  }

  /**
   * Reserves the refundable amount, of the payment and of each line named.
   *
   * @throws DomainError refund_exceeds_captured, refund_exceeds_line, unknown_refund_line
   */
  reserve(state: PaymentState, request: RefundRequest): Consequence & { readonly refund: Refund } {
    const refundable = refundableAmount(state);
    const lines = (request.lines ?? []).map((line) => this.reserveLine(line.lineId, line.amount));
    const amount = request.lines
      ? lines.reduce((sum, line) => sum + line.amount, 0)
      : (request.amount ?? refundable);
    if (amount > refundable || amount <= 0) {
      throw new DomainError(paymentErrors.refund_exceeds_captured, {
        extensions: { refundableAmount: refundable },
      });
    }
    const refund: Refund = { id: request.refundId, amount, status: 'pending', reason: request.reason, lines };
    this.refunds.set(refund.id, refund);
    return {
      change: 'refund_requested',
      difference: { pendingRefundAmount: state.pendingRefundAmount + amount },
      refund,
    };
  }

  /**
   * What is to be refunded of each line for pieces that will not leave: what was captured beyond the worth of what has
   * left. What was given back already, or is about to be, counts, but for what pays for pieces that came back: a refund
   * too many never comes back, and one too few is made by hand.
   */
  dueForClosed(state: PaymentState, { fulfilledMinor, returnedMinor, canceled }: ClosedWorth): RefundLine[] {
    const given = Math.max(0, totalOf(state.refunded) + state.pendingRefundAmount - returnedMinor);
    let left = Math.min(totalOf(state.captured) - fulfilledMinor - given, refundableAmount(state));
    const due: RefundLine[] = [];
    for (const { lineId, amount: worth } of canceled) {
      const allocation = this.allocations.get(lineId);
      const open = allocation ? allocation.amount - allocation.refundedAmount : 0;
      const amount = Math.min(left, worth, open);
      if (amount <= 0) continue;
      due.push({ lineId, amount });
      left -= amount;
    }
    return due;
  }

  /** The gateway has made the refund that the operation carries out, or has refused it. */
  resolve(state: PaymentState, operation: Operation, isMade: boolean): Consequence {
    const refund = this.settle(operation, isMade ? 'succeeded' : 'failed');
    const pendingRefundAmount = state.pendingRefundAmount - refund.amount;
    if (!isMade) return { change: 'refund_failed', difference: { pendingRefundAmount }, refund };
    const { captured, refunded, currency } = state;
    const given = take(refund.amount, minus(captured, refunded), currency);
    return {
      change: 'refunded',
      difference: { pendingRefundAmount, refunded: plus(refunded, given) },
      entry: refundEntry(operation.id, given),
      refund,
    };
  }

  /** The customer's bank has sent a refund back: it counts as never made. */
  reverse(state: PaymentState, operation: Operation): Consequence {
    const refund = this.settle(operation, 'failed');
    const { refunded, currency } = state;
    const returned = take(refund.amount, refunded, currency);
    return {
      change: 'refund_reversed',
      difference: { refunded: minus(refunded, returned) },
      entry: refundReversalEntry(operation.id, returned),
      refund,
    };
  }

  private settle({ id, refundId }: Operation, status: 'succeeded' | 'failed'): Refund {
    const known = refundId === null ? undefined : this.refunds.get(refundId);
    if (!known) throw new Error(`The operation ${id} belongs to no refund.`);
    const refund: Refund = { ...known, status };
    this.refunds.set(refund.id, refund);
    if (status === 'failed') {
      for (const { lineId, amount } of refund.lines) this.changeLine(lineId, -amount);
    }
    return refund;
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
    this.changeLine(lineId, asked);
    return { lineId, amount: asked };
  }

  private changeLine(lineId: string, delta: number): void {
    const allocation = this.allocations.get(lineId);
    if (!allocation) throw new Error(`The payment has no line ${lineId}.`);
    this.allocations.set(lineId, { ...allocation, refundedAmount: allocation.refundedAmount + delta });
  }
}
