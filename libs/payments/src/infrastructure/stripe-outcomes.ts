import type Stripe from 'stripe';
import type { AuthorizeRequest, FollowUpRequest, GatewayOutcome } from '../domain/payment-gateway.js';
import { OutcomeUnknown } from './outcome-unknown.js';
import { toStripeAmount } from './stripe-amounts.js';
import { failedAttempt } from './stripe-refusals.js';

/** In the metadata of a PaymentIntent or a Refund: the operation that made it. */
export const OPERATION_ID = 'operation_id';

/** The name of the note that a capture leaves, with the groups of its operation's id. */
export const CAPTURE_REFERENCE = /^capture_(\w{8})(\w{4})(\w{4})(\w{4})(\w{12})$/;

/** What a capture leaves in the metadata of its PaymentIntent, which has room for nearly all captures there can be. */
export function captureReference({ operationId, amount, currency }: FollowUpRequest): Record<string, string> {
  return { [`capture_${operationId.replaceAll('-', '')}`]: String(toStripeAmount(amount, currency)) };
}

/**
 * What a PaymentIntent says about the authorization that made it; undefined while it is under way.
 *
 * @throws OutcomeUnknown when it is not what was asked for
 */
export function authorizationOutcome(
  intent: Stripe.PaymentIntent,
  { operationId, amount, currency, captureNow }: AuthorizeRequest,
): GatewayOutcome | undefined {
  const expected = toStripeAmount(amount, currency);
  requireThat(kindOf(intent) === 'payment_intent', 'not a PaymentIntent');
  requireThat(intent.metadata[OPERATION_ID] === operationId, 'of another operation');
  requireThat(intent.amount === expected && isSameCurrency(intent, currency), 'of another amount');
  switch (intent.status) {
    case 'requires_capture':
      requireThat(!captureNow && intent.amount_capturable === expected, 'not authorized as asked');
      return { result: 'succeeded', gatewayId: intent.id, authorizedUntil: authorizedUntil(intent) };
    case 'succeeded':
      requireThat(captureNow && intent.amount_received === expected, 'not captured as asked');
      return { result: 'succeeded', gatewayId: intent.id };
    case 'requires_payment_method': {
      const failed = intent.last_payment_error;
      return failed ? failedAttempt(failed.code ?? '', failed.decline_code ?? '') : undefined;
    }
    case 'canceled':
      requireThat(intent.amount_received === 0, 'canceled after money was taken');
      return { result: 'failed', declineCode: 'canceled' };
    default:
      // Under way; or waiting for a shopper who may still act, which error_on_requires_action rules out.
      return undefined;
  }
}

/** What a PaymentIntent says about one capture; undefined when it does not know of it. */
export function captureOutcome(
  intent: Stripe.PaymentIntent,
  request: FollowUpRequest,
): GatewayOutcome | undefined {
  requireThat(intent.id === request.gatewayPaymentId, 'another payment');
  const [[name, amount] = ['', '']] = Object.entries(captureReference(request));
  const isCaptured = intent.status === 'succeeded' || intent.status === 'requires_capture';
  if (!isCaptured || intent.metadata[name] === undefined) return undefined;
  const isAsAsked = intent.metadata[name] === amount && intent.amount_received >= Number(amount);
  requireThat(isAsAsked, 'captured, but not as asked');
  return { result: 'succeeded', gatewayId: chargeId(intent), isLast: intent.status === 'succeeded' };
}

/**
 * What a PaymentIntent says about giving back what is not captured; undefined while something is held. It counts as
 * done whoever did it: a hold that has expired is gone as well.
 *
 * @throws OutcomeUnknown when more, or less, was captured than we know of: then it is not for a void to say what
 *   became of the payment
 */
export function voidOutcome(
  intent: Stripe.PaymentIntent,
  { amount, currency, gatewayPaymentId }: FollowUpRequest,
): GatewayOutcome | undefined {
  requireThat(intent.id === gatewayPaymentId, 'another payment');
  if (intent.status !== 'canceled' && intent.status !== 'succeeded') return undefined;
  const released = intent.amount - intent.amount_received;
  requireThat(released === toStripeAmount(amount, currency), 'over, but not for what was to be given back');
  return { result: 'succeeded', gatewayId: intent.id };
}

/** What a Refund says about itself; undefined while the bank decides. */
export function refundOutcome(
  refund: Stripe.Refund,
  { operationId, amount, currency, gatewayPaymentId }: FollowUpRequest,
): GatewayOutcome | undefined {
  requireThat(kindOf(refund) === 'refund', 'not a Refund');
  requireThat(refund.metadata?.[OPERATION_ID] === operationId, 'of another operation');
  requireThat(idOf(refund.payment_intent) === gatewayPaymentId, 'of another payment');
  requireThat(refund.amount === toStripeAmount(amount, currency), 'of another amount');
  switch (refund.status) {
    case 'succeeded':
      return { result: 'succeeded', gatewayId: refund.id };
    case 'failed':
    case 'canceled':
      return { result: 'failed', declineCode: refund.failure_reason ?? refund.status, gatewayId: refund.id };
    default:
      return undefined;
  }
}

/** Until when the hold can be captured, where Stripe says so. Needs the charge expanded. */
export function authorizedUntil({ latest_charge: charge }: Stripe.PaymentIntent): Date | undefined {
  if (charge === null || typeof charge === 'string') return undefined;
  const captureBefore = charge.payment_method_details?.card?.capture_before;
  return captureBefore === undefined ? undefined : new Date(captureBefore * 1_000);
}

/** Whether more than one capture is possible. Needs the charge expanded. */
export function allowsMulticapture({ latest_charge: charge }: Stripe.PaymentIntent): boolean {
  if (charge === null || typeof charge === 'string') return false;
  return charge.payment_method_details?.card?.multicapture?.status === 'available';
}

function chargeId({ id, latest_charge: charge }: Stripe.PaymentIntent): string {
  return idOf(charge) ?? id;
}

function idOf(reference: string | { readonly id: string } | null): string | undefined {
  return typeof reference === 'string' ? reference : reference?.id;
}

/** The SDK takes whatever JSON it gets for what it has asked for. */
function kindOf({ object }: { readonly object: string }): string {
  return object;
}

function isSameCurrency(intent: Stripe.PaymentIntent, currency: string): boolean {
  return intent.currency === currency.toLowerCase();
}

/** @throws OutcomeUnknown when what Stripe answers is not about what was asked */
function requireThat(holds: boolean, otherwise: string): void {
  if (!holds) throw new OutcomeUnknown(`Stripe's answer is about something else: ${otherwise}.`);
}
