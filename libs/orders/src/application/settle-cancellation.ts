import { Injectable } from '@nestjs/common';
import { Clock } from '#kernel';
import { CatalogFacade } from '#catalog';
import { PaymentsFacade } from '#payments';
import { OrderRepository } from '../domain/order.repository.js';

/**
 * Brings a cancellation to its end, step by step: void or refund what is held, and only when it is certain that no
 * money is held any more, cancel the order and give its stock back. Decided from the present state under the lock of
 * the order, so anybody may take the next step at any time.
 */
@Injectable()
export class SettleCancellation {
  constructor(
    private readonly orders: OrderRepository,
    private readonly payments: PaymentsFacade,
    private readonly catalog: CatalogFacade,
    private readonly clock: Clock,
  ) {}

  /** Takes the next step inside the running transaction. Operations that it opens are run by whoever comes first. */
  async advance(orderId: string, paymentId: string): Promise<void> {
    const progress = await this.payments.unwind(paymentId, 'order canceled');
    if (progress === 'under_way') return;
    const wasCanceledNow = await this.orders.update(orderId, (order) => {
      if (order.state.status !== 'cancel_pending') return false;
      order.completeCancel(this.clock.now());
      return true;
    });
    if (wasCanceledNow) await this.catalog.releaseReservations(orderId, 'released');
  }
}
