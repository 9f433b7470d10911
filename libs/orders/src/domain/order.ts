import { allocate, type Currency, DomainError, type Money } from '#kernel';
import type { OrderChange, PaymentCause } from './order-change.js';
import { orderErrors } from './order.errors.js';
import { nextOrderStatus, type OrderStatus } from './order-status.js';
import { shareOfPieces } from './pricing.js';

/** One line of an order. Prices, amounts and names are those of the moment when it was placed. */
export interface OrderLine {
  readonly id: string;
  readonly productId: string;
  readonly sku: string;
  readonly name: string;
  readonly quantity: number;
  readonly unitPrice: Money;
  readonly total: Money;
  /** The line's share of the order's total, with shipping and tax. */
  readonly allocated: Money;
  readonly fulfilledQuantity: number;
  /** Of what was not fulfilled when the order was closed: it will never leave. */
  readonly canceledQuantity: number;
  /** Of what was fulfilled. */
  readonly returnedQuantity: number;
  readonly refundedAmount: number;
}

export interface ShippingAddress {
  readonly name?: string | undefined;
  readonly line1?: string | undefined;
  readonly line2?: string | undefined;
  readonly city?: string | undefined;
  readonly region?: string | undefined;
  readonly postalCode?: string | undefined;
  readonly country: string;
}

/** What an order knows of its payment. */
export interface OrderPayment {
  readonly id: string;
  readonly status: string;
  readonly outcome: 'pending' | 'unknown' | null;
  readonly declineCode: string | null;
}

/** When the rest of an order was given up, and what the pieces were worth, in minor units, that had come back by then. */
export interface Closing {
  readonly at: Date;
  readonly returnedMinor: number;
}

/** All of an order but its number, which the store gives it. */
export interface OrderState {
  readonly id: string;
  readonly status: OrderStatus;
  /** Null for a guest. */
  readonly customerId: string | null;
  readonly email: string;
  readonly currency: Currency;
  readonly subtotal: Money;
  readonly shipping: Money;
  readonly tax: Money;
  readonly total: Money;
  readonly payment: OrderPayment;
  readonly shippingAddress: ShippingAddress | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly version: number;
  readonly placedAt: Date;
  readonly updatedAt: Date;
  readonly expiresAt: Date;
  /** Null while nothing of it was given up. */
  readonly closing: Closing | null;
}

/** What a change is about of one line: so many pieces, and minor units with their share of shipping and tax. */
export interface LineChange {
  readonly lineId: string;
  readonly productId: string;
  readonly quantity: number;
  readonly amount: number;
}

export interface TimelineEntry {
  readonly version: number;
  readonly from: OrderStatus | null;
  readonly to: OrderStatus;
  readonly change: OrderChange;
  readonly reason: string | null;
  readonly occurredAt: Date;
  /** Empty where the change is about no goods and moves no money. Events tell it; the timeline does not keep it. */
  readonly lines: readonly LineChange[];
}

export interface PaymentNews extends OrderPayment {
  /** What has become of the payment, as the timeline tells it when the order's status stays. */
  readonly cause: PaymentCause;
  /** Minor units refunded just now; negative for a refund that came back. */
  readonly refundedMinor: number;
  /** How they are divided, where the refund says so. */
  readonly refunded: readonly { readonly lineId: string; readonly amount: number }[];
}

/** So many pieces of a line. */
export interface LinePieces {
  readonly lineId: string;
  readonly quantity: number;
}

/** An order of which no more will leave than has left, with what pieces are worth; in minor units. */
export interface ClosedOrder {
  readonly fulfilledMinor: number;
  /** Of what has left, what had come back by then. */
  readonly returnedMinor: number;
  /** What each line would have cost that will not leave. */
  readonly canceled: readonly { readonly lineId: string; readonly amount: number }[];
}

/** Payment statuses that back an order with money. */
const PAID = new Set(['authorized', 'partially_captured', 'captured']);

/** News that belong in the timeline although the payment's status stays what it is. */
const ALWAYS_NOTED: ReadonlySet<PaymentCause> = new Set([
  'payment_capture_failed',
  'payment_void_failed',
  'refunded',
  'refund_failed',
  'refund_reversed',
  'payment_disputed',
  'payment_dispute_updated',
  'payment_needs_attention',
]);

