import { Injectable } from '@nestjs/common';
import { Clock } from '#kernel';
import { CatalogFacade } from '#catalog';
import { PaymentsFacade } from '#payments';
import { runAsSystem } from '#platform/context';
import { Database } from '#platform/database';
import { defineFailpoint } from '#platform/failpoints';
import { settleAll } from '#platform/jobs';
import { OrderRepository } from '../domain/order.repository.js';

/** Where a crash can fall while an order expires, in the order in which they are passed. */
const failpoints = {
  due: defineFailpoint('orders.expiry.due'),
  /** Expired, its stock given back, and not committed yet. */
  expired: defineFailpoint('orders.expiry.expired'),
  committed: defineFailpoint('orders.expiry.committed'),
};

/** Each takes a connection of the pool. */
const BATCH_SIZE = 8;

/** The worker's part: an order that nobody paid in time gives its stock back, unless money may be on its way. */
@Injectable()
export class ExpireUnpaidOrders {
  constructor(
    private readonly orders: OrderRepository,
    private readonly payments: PaymentsFacade,
    private readonly catalog: CatalogFacade,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Looks at one batch of due orders and returns how many there were. */
  async execute(): Promise<number> {
    return runAsSystem('order-expiry', async () => {
      const due = await this.orders.dueToExpire(this.clock.now(), BATCH_SIZE);
      await settleAll(
        due.map((orderId) => this.expire(orderId)),
        'Unpaid orders could not be expired.',
      );
      return due.length;
    });
  }

  private async expire(orderId: string): Promise<void> {
    await failpoints.due.reach();
    await this.database.transaction(async () => {
      const paymentId = await this.orders.update(orderId, (order) => {
        const now = this.clock.now();
        if (!order.isDueToExpire(now)) return undefined;
        order.expire(now);
        return order.state.payment.id;
      });
      if (paymentId === undefined) return;
      await this.payments.unwind(paymentId, 'order expired');
      await this.catalog.releaseReservations(orderId, 'expired');
      await failpoints.expired.reach();
    });
    await failpoints.committed.reach();
  }
}
