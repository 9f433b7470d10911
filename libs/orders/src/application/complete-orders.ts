import { Injectable } from '@nestjs/common';
import { Clock } from '#kernel';
import { Config } from '#platform/config';
import { runAsSystem } from '#platform/context';
import { settleAll } from '#platform/jobs';
import { OrderRepository } from '../domain/order.repository.js';

/** Each takes a connection of the pool. */
const BATCH_SIZE = 8;
const DAY_MS = 86_400_000;

/** The worker's part: an order that has left, is paid for and has been quiet since is done. */
@Injectable()
export class CompleteOrders {
  constructor(
    private readonly orders: OrderRepository,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  /** Looks at one batch of due orders and returns how many there were. */
  async execute(): Promise<number> {
    return runAsSystem('order-completion', async () => {
      const quietMs = this.config.settings.ORDER_COMPLETION_DAYS * DAY_MS;
      const unchangedSince = new Date(this.clock.now().getTime() - quietMs);
      const due = await this.orders.dueToComplete(unchangedSince, BATCH_SIZE);
      await settleAll(
        due.map((orderId) => this.complete(orderId, unchangedSince)),
        'Fulfilled orders could not be completed.',
      );
      return due.length;
    });
  }

  /** What happened to the order since it was looked up counts. */
  private async complete(orderId: string, unchangedSince: Date): Promise<void> {
    await this.orders.update(orderId, (order) => {
      if (order.isDueToComplete(unchangedSince)) order.complete(unchangedSince, this.clock.now());
    });
  }
}
