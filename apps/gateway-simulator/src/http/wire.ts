import type { Dispute, GatewayRefusal, Intent, News, Refund } from '#simulated-gateway';

/** The version of Stripe's API whose shapes these are. */
export const API_VERSION = '2026-10-28.endive';

/** A PaymentIntent, with its charge in place of the charge's name where `expand` asks for that. */
export function paymentIntentJson(intent: Intent, expand: readonly string[] = []): object {
  const { id, status, chargeId, lastError } = intent;
  return {
    id,
    object: 'payment_intent',
    amount: intent.amount,
    amount_capturable: intent.amountCapturable,
    amount_received: intent.amountReceived,
    canceled_at: intent.canceledAt === null ? null : seconds(intent.canceledAt),
    cancellation_reason: intent.cancellationReason,
    capture_method: intent.captureMethod,
    client_secret: `${id}_secret_simulated`,
    confirmation_method: 'automatic',
    created: seconds(intent.createdAt),
    currency: intent.currency,
    customer: null,
    description: null,
    last_payment_error: lastError && {
      type: 'card_error',
      code: lastError.code,
      decline_code: lastError.declineCode,
      message: lastError.message,
    },
    latest_charge: chargeId !== null && expand.includes('latest_charge') ? chargeJson(intent) : chargeId,
    livemode: false,
    metadata: intent.metadata,
    next_action:
      status === 'requires_action'
        ? { type: 'use_stripe_sdk', use_stripe_sdk: { type: 'three_d_secure_redirect' } }
        : null,
    payment_method: intent.paymentMethod,
    payment_method_types: ['card'],
    status,
  };
}

function chargeJson(intent: Intent): object {
  return {
    id: intent.chargeId,
    object: 'charge',
    amount: intent.amount,
    amount_captured: intent.amountReceived,
    amount_refunded: intent.amountRefunded,
    captured: intent.status === 'succeeded',
    created: seconds(intent.createdAt),
    currency: intent.currency,
    disputed: intent.wasDisputed,
    livemode: false,
    metadata: intent.metadata,
    paid: intent.lastError === null,
    payment_intent: intent.id,
    payment_method: intent.paymentMethod,
    payment_method_details: {
      type: 'card',
      card: {
        ...(intent.captureBefore !== null && { capture_before: seconds(intent.captureBefore) }),
        multicapture: { status: intent.multicapture ? 'available' : 'unavailable' },
      },
    },
    refunded: intent.amountReceived > 0 && intent.amountRefunded === intent.amountReceived,
    status: intent.lastError === null ? 'succeeded' : 'failed',
  };
}

export function refundJson(refund: Refund): object {
  return {
    id: refund.id,
    object: 'refund',
    amount: refund.amount,
    created: seconds(refund.createdAt),
    currency: refund.currency,
    ...(refund.failureReason !== null && { failure_reason: refund.failureReason }),
    metadata: refund.metadata,
    payment_intent: refund.intentId,
    reason: refund.reason,
    status: refund.status,
  };
}

export function disputeJson(dispute: Dispute): object {
  return {
    id: dispute.id,
    object: 'dispute',
    amount: dispute.amount,
    balance_transactions: [],
    charge: dispute.chargeId,
    created: seconds(dispute.createdAt),
    currency: dispute.currency,
    evidence_details: {
      due_by: seconds(dispute.dueAt),
      has_evidence: false,
      past_due: false,
      submission_count: 0,
    },
    is_charge_refundable: false,
    livemode: false,
    metadata: {},
    payment_intent: dispute.intentId,
    reason: dispute.reason,
    status: dispute.status,
  };
}

export function errorJson({ details }: GatewayRefusal): object {
  const { type, code, message, param, declineCode, intent } = details;
  return {
    error: {
      type,
      message,
      ...(code !== undefined && { code, doc_url: `https://docs.stripe.com/error-codes#${code}` }),
      ...(declineCode !== undefined && { decline_code: declineCode }),
      ...(param !== undefined && { param }),
      ...(intent && { payment_intent: paymentIntentJson(intent) }),
    },
  };
}

/** An Event: what a webhook carries. */
export function eventJson(news: News): object {
  const { id, type, at, key } = news;
  return {
    id,
    object: 'event',
    api_version: API_VERSION,
    created: seconds(at),
    data: { object: subjectJson(news) },
    livemode: false,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: key },
    type,
  };
}

/** What an Event is about. */
function subjectJson({ type, intent, refund, dispute }: News): object {
  if (dispute) return disputeJson(dispute);
  if (refund) return refundJson(refund);
  return type.startsWith('charge.') ? chargeJson(intent) : paymentIntentJson(intent);
}

function seconds(ms: number): number {
  return Math.floor(ms / 1_000);
}
