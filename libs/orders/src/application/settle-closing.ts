import { Injectable } from '@nestjs/common';
import { PaymentsFacade } from '#payments';
import { OrderRepository } from '../domain/order.repository.js';

/**
 * Brings the money of a closed order to what has left of it: the rest is voided as far as it is only authorized, and
 * refunded as far as it was captured. Decided from the present state under the lock of the order, so anybody may take
 * the next step at any time.
 */
@Injectable()
export class SettleClosing {
  constructor(
    private readonly orders: OrderRepository,
    private readonly payments: PaymentsFacade,
  ) {}

  /**
   * Takes the next step inside the running transaction. Operations that it opens are run by whoever comes first.
   *
   * @param options.mayCapture whether what has left may be captured first, where it was not; only staff ask for that
   * @throws DomainError captures_frozen
   */
  async advance(orderId: string, options: { readonly mayCapture: boolean }): Promise<void> {
    const { paymentId, closed } = await this.orders.update(orderId, ({ state, closed }) => ({
      paymentId: state.payment.id,
      closed,
    }));
    await this.payments.settleClosedOrder(paymentId, closed, options);
  }
}
