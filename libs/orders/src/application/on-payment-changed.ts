import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Clock, DomainError } from '#kernel';
import { CatalogFacade } from '#catalog';
import { paymentErrors, paymentEvents, type PaymentEventData, PaymentsFacade } from '#payments';
import { EventBus } from '#platform/messaging';
import type { PaymentNews } from '../domain/order.js';
import { OrderRepository } from '../domain/order.repository.js';
import type { PaymentCause } from '../domain/order-change.js';
import type { OrderStatus } from '../domain/order-status.js';
import { SettleCancellation } from './settle-cancellation.js';
import { SettleClosing } from './settle-closing.js';

type PaymentChange = keyof typeof paymentEvents;

/**
 * What the timeline of the order says for each change of its payment. A request and its refusal leave the payment as the
 * order knows it, so they are not noted, and need no word.
 */
const CAUSES: Readonly<Record<PaymentChange, PaymentCause>> = {
  created: 'payment_updated',
  authorized: 'payment_authorized',
  captured: 'payment_captured',
  declined: 'payment_declined',
  action_required: 'payment_action_required',
  outcome_unknown: 'payment_outcome_unknown',
  retried: 'payment_retried',
  capture_requested: 'payment_updated',
  capture_failed: 'payment_capture_failed',
  void_requested: 'payment_updated',
  void_failed: 'payment_void_failed',
  canceled: 'payment_canceled',
  refund_requested: 'payment_updated',
  authorization_expired: 'payment_authorization_expired',
  refunded: 'refunded',
  refund_failed: 'refund_failed',
  refund_reversed: 'refund_reversed',
  disputed: 'payment_disputed',
  dispute_updated: 'payment_dispute_updated',
  needs_attention: 'payment_needs_attention',
  asked_again: 'payment_updated',
};

/** After these the next step is a decision of staff: taking it by ourselves would ask the gateway without end. */
const WAITS_FOR_STAFF: ReadonlySet<PaymentChange> = new Set([
  'void_failed',
  'refund_failed',
  'refund_reversed',
  'needs_attention',
]);

/** After these there may be money that was not there before; a bank gives it back when a dispute is won. */
const BRINGS_MONEY: ReadonlySet<PaymentChange> = new Set(['authorized', 'captured', 'dispute_updated']);

/** An order follows its payment, in the transaction that changes the payment. */
@Injectable()
export class OnPaymentChanged implements OnModuleInit {
  constructor(
    private readonly bus: EventBus,
    private readonly orders: OrderRepository,
    private readonly settleCancellation: SettleCancellation,
    private readonly settleClosing: SettleClosing,
    private readonly payments: PaymentsFacade,
    private readonly catalog: CatalogFacade,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    for (const change of Object.keys(paymentEvents) as PaymentChange[]) {
      this.bus.onPublish(paymentEvents[change], ({ data }) => this.follow(change, data));
    }
  }

  private async follow(change: PaymentChange, news: PaymentEventData): Promise<void> {
    // The order that opens a payment knows it already, unless there was nothing to pay.
    if (change === 'created') return;
    const { orderId, paymentId } = news;
    if (change === 'void_requested') await this.refuseToGiveUpWhatHasLeft(news);
    const { before, after, isClosed } = await this.applyToOrder(change, news);
    if (before === 'pending_payment' && after === 'confirmed') await this.catalog.commitReservations(orderId);
    if (after === 'cancel_pending' && !WAITS_FOR_STAFF.has(change)) {
      await this.settleCancellation.advance(orderId, paymentId);
    }
    // What pays for all that has left is there: the rest of what is held is given up.
    if (isClosed && change === 'captured') await this.settleClosing.advance(orderId, { mayCapture: false });
    // Money that arrives for an order that has ended goes back.
    const hasEnded = after === 'canceled' || after === 'expired';
    if (hasEnded && BRINGS_MONEY.has(change)) await this.payments.unwind(paymentId, `order ${after}`);
  }

  /** Authorized money pays for goods that have left: as long as it is not captured, it must not be given up. */
  private async refuseToGiveUpWhatHasLeft({ orderId, capturedAmount }: PaymentEventData): Promise<void> {
    const fulfilledMinor = await this.orders.update(orderId, (order) => order.fulfilledMinor);
    if (fulfilledMinor > capturedAmount) {
      throw new DomainError(paymentErrors.payment_state_conflict, {
        detail: 'Goods worth more than was captured have left the house: capture first.',
        extensions: { fulfilledMinor, capturedAmount },
      });
    }
  }

  /** Returns the status of the order before and after, and whether it is closed. */
  private async applyToOrder(
    change: PaymentChange,
    news: PaymentEventData,
  ): Promise<{ before: OrderStatus; after: OrderStatus; isClosed: boolean }> {
    const refund = refundBy(change, news);
    return this.orders.update(news.orderId, (order) => {
      const before = order.state.status;
      const { paymentId, status, outcome, declineCode } = news;
      order.applyPayment(
        { id: paymentId, status, outcome, declineCode, ...refund, cause: CAUSES[change] },
        this.clock.now(),
      );
      return { before, after: order.state.status, isClosed: order.state.closing !== null };
    });
  }
}

/** What this change has given back; negative where a refund came back. */
function refundBy(
  change: PaymentChange,
  { refund }: PaymentEventData,
): Pick<PaymentNews, 'refundedMinor' | 'refunded'> {
  const sign = change === 'refunded' ? 1 : change === 'refund_reversed' ? -1 : 0;
  if (!refund || sign === 0) return { refundedMinor: 0, refunded: [] };
  return {
    refundedMinor: sign * refund.amount,
    refunded: refund.lines.map(({ lineId, amount }) => ({ lineId, amount: sign * amount })),
  };
}
