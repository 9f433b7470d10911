import { CURRENCIES } from '#kernel';
import { z } from 'zod';
import { defineEvent, type EventDefinition } from '#platform/messaging';
import { PAYMENT_STATUSES } from './domain/payment-status.js';
import type { PaymentChange } from './domain/payment-state.js';

/** The payment as it is after the change, in minor units of `currency`. */
const paymentEventData = z.object({
  paymentId: z.uuid(),
  orderId: z.uuid(),
  status: z.enum(PAYMENT_STATUSES),
  outcome: z.enum(['pending', 'unknown']).nullable(),
  currency: z.enum(CURRENCIES),
  amount: z.int(),
  authorizedAmount: z.int(),
  capturedAmount: z.int(),
  refundedAmount: z.int(),
  declineCode: z.string().nullable(),
  /** The refund that the change is about. */
  refund: z
    .object({
      refundId: z.uuid(),
      amount: z.int(),
      lines: z.array(z.object({ lineId: z.uuid(), amount: z.int() })),
    })
    .nullable(),
});
export type PaymentEventData = z.output<typeof paymentEventData>;

const paymentEvent = (verb: string): EventDefinition<PaymentEventData> =>
  defineEvent('payment', `steelyard.payment.${verb}.v1`, paymentEventData);

/** One kind of event per change, so that every version of a payment is one event. */
export const paymentEvents: Readonly<Record<PaymentChange, EventDefinition<PaymentEventData>>> = {
  created: paymentEvent('created'),
  authorized: paymentEvent('authorized'),
  captured: paymentEvent('captured'),
  declined: paymentEvent('declined'),
  action_required: paymentEvent('action_required'),
  outcome_unknown: paymentEvent('outcome_unknown'),
  retried: paymentEvent('retried'),
  capture_requested: paymentEvent('capture_requested'),
  capture_failed: paymentEvent('capture_failed'),
  void_requested: paymentEvent('void_requested'),
  void_failed: paymentEvent('void_failed'),
  canceled: paymentEvent('canceled'),
  refund_requested: paymentEvent('refund_requested'),
  refunded: paymentEvent('refunded'),
  authorization_expired: paymentEvent('authorization_expired'),
  refund_failed: paymentEvent('refund_failed'),
  refund_reversed: paymentEvent('refund_reversed'),
  disputed: paymentEvent('disputed'),
  dispute_updated: paymentEvent('dispute_updated'),
  needs_attention: paymentEvent('needs_attention'),
  asked_again: paymentEvent('asked_again'),
};