/** Something has left the house and may come back. */
const RETURNABLE: ReadonlySet<OrderStatus> = new Set(['partially_fulfilled', 'fulfilled', 'completed']);

/**
 * An order and its life. Every verb checks its rule against the transition table, changes the state, and notes a row
 * of the timeline. It never calls anything.
 */
export class Order {
  /** What the verbs since loading have changed; the repository saves exactly this. */
  readonly changes: { readonly timeline: TimelineEntry[]; readonly lines: Map<string, OrderLine> } = {
    timeline: [],
    lines: new Map(),
  };

  private constructor(
    private current: OrderState,
    private readonly linesById: Map<string, OrderLine>,
  ) {}

  /** A new order that waits for its payment. */
  static place(
    order: Omit<OrderState, 'status' | 'version' | 'updatedAt' | 'closing' | 'payment'> & {
      readonly paymentId: string;
    },
    lines: readonly OrderLine[],
  ): Order {
    const { paymentId, ...rest } = order;
    const payment: OrderPayment = {
      id: paymentId,
      status: 'processing',
      outcome: 'pending',
      declineCode: null,
    };
    const placed = new Order(
      { ...rest, payment, status: 'pending_payment', version: 0, updatedAt: order.placedAt, closing: null },
      new Map(),
    );
    for (const line of lines) placed.setLine(line);
    placed.note('placed', null, order.placedAt, { lines: placed.everyPiece });
    return placed;
  }

  /** A stored order with its lines. Checks nothing. */
  static rehydrate(state: OrderState, lines: readonly OrderLine[]): Order {
    return new Order(state, new Map(lines.map((line) => [line.id, line])));
  }

  get state(): OrderState {
    return this.current;
  }

  get lines(): OrderLine[] {
    return [...this.linesById.values()];
  }

  /**
   * Takes over what its payment has become. Money that covers it confirms an order that waits for it; a confirmed
   * order whose money was given up is to be canceled, since nothing pays for it.
   */
  applyPayment(news: PaymentNews, now: Date): void {
    const { payment } = this.current;
    const isSame =
      news.status === payment.status &&
      news.outcome === payment.outcome &&
      news.declineCode === payment.declineCode;
    if (isSame && !ALWAYS_NOTED.has(news.cause)) return;
    const { id, status, outcome, declineCode } = news;
    this.current = { ...this.current, payment: { id, status, outcome, declineCode } };
    for (const { lineId, amount } of news.refunded) {
      const line = this.requireLine(lineId);
      this.setLine({ ...line, refundedAmount: line.refundedAmount + amount });
    }
    if (this.current.status === 'pending_payment' && PAID.has(status)) {
      this.moveTo('confirmed', 'confirmed', null, now, this.everyPiece);
    } else if (this.current.status === 'confirmed' && status === 'canceled') {
      this.moveTo('cancel_pending', 'cancel_requested', 'payment voided', now, this.everyPiece);
    } else {
      this.note(news.cause, null, now, { lines: this.refundedLines(news) });
    }
  }

  /** Another authorization may be tried: the order waits, and nothing is on its way. */
  requireAnotherAttempt(now: Date): void {
    const { status, payment, expiresAt } = this.current;
    const isWaiting = status === 'pending_payment' && payment.outcome === null && expiresAt > now;
    if (!isWaiting) {
      throw this.conflict('The order does not wait for another payment attempt.');
    }
  }

  requestCancel(reason: string | null, now: Date): void {
    this.moveTo('cancel_pending', 'cancel_requested', reason, now, this.everyPiece);
  }

  /** Every operation is certain and no money is held: the order is gone. */
  completeCancel(now: Date): void {
    this.moveTo('canceled', 'canceled', null, now);
  }

  /** Whether its time is over and no money can be on its way. */
  isDueToExpire(now: Date): boolean {
    const { status, payment, expiresAt } = this.current;
    return status === 'pending_payment' && payment.outcome === null && expiresAt <= now;
  }

  expire(now: Date): void {
    if (!this.isDueToExpire(now)) throw this.conflict('The order is not due to expire.');
    this.moveTo('expired', 'expired', null, now);
  }

