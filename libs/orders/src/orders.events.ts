import { CURRENCIES } from '#kernel';
import { z } from 'zod';
import { defineEvent, type EventDefinition } from '#platform/messaging';
import { ORDER_CHANGES, type OrderChange } from './domain/order-change.js';
import { ORDER_STATUSES } from './domain/order-status.js';

/** The order as it is after the change, in minor units of `currency`. */
const orderEventData = z.object({
  orderId: z.uuid(),
  status: z.enum(ORDER_STATUSES),
  customerId: z.uuid().nullable(),
  paymentId: z.uuid(),
  paymentStatus: z.string(),
  currency: z.enum(CURRENCIES),
  totalAmount: z.int(),
});
export type OrderEventData = z.output<typeof orderEventData>;

const orderEvent = (verb: OrderChange): EventDefinition<OrderEventData> =>
  defineEvent('order', `steelyard.order.${verb}.v1`, orderEventData);

/** One kind of event per change, so that every version of an order is one event. */
export const orderEvents = Object.fromEntries(
  ORDER_CHANGES.map((change) => [change, orderEvent(change)]),
) as Readonly<Record<OrderChange, EventDefinition<OrderEventData>>>;
