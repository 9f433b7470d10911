import type { Dispute, Intent, Metadata } from './records.js';
import { invalidRequest, unexpectedState } from './refusal.js';

/** What a capture asks for. */
export interface CaptureOrder {
  readonly intentId: string;
  /** Absent: all that is held. Zero, when final, releases the rest of what was captured in part. */
  readonly amount?: number | undefined;
  /** Gives back what is held and not captured. */
  readonly isFinal: boolean;
  readonly metadata: Metadata;
}

/** What a refund asks for. */
export interface RefundOrder {
  readonly intentId: string;
  /** Absent: all that is left. */
  readonly amount?: number | undefined;
  readonly reason: string | null;
  readonly metadata: Metadata;
}

/** What a dispute is about. */
export interface DisputeOrder {
  readonly intentId: string;
  /** Absent: all that was captured and not given back. */
  readonly amount?: number | undefined;
  readonly reason: string;
}

const CANCELABLE = [
  'requires_payment_method',
  'requires_capture',
  'requires_confirmation',
  'requires_action',
];

/**
 * What a capture takes.
 *
 * @throws GatewayRefusal when that cannot be taken
 */
export function amountToCapture(
  intent: Intent,
  { amount = intent.amountCapturable, isFinal }: CaptureOrder,
): number {
  if (intent.status !== 'requires_capture') throw unexpectedState(intent, 'captured', ['requires_capture']);
  if (amount > intent.amountCapturable) {
    throw invalidRequest('The amount to capture is greater than what can be captured.', {
      code: 'amount_too_large',
      param: 'amount_to_capture',
      intent,
    });
  }
  if (!isFinal && !intent.multicapture) {
    throw invalidRequest('This PaymentIntent can be captured only once.', {
      param: 'final_capture',
      intent,
    });
  }
  if (amount === 0 && !(isFinal && intent.amountReceived > 0)) {
    throw invalidRequest('There is nothing to capture.', { param: 'amount_to_capture', intent });
  }
  return amount;
}

/**
 * What a refund gives back.
 *
 * @throws GatewayRefusal when that cannot be given
 */
export function amountToRefund(intent: Intent, { amount }: RefundOrder): number {
  const left = keptAmount(intent);
  requireCaptured(intent);
  if (left === 0 && intent.amountDisputed > 0) {
    throw invalidRequest('The charge has been charged back.', { code: 'charge_disputed' });
  }
  if (left === 0) {
    throw invalidRequest('The charge has already been refunded.', { code: 'charge_already_refunded' });
  }
  if (amount !== undefined && amount > left) {
    throw invalidRequest('The refund is greater than what is left of the charge.', { param: 'amount' });
  }
  return amount ?? left;
}

/**
 * What a dispute takes back.
 *
 * @throws GatewayRefusal when there is not so much left to take
 */
export function amountToDispute(intent: Intent, { amount }: DisputeOrder): number {
  const left = keptAmount(intent);
  requireCaptured(intent);
  if (left === 0 || (amount !== undefined && amount > left)) {
    throw invalidRequest('The dispute is about more than what is left of the charge.', { param: 'amount' });
  }
  return amount ?? left;
}

/** What was captured and neither given back nor taken back. */
export function keptAmount({ amountReceived, amountRefunded, amountDisputed }: Intent): number {
  return amountReceived - amountRefunded - amountDisputed;
}

function requireCaptured(intent: Intent): void {
  if (intent.amountReceived === 0) {
    throw invalidRequest('This PaymentIntent does not have a successful charge.', {
      code: 'payment_intent_unexpected_state',
      intent,
    });
  }
}

/** @throws GatewayRefusal when the dispute is over */
export function requireOpen({ id, status }: Dispute): void {
  if (status !== 'needs_response') throw invalidRequest(`The dispute ${id} is ${status} already.`);
}

/** @throws GatewayRefusal when the intent holds nothing that could expire */
export function requireHeld(intent: Intent): void {
  if (intent.status !== 'requires_capture') throw unexpectedState(intent, 'expired', ['requires_capture']);
}

/** @throws GatewayRefusal when the intent is over, or was captured in part */
export function requireCancelable(intent: Intent): void {
  if (!CANCELABLE.includes(intent.status)) throw unexpectedState(intent, 'canceled', CANCELABLE);
  if (intent.amountReceived > 0) {
    throw invalidRequest('What was captured in part is ended by a final capture of 0.', {
      code: 'payment_intent_unexpected_state',
      intent,
    });
  }
}
