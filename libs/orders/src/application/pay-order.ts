import { Injectable } from '@nestjs/common';
import { actorReference, Clock, type ErrorDefinition } from '#kernel';
import { paymentErrors, PaymentsFacade } from '#payments';
import { currentActor } from '#platform/context';
import { Database } from '#platform/database';
import { Idempotency } from '#platform/idempotency';
import { invariantErrors } from '#platform/invariants';
import { orderErrors } from '../domain/order.errors.js';
import { OrderRepository } from '../domain/order.repository.js';
import { FindOrders } from './find-orders.js';
import type { OrderView } from './order-view.js';

/** What another attempt can be refused for. */
export const PAY_ORDER_ERRORS: readonly ErrorDefinition[] = [
  orderErrors.order_not_found,
  orderErrors.order_state_conflict,
  orderErrors.payment_declined,
  orderErrors.payment_action_required,
  paymentErrors.unknown_payment_method,
  invariantErrors.captures_frozen,
];

/** Gets an order paid: the second half of placing it, and every further attempt after a decline. */
@Injectable()
export class PayOrder {
  constructor(
    private readonly orders: OrderRepository,
    private readonly payments: PaymentsFacade,
    private readonly findOrders: FindOrders,
    private readonly idempotency: Idempotency,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Tries again, with a method that may be another one, while the order waits for its payment. */
  async attempt(orderId: string, method: string, key: string): Promise<OrderView> {
    this.payments.requireKnownMethod(method);
    const principal = `${actorReference(currentActor())}:${orderId}`;
    const call = { principal, operation: 'orders.pay', key, payload: { orderId, method } };
    let authorizationId: string | undefined;
    // The attempt is about the order: by its id whoever forgets the order's buyer finds the kept answer, too.
    return this.idempotency.resumable(call, orderId, {
      begin: () =>
        this.database.transaction(async () => {
          const paymentId = await this.orders.update(orderId, (order) => {
            order.requireAnotherAttempt(this.clock.now());
            return order.state.payment.id;
          });
          authorizationId = await this.payments.retry(paymentId, method);
        }),
      complete: () => this.complete(orderId, authorizationId),
    });
  }

  /**
   * Carries an order's open authorization to its outcome. Without its id, as when a retry carries on after a crash,
   * whatever is open is carried on.
   */
  async complete(
    orderId: string,
    authorizationId: string | undefined,
  ): Promise<{ result: OrderView; isFinal: boolean }> {
    if (authorizationId === undefined) await this.payments.runOpenOperations(orderId);
    else await this.payments.run(authorizationId);
    const result = await this.findOrders.get(orderId);
    return { result, isFinal: result.payment.status !== 'processing' };
  }
}
