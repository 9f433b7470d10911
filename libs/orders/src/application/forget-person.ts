import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DomainError } from '#kernel';
import { Database, statement } from '#platform/database';
import { Idempotency } from '#platform/idempotency';
import { EventBus } from '#platform/messaging';
import { userErased, usersErrors, UsersFacade } from '#users';
import { FindOrders } from './find-orders.js';
import type { OrderView } from './order-view.js';

const PAGE_SIZE = 100;
/** Orders that the refusal names. */
const MAX_NAMED = 20;

const openOrders = statement(
  'orders.open_of_customer',
  `SELECT id FROM orders.orders
    WHERE customer_id = $1 AND status IN ('pending_payment', 'confirmed', 'cancel_pending', 'partially_fulfilled')
    ORDER BY placed_at LIMIT $2`,
);
const pseudonymise = statement(
  'orders.pseudonymise',
  `UPDATE orders.orders
      SET email = $2, metadata = '{}',
          shipping_address = CASE WHEN shipping_address IS NULL THEN NULL
                                  ELSE jsonb_build_object('country', shipping_address -> 'country') END
    WHERE customer_id = $1 RETURNING id`,
);

/**
 * What orders hold about a person: it goes into their export, and leaves with them. Ids, amounts and the country, which
 * taxes follow, stay as they are.
 */
@Injectable()
export class ForgetPerson implements OnModuleInit {
  constructor(
    private readonly bus: EventBus,
    private readonly users: UsersFacade,
    private readonly findOrders: FindOrders,
    private readonly idempotency: Idempotency,
    private readonly database: Database,
  ) {}

  onModuleInit(): void {
    this.users.onExport('orders', ({ id }) => this.ordersOf(id));
    this.bus.onPublish(userErased, ({ data }) => this.forget(data.userId, data.pseudonym));
  }

  private async ordersOf(customerId: string): Promise<OrderView[]> {
    const orders: OrderView[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.findOrders.list({ customerId }, { limit: PAGE_SIZE, cursor });
      orders.push(...page.data);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return orders;
  }

  /** Goods that are still to be sent need an address, so the erasure waits for them. */
  private async forget(customerId: string, pseudonym: string): Promise<void> {
    const open = await this.database.query<{ id: string }>(openOrders, [customerId, MAX_NAMED]);
    if (open.length > 0) {
      throw new DomainError(usersErrors.orders_open, { extensions: { orderIds: open.map(({ id }) => id) } });
    }
    const orders = await this.database.query<{ id: string }>(pseudonymise, [customerId, pseudonym]);
    // The kept answers of what was done to an order, by whomever, show it as it was.
    await this.idempotency.forgetAbout(orders.map(({ id }) => id));
  }
}
