import { defineErrors, defineFieldCodes } from '#kernel';

export const paymentErrors = defineErrors({
  payment_not_found: { kind: 'not_found', title: 'There is no such payment' },
  payment_state_conflict: { kind: 'conflict', title: 'The payment is in a state that does not allow this' },
  payment_operation_open: {
    kind: 'conflict',
    title: 'Another operation of this kind is still open on the payment',
  },
  unknown_payment_method: { kind: 'unprocessable', title: 'The payment method is not known to the gateway' },
  capture_exceeds_authorized: { kind: 'conflict', title: 'More would be captured than was authorized' },
  payment_does_not_cover: {
    kind: 'conflict',
    title: 'The payment does not cover what would leave the house',
  },
  capture_failed: { kind: 'conflict', title: 'The gateway refused to capture' },
  void_failed: { kind: 'conflict', title: 'The gateway refused to void the authorization' },
  refund_exceeds_captured: { kind: 'conflict', title: 'More would be refunded than was captured' },
  refund_exceeds_line: { kind: 'conflict', title: 'More would be refunded for a line than was paid for it' },
  refund_exists: { kind: 'conflict', title: 'There is a refund with this id already' },
  operation_not_found: { kind: 'not_found', title: 'There is no such operation' },
  operation_not_stuck: {
    kind: 'conflict',
    title: 'The operation needs no decision of staff: it is resolved, or still being found out about',
  },
  dispute_not_found: { kind: 'not_found', title: 'There is no such dispute' },
  gateway_id_taken: {
    kind: 'conflict',
    title: 'Another payment has this name at the gateway',
  },
  report_not_found: { kind: 'not_found', title: 'There is no such report that contradicts the books' },
  webhook_malformed: { kind: 'invalid', title: 'The webhook is no event of the gateway' },
  unknown_gateway: { kind: 'not_found', title: 'No gateway of this name is in use' },
  webhook_signature_invalid: {
    kind: 'invalid',
    title: 'The webhook was not signed by the gateway, or too long ago',
  },
  unknown_refund_line: { kind: 'unprocessable', title: 'The order has no such line' },
});

defineFieldCodes({
  amount_or_lines: 'A refund names an amount or lines, not both',
  duplicate_line: 'An earlier line names the same',
});
