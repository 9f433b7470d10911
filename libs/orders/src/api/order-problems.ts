import { idSchema, moneySchema, type ProblemMembers } from '#platform/http';
import { z } from 'zod';
import { inheritedProblems } from '../application/inherited-problems.js';
import type { orderErrors } from '../domain/order.errors.js';
import { ORDER_STATUSES } from '../domain/order-status.js';
import { orderView } from './orders.schema.js';

const unpaid = { order: orderView };
const line = { lineId: idSchema };

const ownProblems = {
  payment_declined: unpaid,
  payment_action_required: unpaid,
  price_changed: { expectedTotal: moneySchema, total: moneySchema },
  mixed_currencies: { currencies: z.array(z.string()) },
  order_state_conflict: {
    orderStatus: z.enum(ORDER_STATUSES),
    paymentStatus: z.string().optional(),
  },
  unknown_order_line: line,
  quantity_exceeds_open: { ...line, openQuantity: z.int() },
  quantity_exceeds_fulfilled: { ...line, returnableQuantity: z.int() },
} satisfies ProblemMembers<keyof typeof orderErrors>;

/** What the problems of orders hold, with those of the modules below that come through them. */
export const orderProblems: ProblemMembers = { ...inheritedProblems, ...ownProblems };
