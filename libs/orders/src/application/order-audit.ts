import type { CatalogFacade } from '#catalog';
import type { PaymentAudit } from '#payments';
import type { OrderStatus } from '../domain/order-status.js';

type Reservation = Awaited<ReturnType<CatalogFacade['reservationsOf']>>[number];
type ReservationStatus = Reservation['status'];

/** An order as its promises are checked; amounts in minor units of `currency`. */
export interface AuditedOrder {
  readonly id: string;
  readonly status: OrderStatus;
  readonly paymentId: string;
  readonly paymentStatus: string;
  readonly paymentOutcome: string | null;
  readonly declineCode: string | null;
  readonly totalAmount: number;
  readonly currency: string;
  readonly lines: readonly {
    readonly id: string;
    readonly productId: string;
    readonly quantity: number;
    readonly fulfilledQuantity: number;
    readonly canceledQuantity: number;
    readonly refundedAmount: number;
  }[];
}

/** What is wrong with an order; undefined when nothing is. */
export type Finding = object | undefined;

const CONFIRMED_OR_LATER: ReadonlySet<OrderStatus> = new Set([
  'confirmed',
  'partially_fulfilled',
  'fulfilled',
  'completed',
]);

/** What the reservations of an order must be; one that is being canceled holds what it held. */
const RESERVATIONS_OF: Readonly<Record<OrderStatus, ReservationStatus | 'any'>> = {
  pending_payment: 'active',
  confirmed: 'committed',
  partially_fulfilled: 'committed',
  fulfilled: 'committed',
  completed: 'committed',
  cancel_pending: 'any',
  canceled: 'released',
  expired: 'expired',
};

/** An order knows its payment as it is, and what was refunded of its lines. */
export function checkKnowledge(order: AuditedOrder, payment: PaymentAudit | undefined): Finding {
  if (payment?.orderId !== order.id) return { paymentId: order.paymentId, payment: 'missing' };
  const known = {
    status: order.paymentStatus,
    outcome: order.paymentOutcome,
    declineCode: order.declineCode,
    amount: order.totalAmount,
    currency: order.currency,
  };
  const { status, outcome, declineCode, amount, currency } = payment;
  const isKnown =
    known.status === status &&
    known.outcome === outcome &&
    known.declineCode === declineCode &&
    known.amount === amount &&
    known.currency === currency;
  if (!isKnown) return { known, payment: { status, outcome, declineCode, amount, currency } };
  const unlike = order.lines.filter(
    ({ id, refundedAmount }) => refundedAmount !== (payment.refundedOfLines[id] ?? 0),
  );
  return unlike.length > 0 ? { lineIds: unlike.map(({ id }) => id) } : undefined;
}

/** Captured money belongs to a confirmed-or-later order, or is on its way back, or waits for a decision of staff. */
export function checkCapturedMoney(order: AuditedOrder, payment: PaymentAudit | undefined): Finding {
  if (!payment || CONFIRMED_OR_LATER.has(order.status)) return undefined;
  const { captured, refunded, disputed } = payment;
  if (captured <= refunded + disputed) return undefined;
  const isGoingBack = payment.hasOpenOperation;
  const isKnownToStaff = order.status !== 'pending_payment' && payment.waitsForStaff;
  if (isGoingBack || isKnownToStaff) return undefined;
  return { orderStatus: order.status, captured, refunded, disputed };
}

/** The money of a confirmed order covers its total, unless staff captured a part and gave up the rest. */
export function checkCover(order: AuditedOrder, payment: PaymentAudit | undefined): Finding {
  if (!CONFIRMED_OR_LATER.has(order.status)) return undefined;
  const authorized = payment?.authorized ?? 0;
  const isGivenUp = payment !== undefined && payment.captured > 0 && payment.isRestVoided;
  if (order.totalAmount <= authorized || isGivenUp) return undefined;
  return { orderStatus: order.status, total: order.totalAmount, authorized };
}

/**
 * An order reserves what its lines ask for, ships what was fulfilled, holds the rest for as long as it lives, and gives
 * back what was given up of it.
 */
export function checkReservations(order: AuditedOrder, reservations: readonly Reservation[]): Finding {
  const wanted = new Map<string, { quantity: number; shipped: number; canceled: number }>();
  for (const { productId, quantity, fulfilledQuantity, canceledQuantity } of order.lines) {
    const sum = wanted.get(productId) ?? { quantity: 0, shipped: 0, canceled: 0 };
    wanted.set(productId, {
      quantity: sum.quantity + quantity,
      shipped: sum.shipped + fulfilledQuantity,
      canceled: sum.canceled + canceledQuantity,
    });
  }
  const expected = RESERVATIONS_OF[order.status];
  const hasEnded = expected === 'released' || expected === 'expired';
  const wrong = reservations.filter(({ productId, status, quantity, shipped, released }) => {
    const line = wanted.get(productId);
    const isAsked = line?.quantity === quantity && line.shipped === shipped;
    const canceled = line?.canceled ?? 0;
    if (canceled > 0) return !isAsked || status !== 'released' || released !== canceled;
    const isHeld = expected === 'any' || status === expected;
    return !isAsked || !isHeld || (hasEnded && quantity > shipped + released);
  });
  const reserved = new Set(reservations.map(({ productId }) => productId));
  const missing = [...wanted.keys()].filter((productId) => !reserved.has(productId));
  if (wrong.length === 0 && missing.length === 0) return undefined;
  return { orderStatus: order.status, wrong, missingProductIds: missing };
}
