/** What an order notes of its payment, one word per kind of news; the last is for news without a word of their own. */
const PAYMENT_CAUSES = [
  'payment_authorized',
  'payment_captured',
  'payment_declined',
  'payment_action_required',
  'payment_outcome_unknown',
  'payment_retried',
  'payment_canceled',
  'payment_capture_failed',
  'payment_void_failed',
  'payment_authorization_expired',
  'payment_disputed',
  'payment_dispute_updated',
  'payment_needs_attention',
  'refunded',
  'refund_failed',
  'refund_reversed',
  'payment_updated',
] as const;
export type PaymentCause = (typeof PAYMENT_CAUSES)[number];

/** Why an order changed; each change is one row of its timeline, one event, and one version. */
export const ORDER_CHANGES = [
  'placed',
  ...PAYMENT_CAUSES,
  'confirmed',
  'cancel_requested',
  'canceled',
  'expired',
  'partially_fulfilled',
  'fulfilled',
  'closed',
  'returned',
  'claimed',
  'transferred',
  'completed',
] as const;
export type OrderChange = (typeof ORDER_CHANGES)[number];