  /** Sends out pieces of lines. */
  fulfil(pieces: readonly LinePieces[], now: Date): void {
    this.requireFulfillable();
    const lines = pieces.map(({ lineId, quantity }) => {
      const line = this.requireLine(lineId);
      const fulfilledQuantity = line.fulfilledQuantity + quantity;
      if (fulfilledQuantity > line.quantity) {
        throw new DomainError(orderErrors.quantity_exceeds_open, {
          extensions: { lineId, openQuantity: line.quantity - line.fulfilledQuantity },
        });
      }
      this.setLine({ ...line, fulfilledQuantity });
      return piecesOf(line, line.fulfilledQuantity, fulfilledQuantity);
    });
    const isComplete = this.lines.every(({ quantity, fulfilledQuantity }) => fulfilledQuantity === quantity);
    const status = isComplete ? 'fulfilled' : 'partially_fulfilled';
    if (this.current.status === status) this.note('partially_fulfilled', null, now, { lines });
    else this.moveTo(status, status, null, now, lines);
  }

  /**
   * Gives up the pieces that have not left, after others have: nothing more of it will. An order of which nothing has
   * left is canceled instead.
   */
  close(reason: string | null, now: Date): void {
    const { status } = this.current;
    if (status !== 'partially_fulfilled') {
      throw this.conflict(
        `The order is ${status}: only the rest of a partially fulfilled one can be closed.`,
      );
    }
    const rest = this.lines.filter((line) => line.fulfilledQuantity < line.quantity);
    for (const line of rest) {
      this.setLine({ ...line, canceledQuantity: line.quantity - line.fulfilledQuantity });
    }
    const returnedMinor = this.lines.reduce((sum, line) => sum + worthOf(line, 0, line.returnedQuantity), 0);
    this.current = { ...this.current, closing: { at: now, returnedMinor } };
    const lines = rest.map((line) => piecesOf(line, line.fulfilledQuantity, line.quantity));
    this.moveTo('fulfilled', 'closed', reason, now, lines);
  }

  /** What the pieces are worth that have left, had come back when the rest was given up, and will not leave. */
  get closed(): ClosedOrder {
    return {
      fulfilledMinor: this.fulfilledMinor,
      returnedMinor: this.current.closing?.returnedMinor ?? 0,
      canceled: this.lines.map((line) => ({
        lineId: line.id,
        amount: worthOf(line, line.quantity - line.canceledQuantity, line.quantity),
      })),
    };
  }

  /**
   * Takes back pieces of lines that had left. What the customer gets for them is a refund's business. An entry may name
   * the line of another: the pieces of a line are checked together.
   */
  takeBack(pieces: readonly LinePieces[], reason: string | null, now: Date): void {
    const { status } = this.current;
    if (!RETURNABLE.has(status)) throw this.conflict(`The order is ${status}: nothing of it can come back.`);
    const quantities = new Map<string, number>();
    for (const { lineId, quantity } of pieces) {
      quantities.set(lineId, (quantities.get(lineId) ?? 0) + quantity);
    }
    const lines = [...quantities].map(([lineId, quantity]) => {
      const line = this.requireLine(lineId);
      const returnableQuantity = line.fulfilledQuantity - line.returnedQuantity;
      if (quantity > returnableQuantity) {
        throw new DomainError(orderErrors.quantity_exceeds_fulfilled, {
          extensions: { lineId, returnableQuantity },
        });
      }
      const returnedQuantity = line.returnedQuantity + quantity;
      this.setLine({ ...line, returnedQuantity });
      return piecesOf(line, line.returnedQuantity, returnedQuantity);
    });
    this.note('returned', reason, now, { lines });
  }

  /** Whether all of it has left, all of its money was taken, and nothing has happened since. */
  isDueToComplete(unchangedSince: Date): boolean {
    const { status, payment, updatedAt } = this.current;
    return status === 'fulfilled' && payment.status === 'captured' && updatedAt <= unchangedSince;
  }

  complete(unchangedSince: Date, now: Date): void {
    if (!this.isDueToComplete(unchangedSince)) throw this.conflict('The order is not due to be completed.');
    this.moveTo('completed', 'completed', null, now);
  }

  /** Gives a guest's order to a customer, who has proven that its address is theirs. */
  claim(customerId: string, now: Date): void {
    if (this.current.customerId !== null) throw this.conflict('The order belongs to a customer already.');
    this.current = { ...this.current, customerId };
    this.note('claimed', null, now);
  }

