import type { LinePieces, PaymentNews } from '../order.js';
import type { OrderChange } from '../order-change.js';
import type { OrderStatus } from '../order-status.js';

/** What must come of a command: a refusal with this code, or this row of the timeline, or none. */
export type Answer =
  | { readonly refused: string }
  | { readonly noted: { from: OrderStatus | null; to: OrderStatus; change: OrderChange } | null };

interface ModelLine {
  readonly lineId: string;
  readonly quantity: number;
  fulfilled: number;
  canceled: number;
  returned: number;
  refunded: number;
}

/** What an order notes even where the status of its payment stays. */
const NEWS_IN_ITSELF: readonly string[] = [
  'payment_capture_failed',
  'payment_void_failed',
  'refunded',
  'refund_failed',
  'refund_reversed',
  'payment_disputed',
  'payment_dispute_updated',
  'payment_needs_attention',
];
const PAID = ['authorized', 'partially_captured', 'captured'];

/**
 * An order, said a second time and as simply as it can be: counts of pieces and minutes since it was placed. The real
 * one is held against it, command by command.
 */
export class OrderModel {
  status: OrderStatus = 'pending_payment';
  payment: Pick<PaymentNews, 'status' | 'outcome' | 'declineCode'> = {
    status: 'processing',
    outcome: 'pending',
    declineCode: null,
  };
  version = 1;
  minute = 0;
  customerId: string | null = null;
  private changedInMinute = 0;
  readonly lines: readonly ModelLine[];

  /** @param windowMinutes how long it waits for its payment */
  constructor(
    quantities: readonly number[],
    private readonly windowMinutes: number,
  ) {
    this.lines = quantities.map((quantity, index) => ({
      lineId: `line ${index}`,
      quantity,
      fulfilled: 0,
      canceled: 0,
      returned: 0,
      refunded: 0,
    }));
  }

  applyPayment({ status, outcome, declineCode, cause, refunded }: PaymentNews): Answer {
    const before = this.payment;
    const isSame =
      status === before.status && outcome === before.outcome && declineCode === before.declineCode;
    if (isSame && !NEWS_IN_ITSELF.includes(cause)) return { noted: null };
    if (refunded.some(({ lineId }) => !this.lineOf(lineId))) return { refused: 'unknown_order_line' };
    for (const line of this.lines) {
      for (const { lineId, amount } of refunded) if (lineId === line.lineId) line.refunded += amount;
    }
    this.payment = { status, outcome, declineCode };
    if (this.status === 'pending_payment' && PAID.includes(status)) return this.become('confirmed');
    if (this.status === 'confirmed' && status === 'canceled') {
      return this.become('cancel_pending', 'cancel_requested');
    }
    return this.become(this.status, cause);
  }

  requestCancel(): Answer {
    return this.from(['pending_payment', 'confirmed'], () =>
      this.become('cancel_pending', 'cancel_requested'),
    );
  }

  completeCancel(): Answer {
    return this.from(['cancel_pending'], () => this.become('canceled'));
  }

  expire(): Answer {
    const isOver = this.payment.outcome === null && this.minute >= this.windowMinutes;
    return this.from(isOver ? ['pending_payment'] : [], () => this.become('expired'));
  }

  fulfil(pieces: readonly LinePieces[]): Answer {
    const isPaid = PAID.includes(this.payment.status);
    return this.from(isPaid ? ['confirmed', 'partially_fulfilled'] : [], () => {
      for (const [index, { lineId }] of pieces.entries()) {
        const line = this.lineOf(lineId);
        if (!line) return { refused: 'unknown_order_line' };
        const asked = piecesOf(pieces.slice(0, index + 1), lineId);
        if (asked > line.quantity - line.fulfilled) return { refused: 'quantity_exceeds_open' };
      }
      for (const line of this.lines) line.fulfilled += piecesOf(pieces, line.lineId);
      const isAll = this.lines.every(({ quantity, fulfilled }) => quantity === fulfilled);
      return this.become(isAll ? 'fulfilled' : 'partially_fulfilled');
    });
  }

  close(): Answer {
    return this.from(['partially_fulfilled'], () => {
      for (const line of this.lines) line.canceled = line.quantity - line.fulfilled;
      return this.become('fulfilled', 'closed');
    });
  }

  takeBack(pieces: readonly LinePieces[]): Answer {
    return this.from(['partially_fulfilled', 'fulfilled', 'completed'], () => {
      for (const { lineId } of pieces) {
        const line = this.lineOf(lineId);
        if (!line) return { refused: 'unknown_order_line' };
        if (piecesOf(pieces, lineId) > line.fulfilled - line.returned) {
          return { refused: 'quantity_exceeds_fulfilled' };
        }
      }
      for (const line of this.lines) line.returned += piecesOf(pieces, line.lineId);
      return this.become(this.status, 'returned');
    });
  }

  complete(quietMinutes: number): Answer {
    const isQuiet = this.changedInMinute <= this.minute - quietMinutes;
    const isDue = isQuiet && this.payment.status === 'captured';
    return this.from(isDue ? ['fulfilled'] : [], () => this.become('completed'));
  }

  claim(customerId: string): Answer {
    if (this.customerId !== null) return { refused: 'order_state_conflict' };
    this.customerId = customerId;
    return this.become(this.status, 'claimed');
  }

  transfer(customerId: string): Answer {
    if (this.customerId === null || this.customerId === customerId) {
      return { refused: 'order_state_conflict' };
    }
    this.customerId = customerId;
    return this.become(this.status, 'transferred');
  }

  private from(allowed: readonly OrderStatus[], act: () => Answer): Answer {
    return allowed.includes(this.status) ? act() : { refused: 'order_state_conflict' };
  }

  private become(to: OrderStatus, change: OrderChange = to as OrderChange): Answer {
    const from = this.status;
    this.status = to;
    this.version += 1;
    this.changedInMinute = this.minute;
    return { noted: { from, to, change } };
  }

  private lineOf(lineId: string): ModelLine | undefined {
    return this.lines.find((line) => line.lineId === lineId);
  }
}

function piecesOf(pieces: readonly LinePieces[], lineId: string): number {
  return pieces.reduce((sum, piece) => sum + (piece.lineId === lineId ? piece.quantity : 0), 0);
}
