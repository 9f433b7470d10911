import { Injectable } from '@nestjs/common';
import { Clock } from '#kernel';
import { PaymentsFacade } from '#payments';
import { runAsSystem } from '#platform/context';
import { Database } from '#platform/database';
import { settleAll } from '#platform/jobs';
import { OrderRepository } from '../domain/order.repository.js';

/** Each takes a connection of the pool. */
const BATCH_SIZE = 8;

/** While the money can still be captured for certain. */
const BEFORE_THE_END_MS = 3_600_000;

/**
 * The worker's part: an authorization that nobody captures in time is given up before it runs out at the bank, and
 * its order canceled. What has left the house is captured first: it is paid for by nothing else.
 */
@Injectable()
export class ExpireAuthorizations {
  constructor(
    private readonly orders: OrderRepository,
    private readonly payments: PaymentsFacade,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Looks at one batch and returns how many there were. */
  async execute(): Promise<number> {
    return runAsSystem('authorization-expiry', async () => {
      const before = new Date(this.clock.now().getTime() + BEFORE_THE_END_MS);
      const due = await this.payments.authorizationsThatEnd(before, BATCH_SIZE);
      await settleAll(
        due.map(({ paymentId, orderId }) => this.expire(paymentId, orderId)),
        'Authorizations could not be given up.',
      );
      return due.length;
    });
  }

  private async expire(paymentId: string, orderId: string): Promise<void> {
    await this.database.transaction(async () => {
      const fulfilledMinor = await this.orders.update(orderId, (order) => order.fulfilledMinor);
      await this.payments.expireAuthorization(paymentId, fulfilledMinor);
    });
  }
}