  /** Moves a customer's order to another account, whose address it has from then on. */
  transfer(to: { readonly customerId: string; readonly email: string }, reason: string, now: Date): void {
    const { customerId } = this.current;
    if (customerId === null) throw this.conflict('The order is a guest’s: it can be claimed.');
    if (customerId === to.customerId) throw this.conflict('The order belongs to this customer already.');
    this.current = { ...this.current, customerId: to.customerId, email: to.email };
    this.note('transferred', reason, now);
  }

  /** The pieces by the products that they are of; a product of several entries is named by each. */
  productsOf(pieces: readonly LinePieces[]): { productId: string; quantity: number }[] {
    return pieces.map(({ lineId, quantity }) => ({
      productId: this.requireLine(lineId).productId,
      quantity,
    }));
  }

  /** Goods leave only while money backs the order. */
  private requireFulfillable(): void {
    const { status, payment } = this.current;
    const isOpen = status === 'confirmed' || status === 'partially_fulfilled';
    if (!isOpen || !PAID.has(payment.status)) {
      throw this.conflict(`The order is ${status} and its payment ${payment.status}: nothing may leave.`);
    }
  }

  private conflict(detail: string): DomainError {
    const { status, payment } = this.current;
    const extensions = { orderStatus: status, paymentStatus: payment.status };
    return new DomainError(orderErrors.order_state_conflict, { detail, extensions });
  }

  /** What all that has left is worth, in minor units, with its share of shipping and tax. */
  get fulfilledMinor(): number {
    return this.lines.reduce((sum, line) => sum + worthOf(line, 0, line.fulfilledQuantity), 0);
  }

  private requireLine(lineId: string): OrderLine {
    const line = this.linesById.get(lineId);
    if (!line) throw new DomainError(orderErrors.unknown_order_line, { extensions: { lineId } });
    return line;
  }

  private setLine(line: OrderLine): void {
    this.linesById.set(line.id, line);
    this.changes.lines.set(line.id, line);
  }

  /** What a refund gives back of each line: where it names none, in proportion to what the lines are worth. */
  private refundedLines({ refunded, refundedMinor }: PaymentNews): LineChange[] {
    if (refundedMinor === 0) return [];
    const { currency } = this.current;
    const shares = allocate(
      { amount: refundedMinor, currency },
      this.lines.map(({ allocated }) => allocated.amount),
    );
    const parts =
      refunded.length > 0
        ? refunded
        : this.lines.map(({ id }, index) => ({ lineId: id, amount: shares[index]?.amount ?? 0 }));
    return parts
      .filter(({ amount }) => amount !== 0)
      .map(({ lineId, amount }) => {
        return { lineId, productId: this.requireLine(lineId).productId, quantity: 0, amount };
      });
  }

  private get everyPiece(): LineChange[] {
    return this.lines.map((line) => piecesOf(line, 0, line.quantity));
  }

  private moveTo(
    to: OrderStatus,
    change: OrderChange,
    reason: string | null,
    now: Date,
    lines: readonly LineChange[] = [],
  ): void {
    const from = this.current.status;
    this.current = { ...this.current, status: nextOrderStatus(from, to) };
    this.note(change, reason, now, { from, lines });
  }

  private note(
    change: OrderChange,
    reason: string | null,
    now: Date,
    {
      from = this.current.status,
      lines = [],
    }: { readonly from?: OrderStatus; readonly lines?: readonly LineChange[] } = {},
  ): void {
    const version = this.current.version + 1;
    this.current = { ...this.current, version, updatedAt: now };
    this.changes.timeline.push({
      version,
      from: change === 'placed' ? null : from,
      to: this.current.status,
      change,
      reason,
      occurredAt: now,
      lines,
    });
  }
}

/** What the pieces of a line from `from` to `to` are worth, in minor units. */
function worthOf({ allocated, quantity }: OrderLine, from: number, to: number): number {
  return shareOfPieces(allocated.amount, quantity, from, to);
}

/** The pieces of a line from `from` to `to`, with what they are worth. */
function piecesOf(line: OrderLine, from: number, to: number): LineChange {
  const { id: lineId, productId } = line;
  return { lineId, productId, quantity: to - from, amount: worthOf(line, from, to) };
}
