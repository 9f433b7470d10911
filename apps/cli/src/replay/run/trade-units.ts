import type { PlannedBuyer, PlannedOrder } from '../plan/replay-plan.js';

/** Orders that must follow one another: those of one customer, or the one of a guest. */
export interface TradeUnit {
  readonly buyer: PlannedBuyer;
  /** Chronological. */
  readonly orders: readonly [PlannedOrder, ...PlannedOrder[]];
}

/** Parts the orders by their buyer. Units come in the order of their first orders. */
export function tradeUnits(orders: readonly PlannedOrder[]): TradeUnit[] {
  const units = new Map<string, { buyer: PlannedBuyer; orders: [PlannedOrder, ...PlannedOrder[]] }>();
  for (const order of orders) {
    const { buyer } = order;
    const key = buyer.kind === 'customer' ? buyer.customer.id : order.id;
    const unit = units.get(key);
    if (unit === undefined) units.set(key, { buyer, orders: [order] });
    else unit.orders.push(order);
  }
  return [...units.values()];
}
