import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DomainError, userReference } from '#kernel';
import { Database, statement } from '#platform/database';
import { Idempotency } from '#platform/idempotency';
import { usersErrors, UsersFacade, type UserSummary } from '#users';
import { FindOrders, type OrderFilters } from './find-orders.js';
import { guestPrincipal } from './guest-principal.js';
import type { OrderView } from './order-view.js';

const PAGE_SIZE = 100;
/** Orders that the refusal names. */
const MAX_NAMED = 20;

/** Of nobody, where there is no address of which we know that the person reads its mail. */
const OF_PERSON = '(customer_id = $1 OR (customer_id IS NULL AND email = $2))';
const openOrders = statement(
  'orders.open_of_person',
  `SELECT id FROM orders.orders
    WHERE ${OF_PERSON} AND status IN ('pending_payment', 'confirmed', 'cancel_pending', 'partially_fulfilled')
    ORDER BY placed_at LIMIT $3`,
);
const pseudonymise = statement(
  'orders.pseudonymise',
  `UPDATE orders.orders
      SET email = $3, metadata = '{}',
          shipping_address = CASE WHEN shipping_address IS NULL THEN NULL
                                  ELSE jsonb_build_object('country', shipping_address -> 'country') END
    WHERE ${OF_PERSON} RETURNING id`,
);

/** Why they did what they did, in their own words; what staff wrote is the house's. */
const reasonsOfPerson = statement(
  'orders.reasons_of_person',
  `SELECT t.order_id AS "orderId", t.occurred_at AS "occurredAt", t.cause, t.reason
     FROM orders.timeline t JOIN orders.orders o ON o.id = t.order_id
    WHERE ${OF_PERSON} AND t.reason IS NOT NULL AND t.actor IN ($3, 'anonymous') ORDER BY t.occurred_at, t.order_id`,
);
const forgetReasons = statement(
  'orders.forget_reasons',
  `UPDATE orders.timeline SET reason = NULL
    WHERE order_id = ANY($1::uuid[]) AND reason IS NOT NULL AND actor IN ($2, 'anonymous')`,
);

/** Somebody about whom orders may hold something. */
interface Buyer {
  readonly customerId: string;
  /** The address under which they may have bought as a guest; null where they have not proven that it is theirs. */
  readonly guestEmail: string | null;
}

/**
 * What orders hold about a person: it goes into their export, and leaves with them. Ids, amounts and the country, which
 * taxes follow, stay as they are. What a guest has ordered under the address of the person is theirs once they have
 * proven the address, claimed or not; before that it is somebody else's, for all we know.
 */
@Injectable()
export class ForgetPerson implements OnModuleInit {
  constructor(
    private readonly users: UsersFacade,
    private readonly findOrders: FindOrders,
    private readonly idempotency: Idempotency,
    private readonly database: Database,
  ) {}

  onModuleInit(): void {
    this.users.onExport('orders', (user) => this.ordersOf(buyer(user)));
    this.users.onExport('orderReasons', (user) => this.reasonsOf(buyer(user)));
    this.users.onErase((user, pseudonym) => this.forget(buyer(user), pseudonym));
  }

  private async ordersOf({ customerId, guestEmail }: Buyer): Promise<OrderView[]> {
    const own = await this.all({ customerId });
    return guestEmail === null ? own : [...own, ...(await this.all({ guestEmail }))];
  }

  private async reasonsOf({ customerId, guestEmail }: Buyer): Promise<OrderReason[]> {
    return this.database.query(reasonsOfPerson, [customerId, guestEmail, userReference(customerId)]);
  }

  private async all(filters: OrderFilters): Promise<OrderView[]> {
    const orders: OrderView[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.findOrders.list(filters, { limit: PAGE_SIZE, cursor });
      orders.push(...page.data);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return orders;
  }

  /**
   * Goods that are still to be sent need an address, so the erasure waits for them. Those of a guest can be claimed, and
   * canceled then.
   */
  private async forget({ customerId, guestEmail }: Buyer, pseudonym: string): Promise<void> {
    const person = [customerId, guestEmail];
    const open = await this.database.query<{ id: string }>(openOrders, [...person, MAX_NAMED]);
    if (open.length > 0) {
      throw new DomainError(usersErrors.orders_open, { extensions: { orderIds: open.map(({ id }) => id) } });
    }
    const orders = await this.database.query<{ id: string }>(pseudonymise, [...person, pseudonym]);
    const orderIds = orders.map(({ id }) => id);
    await this.database.query(forgetReasons, [orderIds, userReference(customerId)]);
    // The kept answers of what was done to an order, by whomever, show it as it was; the keys of a guest name them.
    await this.idempotency.forgetAbout(orderIds);
    if (guestEmail !== null) await this.idempotency.forget([guestPrincipal(guestEmail)]);
  }
}

interface OrderReason {
  readonly orderId: string;
  readonly occurredAt: Date;
  readonly cause: string;
  readonly reason: string;
}

function buyer({ id, email, emailVerified }: UserSummary): Buyer {
  return { customerId: id, guestEmail: emailVerified ? email : null };
}
