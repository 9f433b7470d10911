import Stripe from 'stripe';
import { DomainError } from '#kernel';
import type { DisputeStatus } from '../domain/dispute.js';
import { paymentErrors } from '../domain/payment.errors.js';
import type { GatewayNews, GatewayOutcome, GatewayReport } from '../domain/payment-gateway.js';
import { fromStripeAmount } from './stripe-amounts.js';
import { authorizedUntil, CAPTURE_REFERENCE, OPERATION_ID } from './stripe-outcomes.js';
import { failedAttempt } from './stripe-refusals.js';

/** How old a signature may be. */
const SIGNATURE_TOLERANCE_SECONDS = 300;

/** Stripe's words for how far a dispute has come. An appeal is made when it is lost, and it stays so until it is won. */
const DISPUTE_STATUS: Readonly<Record<string, DisputeStatus>> = {
  warning_needs_response: 'inquiry',
  warning_under_review: 'inquiry',
  warning_closed: 'closed',
  needs_response: 'needs_response',
  under_review: 'under_review',
  won: 'won',
  lost: 'lost',
  appeal_needs_response: 'lost',
  appeal_under_review: 'lost',
  prevented: 'closed',
};

/** Reads the events that Stripe sends by itself. */
export class StripeReports {
  constructor(private readonly secret: string | undefined) {}

  /** @throws DomainError webhook_signature_invalid */
  read(body: Buffer, signature: unknown): GatewayReport {
    if (this.secret === undefined) {
      throw new DomainError(paymentErrors.webhook_signature_invalid, {
        detail: 'STRIPE_WEBHOOK_SECRET is not set, so no webhook can be trusted.',
      });
    }
    try {
      const header = typeof signature === 'string' ? signature : '';
      const event = Stripe.webhooks.constructEvent(body, header, this.secret, SIGNATURE_TOLERANCE_SECONDS);
      return { id: event.id, type: event.type, payload: event };
    } catch (cause) {
      throw new DomainError(paymentErrors.webhook_signature_invalid, { cause });
    }
  }
}

/** What an event says about operations, authorizations and disputes of ours. Other events say nothing. */
export function newsOf({ payload }: GatewayReport): GatewayNews[] {
  const event = payload as Stripe.Event;
  switch (event.type) {
    case 'payment_intent.succeeded':
    case 'payment_intent.amount_capturable_updated':
    case 'payment_intent.payment_failed':
      return [...newsOfAuthorization(event.data.object), ...newsOfCaptures(event.data.object)];
    case 'payment_intent.canceled':
      return newsOfEnd(event.data.object);
    case 'refund.created':
    case 'refund.updated':
    case 'refund.failed':
      return newsOfRefund(event.data.object);
    case 'charge.dispute.created':
    case 'charge.dispute.updated':
    case 'charge.dispute.closed':
    case 'charge.dispute.funds_withdrawn':
    case 'charge.dispute.funds_reinstated':
      return newsOfDispute(event.data.object);
    default:
      return [];
  }
}

function newsOfAuthorization(intent: Stripe.PaymentIntent): GatewayNews[] {
  const operationId = intent.metadata[OPERATION_ID];
  const outcome = operationId === undefined ? undefined : attemptOutcome(intent);
  if (operationId === undefined || !outcome) return [];
  return [{ about: 'operation', operationId, outcome, ...amountOf(intent.amount, intent.currency) }];
}

function attemptOutcome(intent: Stripe.PaymentIntent): GatewayOutcome | undefined {
  switch (intent.status) {
    case 'requires_capture':
    case 'succeeded':
      return { result: 'succeeded', gatewayId: intent.id, authorizedUntil: authorizedUntil(intent) };
    case 'requires_payment_method': {
      const failed = intent.last_payment_error;
      return failed ? failedAttempt(failed.code ?? '', failed.decline_code ?? '') : undefined;
    }
    default:
      return undefined;
  }
}

/** Each capture of a payment has left its reference, with its amount, in the metadata. */
function newsOfCaptures(intent: Stripe.PaymentIntent): GatewayNews[] {
  return Object.entries(intent.metadata).flatMap(([name, amount]): GatewayNews[] => {
    const operationId = operationOfCapture(name);
    if (operationId === undefined || intent.amount_received < Number(amount)) return [];
    const outcome: GatewayOutcome = { result: 'succeeded', gatewayId: intent.id };
    return [{ about: 'operation', operationId, outcome, ...amountOf(Number(amount), intent.currency) }];
  });
}

/** The id of the operation whose capture left a note of this name. */
function operationOfCapture(name: string): string | undefined {
  const [, a, b, c, d, e] = CAPTURE_REFERENCE.exec(name) ?? [];
  return a === undefined ? undefined : [a, b, c, d, e].join('-');
}

/** A payment that was canceled when nothing was held yet never was an authorization of ours. */
function newsOfEnd({ id, latest_charge: charge }: Stripe.PaymentIntent): GatewayNews[] {
  return charge === null ? [] : [{ about: 'authorization_ended', gatewayPaymentId: id }];
}

function newsOfRefund(refund: Stripe.Refund): GatewayNews[] {
  const operationId = refund.metadata?.[OPERATION_ID];
  const outcome = refundNews(refund);
  if (operationId === undefined || !outcome) return [];
  return [{ about: 'operation', operationId, outcome, ...amountOf(refund.amount, refund.currency) }];
}

function refundNews(refund: Stripe.Refund): GatewayOutcome | undefined {
  switch (refund.status) {
    case 'succeeded':
      return { result: 'succeeded', gatewayId: refund.id };
    case 'failed':
    case 'canceled':
      return { result: 'failed', declineCode: refund.failure_reason ?? refund.status };
    default:
      return undefined;
  }
}

function newsOfDispute(dispute: Stripe.Dispute): GatewayNews[] {
  const { payment_intent: intent } = dispute;
  const status = DISPUTE_STATUS[dispute.status];
  if (intent === null || status === undefined) return [];
  const respondBy = dispute.evidence_details.due_by;
  return [
    {
      about: 'dispute',
      gatewayPaymentId: typeof intent === 'string' ? intent : intent.id,
      gatewayId: dispute.id,
      ...amountOf(dispute.amount, dispute.currency),
      reason: dispute.reason,
      status,
      respondBy: respondBy === null ? null : new Date(respondBy * 1_000),
    },
  ];
}

function amountOf(amount: number, currency: string): { amount: number; currency: string } {
  const code = currency.toUpperCase();
  return { amount: fromStripeAmount(amount, code), currency: code };
}
