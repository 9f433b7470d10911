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
  /** What it was before the change; null when it was placed. Absent in events that are older than this field. */
  previousStatus: z.enum(ORDER_STATUSES).nullable().optional(),
  /**
   * What the change is about, with the share of shipping and tax: all that was ordered when it was placed, confirmed or
   * asked to be canceled; the pieces that left, came back or were given up; what was refunded, in money alone, in
   * proportion to their worth where the refund named no lines, and negative where it came back. Empty for any other change. Absent in events that are older than this field.
   */
  lines: z
    .array(z.object({ lineId: z.uuid(), productId: z.uuid(), quantity: z.int(), amount: z.int() }))
    .optional(),
});
export type OrderEventData = z.output<typeof orderEventData>;

const orderEvent = (verb: OrderChange): EventDefinition<OrderEventData> =>
  defineEvent('order', `steelyard.order.${verb}.v1`, orderEventData);

/** One kind of event per change, so that every version of an order is one event. */
export const orderEvents = Object.fromEntries(
  ORDER_CHANGES.map((change) => [change, orderEvent(change)]),
) as Readonly<Record<OrderChange, EventDefinition<OrderEventData>>>;
