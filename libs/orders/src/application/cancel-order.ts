import { Injectable } from '@nestjs/common';
import { actorReference, Clock } from '#kernel';
import { PaymentsFacade } from '#payments';
import { currentActor } from '#platform/context';
import { Database } from '#platform/database';
import { Idempotency } from '#platform/idempotency';
import { OrderRepository } from '../domain/order.repository.js';
import { FindOrders } from './find-orders.js';
import type { OrderView } from './order-view.js';
import { SettleCancellation } from './settle-cancellation.js';

/** Cancels an order that has not left the house, and gives back what was paid. */
@Injectable()
export class CancelOrder {
  constructor(
    private readonly orders: OrderRepository,
    private readonly settleCancellation: SettleCancellation,
    private readonly payments: PaymentsFacade,
    private readonly findOrders: FindOrders,
    private readonly idempotency: Idempotency,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Canceling again what is being canceled takes the next step towards it. */
  async execute(orderId: string, reason: string | undefined, key: string): Promise<OrderView> {
    const principal = `${actorReference(currentActor())}:${orderId}`;
    const call = { principal, operation: 'orders.cancel', key, payload: { orderId, reason } };
    return this.idempotency.resumable(call, orderId, {
      begin: () => this.request(orderId, reason ?? null),
      complete: async () => {
        await this.advance(orderId);
        await this.payments.runOpenOperations(orderId);
        const result = await this.findOrders.get(orderId);
        return { result, isFinal: result.status === 'canceled' };
      },
    });
  }

  /** A call that carries on an earlier one finds its step taken, or takes the one that nobody took. */
  private async advance(orderId: string): Promise<void> {
    await this.database.transaction(async () => {
      const order = await this.orders.update(orderId, ({ state }) => state);
      if (order.status === 'cancel_pending') await this.settleCancellation.advance(orderId, order.payment.id);
    });
  }

  /** The first step towards giving the money back commits with the request, so nothing is left half asked for. */
  private async request(orderId: string, reason: string | null): Promise<void> {
    const paymentId = await this.orders.update(orderId, (order) => {
      if (order.state.status !== 'cancel_pending') order.requestCancel(reason, this.clock.now());
      return order.state.payment.id;
    });
    await this.settleCancellation.advance(orderId, paymentId);
  }
}
