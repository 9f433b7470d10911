import { Injectable } from '@nestjs/common';
import { actorReference, Clock, type ErrorDefinition } from '#kernel';
import { CatalogFacade } from '#catalog';
import { PaymentsFacade } from '#payments';
import { currentActor } from '#platform/context';
import { Database } from '#platform/database';
import { Idempotency } from '#platform/idempotency';
import { invariantErrors } from '#platform/invariants';
import { orderErrors } from '../domain/order.errors.js';
import { OrderRepository } from '../domain/order.repository.js';
import { FindOrders } from './find-orders.js';
import type { OrderView } from './order-view.js';
import { SettleClosing } from './settle-closing.js';

/** What closing an order can be refused for. */
export const CLOSE_ORDER_ERRORS: readonly ErrorDefinition[] = [
  orderErrors.order_not_found,
  orderErrors.order_state_conflict,
  invariantErrors.captures_frozen,
];

/** A closed order, and whether the gateway has done all that its money needs. */
export interface ClosingResult {
  readonly order: OrderView;
  readonly isSettled: boolean;
}

/** Staff give up what has not left of an order: its stock is free at once, its money goes back. */
@Injectable()
export class CloseOrder {
  constructor(
    private readonly orders: OrderRepository,
    private readonly settleClosing: SettleClosing,
    private readonly payments: PaymentsFacade,
    private readonly catalog: CatalogFacade,
    private readonly findOrders: FindOrders,
    private readonly idempotency: Idempotency,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Closing again what is closed asks again for what the gateway has refused. */
  async execute(orderId: string, reason: string | undefined, key: string): Promise<ClosingResult> {
    const principal = actorReference(currentActor());
    const call = { principal, operation: 'orders.close', key, payload: { orderId, reason } };
    return this.idempotency.resumable<ClosingResult>(call, orderId, {
      begin: () => this.close(orderId, reason ?? null),
      complete: async () => {
        await this.database.transaction(() => this.settleClosing.advance(orderId, { mayCapture: true }));
        const isSettled = await this.payments.runOpenOperations(orderId);
        return { result: { order: await this.findOrders.get(orderId), isSettled }, isFinal: isSettled };
      },
    });
  }

  /** In the order of the locks: the order, its payment, then stock. */
  private async close(orderId: string, reason: string | null): Promise<void> {
    const isClosedNow = await this.orders.update(orderId, (order) => {
      if (order.state.closing !== null) return false;
      order.close(reason, this.clock.now());
      return true;
    });
    await this.settleClosing.advance(orderId, { mayCapture: true });
    if (isClosedNow) await this.catalog.releaseReservations(orderId, 'released');
  }
}
