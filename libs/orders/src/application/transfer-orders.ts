import { Injectable } from '@nestjs/common';
import {
  actorReference,
  Clock,
  DomainError,
  type ErrorDefinition,
  type FieldError,
  userReference,
} from '#kernel';
import { currentActor } from '#platform/context';
import { Database, statement } from '#platform/database';
import { Idempotency } from '#platform/idempotency';
import { usersErrors, UsersFacade } from '#users';
import { orderErrors } from '../domain/order.errors.js';
import { OrderRepository } from '../domain/order.repository.js';
import { changeEach, MAX_CHANGED_TOGETHER } from './change-each.js';

const ordersOf = statement(
  'orders.ids_of_customer',
  'SELECT id, number FROM orders.orders WHERE customer_id = $1 ORDER BY id LIMIT $2',
);
const ownersOf = statement(
  'orders.owners',
  'SELECT id, number, customer_id AS "customerId" FROM orders.orders WHERE id = ANY($1::uuid[]) ORDER BY id',
);

export interface OrderTransfer {
  readonly fromCustomerId: string;
  readonly toCustomerId: string;
  /** Absent: all of them, a hundred at a time. */
  readonly orderIds?: readonly string[] | undefined;
  readonly reason: string;
}

interface NumberedOrder {
  id: string;
  number: string;
}

export interface TransferResult {
  transferred: number;
  orders: NumberedOrder[];
}

/** What a transfer can end in. */
export const TRANSFER_ORDERS_ERRORS: readonly ErrorDefinition[] = [
  orderErrors.same_customer,
  usersErrors.user_not_found,
  orderErrors.orders_not_transferable,
];

/** Moves orders from one account to another: of somebody who has two, or who ordered in the wrong one. */
@Injectable()
export class TransferOrders {
  constructor(
    private readonly orders: OrderRepository,
    private readonly users: UsersFacade,
    private readonly idempotency: Idempotency,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * Moves all of the orders, or none.
   *
   * @throws DomainError same_customer, user_not_found, orders_not_transferable; the last two name all that is wrong
   */
  async execute(transfer: OrderTransfer, key: string): Promise<TransferResult> {
    const { fromCustomerId, toCustomerId, reason } = transfer;
    if (fromCustomerId === toCustomerId) throw new DomainError(orderErrors.same_customer);
    const principal = actorReference(currentActor());
    const call = { principal, operation: 'orders.transfer', key, payload: transfer };
    return this.idempotency.once(call, async () => {
      const email = await this.holdBoth(transfer);
      const found = await this.wanted(transfer);
      const moved = new Set<string>();
      const gone = new Set<string>();
      const transferred = await changeEach(this.orders, found, (order) => {
        const { id, customerId } = order.state;
        const isTheirs = customerId === fromCustomerId;
        if (isTheirs) order.transfer({ customerId: toCustomerId, email }, reason, this.clock.now());
        if (isTheirs) moved.add(id);
        else gone.add(id);
        return isTheirs;
      });
      // Since they were looked for.
      requireAll(transfer, (id) => (gone.has(id) ? orderErrors.orders_not_transferable : undefined));
      // The kept answers of paying and canceling show them to their former owner no more. The one of placing shows an
      // order as it was then, and has to stay: without it a retry would buy again.
      await this.idempotency.forget([...moved].map((id) => `${userReference(fromCustomerId)}:${id}`));
      const orders = found.filter(({ id }) => moved.has(id)).map(({ id, number }) => ({ id, number }));
      return { transferred, orders };
    });
  }

  /** Neither can be erased while orders move between them. Returns the address of the new owner. */
  private async holdBoth({ fromCustomerId, toCustomerId }: OrderTransfer): Promise<string> {
    const people = new Map<string, string | undefined>();
    // In one order, whichever way they move.
    for (const id of [fromCustomerId, toCustomerId].sort()) {
      people.set(id, (await this.users.hold(id))?.email);
    }
    const missing = Object.entries({ fromCustomerId, toCustomerId }).filter(
      ([, id]) => people.get(id) === undefined,
    );
    const email = people.get(toCustomerId);
    if (missing.length === 0 && email !== undefined) return email;
    const { code, title: detail } = usersErrors.user_not_found;
    throw new DomainError(usersErrors.user_not_found, {
      errors: missing.map(([field]) => ({ pointer: `/${field}`, code, detail })),
    });
  }

  /** The orders to move, by id. Those that are named must be the customer's, every one. */
  private async wanted({ fromCustomerId, orderIds }: OrderTransfer): Promise<NumberedOrder[]> {
    if (!orderIds) return this.database.query(ordersOf, [fromCustomerId, MAX_CHANGED_TOGETHER]);
    const found = await this.database.query<NumberedOrder & { customerId: string | null }>(ownersOf, [
      orderIds,
    ]);
    const owners = new Map(found.map(({ id, customerId }) => [id, customerId]));
    requireAll({ orderIds }, (id) => {
      if (owners.get(id) === fromCustomerId) return undefined;
      return owners.has(id) ? orderErrors.orders_not_transferable : orderErrors.order_not_found;
    });
    return found;
  }
}

/** @throws DomainError orders_not_transferable with every problem that there is with the orders that are named */
function requireAll(
  { orderIds = [] }: Pick<OrderTransfer, 'orderIds'>,
  problemOf: (orderId: string) => ErrorDefinition | undefined,
): void {
  const errors = orderIds.flatMap((id, index): FieldError[] => {
    const problem = problemOf(id);
    return problem ? [{ pointer: `/orderIds/${index}`, code: problem.code, detail: problem.title }] : [];
  });
  if (errors.length > 0) throw new DomainError(orderErrors.orders_not_transferable, { errors });
}
