import { DomainError } from '#kernel';
import { orderErrors } from './order.errors.js';

export const ORDER_STATUSES = [
  'pending_payment',
  'confirmed',
  'partially_fulfilled',
  'fulfilled',
  'completed',
  'cancel_pending',
  'canceled',
  'expired',
] as const;
export type OrderStatus = (typeof ORDER_STATUSES)[number];

/** The legal transitions of an order. Nothing else may change a status. */
export const ORDER_TRANSITIONS: Readonly<Record<OrderStatus, readonly OrderStatus[]>> = {
  pending_payment: ['confirmed', 'expired', 'cancel_pending'],
  confirmed: ['partially_fulfilled', 'fulfilled', 'cancel_pending'],
  partially_fulfilled: ['fulfilled'],
  fulfilled: ['completed'],
  completed: [],
  cancel_pending: ['canceled'],
  canceled: [],
  expired: [],
};

/**
 * The status after a transition.
 *
 * @throws DomainError order_state_conflict when the table does not allow it
 */
export function nextOrderStatus(from: OrderStatus, to: OrderStatus): OrderStatus {
  if (!ORDER_TRANSITIONS[from].includes(to)) {
    throw new DomainError(orderErrors.order_state_conflict, {
      detail: `An order that is ${from} cannot become ${to}.`,
      extensions: { orderStatus: from },
    });
  }
  return to;
}
