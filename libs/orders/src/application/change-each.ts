import type { Order } from '../domain/order.js';
import type { OrderRepository } from '../domain/order.repository.js';

/** Orders that one call changes in one transaction: each is locked until all of them are changed. */
export const MAX_CHANGED_TOGETHER = 100;

/**
 * Shows `change` each of these orders, under its lock, in the running transaction.
 *
 * @param orders by id, as whoever locks several orders has them, so that two of those cannot wait for each other
 * @param change changes an order and says so, or leaves it as it is
 * @returns how many orders were changed
 */
export async function changeEach(
  repository: OrderRepository,
  orders: readonly { readonly id: string }[],
  change: (order: Order) => boolean,
): Promise<number> {
  let changed = 0;
  for (const { id } of orders) changed += (await repository.update(id, change)) ? 1 : 0;
  return changed;
}
