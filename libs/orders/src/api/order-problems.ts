import { describeMembers, idSchema, moneySchema } from '#platform/http';
import { z } from 'zod';
import { orderErrors } from '../domain/order.errors.js';
import { ORDER_STATUSES } from '../domain/order-status.js';
import { orderView } from './orders.schema.js';

const unpaid = { order: orderView };
const line = { lineId: idSchema };

describeMembers(orderErrors.payment_declined, unpaid);
describeMembers(orderErrors.payment_action_required, unpaid);
describeMembers(orderErrors.price_changed, { expectedTotal: moneySchema, total: moneySchema });
describeMembers(orderErrors.mixed_currencies, { currencies: z.array(z.string()) });
describeMembers(orderErrors.order_state_conflict, {
  orderStatus: z.enum(ORDER_STATUSES),
  paymentStatus: z.string().optional(),
});
describeMembers(orderErrors.unknown_order_line, line);
describeMembers(orderErrors.quantity_exceeds_open, { ...line, openQuantity: z.int() });
describeMembers(orderErrors.quantity_exceeds_fulfilled, { ...line, returnableQuantity: z.int() });
