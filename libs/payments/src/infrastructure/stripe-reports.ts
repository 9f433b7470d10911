import Stripe from 'stripe';
import { DomainError } from '#kernel';
import type { DisputeStatus } from '../domain/dispute.js';
import { paymentErrors } from '../domain/payment.errors.js';
import type { GatewayNews, GatewayOutcome, GatewayReport } from '../domain/payment-gateway.js';
import { fromStripeAmount } from './stripe-amounts.js';
import { authorizedUntil, CAPTURE_REFERENCE, OPERATION_ID } from './stripe-outcomes.js';
import { failedAttempt } from './stripe-refusals.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** How old a signature may be, or how far ahead. */
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

  /** @throws DomainError webhook_signature_invalid, or webhook_malformed when it is signed and no event */
  read(body: Buffer, signature: unknown): GatewayReport {
    if (this.secret === undefined) {
      throw new DomainError(paymentErrors.webhook_signature_invalid, {
        detail: 'STRIPE_WEBHOOK_SECRET is not set, so no webhook can be trusted.',
      });
    }
    try {
      const header = typeof signature === 'string' ? signature : '';
      requireNotFromTheFuture(header);
      return toReport(Stripe.webhooks.constructEvent(body, header, this.secret, SIGNATURE_TOLERANCE_SECONDS));
    } catch (cause) {
      if (cause instanceof DomainError) throw cause;
      // The SDK parses what it has verified.
      if (cause instanceof SyntaxError) throw new DomainError(paymentErrors.webhook_malformed, { cause });
      throw new DomainError(paymentErrors.webhook_signature_invalid, { cause });
    }
  }
}

/** The SDK looks at the age only. @throws Error when it was signed later than clocks that differ explain */
function requireNotFromTheFuture(signature: string): void {
  const [, signedAt = '0'] = /(?:^|,)t=(\d+)/.exec(signature) ?? [];
  if (Number(signedAt) - Date.now() / 1_000 > SIGNATURE_TOLERANCE_SECONDS) {
    throw new Error('The signature is from the future.');
  }
}

/** What is signed by Stripe has these; whoever else has the secret may send anything. */
function toReport(event: Partial<Stripe.Event>): GatewayReport {
  const { id, type, data } = event;
  if (typeof id === 'string' && typeof type === 'string' && typeof data?.object === 'object') {
    return { id, type, payload: event };
  }
  throw new DomainError(paymentErrors.webhook_malformed);
}

/** What an event says about operations, authorizations and disputes of ours. Other events say nothing. */
export function newsOf({ payload }: GatewayReport): GatewayNews[] {
  const event = payload as Stripe.Event;
  switch (event.type) {
    case 'payment_intent.succeeded':
    case 'payment_intent.amount_capturable_updated':
    case 'payment_intent.payment_failed':
      return newsOfPayment(event.data.object);
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

function newsOfPayment(intent: Stripe.PaymentIntent): GatewayNews[] {
  const news = [...newsOfAuthorization(intent), ...newsOfCaptures(intent)];
  // What was held and not captured is gone, be it because the bank's time was over.
  const isOver = intent.status === 'succeeded' && intent.amount_received < intent.amount;
  return isOver ? [...news, { about: 'authorization_ended', gatewayPaymentId: intent.id }] : news;
}

function newsOfAuthorization(intent: Stripe.PaymentIntent): GatewayNews[] {
  const operationId = ownReference(intent.metadata);
  const outcome = operationId === undefined ? undefined : attemptOutcome(intent);
  if (operationId === undefined || !outcome) return [];
  return newsOfOperation(operationId, outcome, intent.amount, intent.currency);
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
    return newsOfOperation(
      operationId,
      { result: 'succeeded', gatewayId: intent.id },
      Number(amount),
      intent.currency,
    );
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
  const operationId = ownReference(refund.metadata);
  const outcome = refundNews(refund);
  if (!outcome) return [];
  if (operationId === undefined) {
    const gatewayPaymentId = nameOf(refund.payment_intent);
    return gatewayPaymentId === undefined ? [] : [{ about: 'unasked_movement', gatewayPaymentId }];
  }
  return newsOfOperation(operationId, outcome, refund.amount, refund.currency);
}

function refundNews(refund: Stripe.Refund): GatewayOutcome | undefined {
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

function newsOfDispute(dispute: Stripe.Dispute): GatewayNews[] {
  const gatewayPaymentId = nameOf(dispute.payment_intent);
  const status = DISPUTE_STATUS[dispute.status];
  const money = amountOf(dispute.amount, dispute.currency);
  if (gatewayPaymentId === undefined || status === undefined || !money) return [];
  const respondBy = dispute.evidence_details.due_by;
  return [
    {
      about: 'dispute',
      gatewayPaymentId,
      gatewayId: dispute.id,
      ...money,
      reason: dispute.reason,
      status,
      respondBy: respondBy === null ? null : new Date(respondBy * 1_000),
    },
  ];
}

function newsOfOperation(
  operationId: string,
  outcome: GatewayOutcome,
  amount: number,
  currency: string,
): GatewayNews[] {
  const money = amountOf(amount, currency);
  return money ? [{ about: 'operation', operationId, outcome, ...money }] : [];
}

/** The operation of ours that is named; others who use the account may write what they like under the same name. */
function ownReference(metadata: Stripe.Metadata | null): string | undefined {
  const reference = metadata?.[OPERATION_ID];
  return reference !== undefined && UUID.test(reference) ? reference : undefined;
}

function nameOf(reference: string | { readonly id: string } | null): string | undefined {
  return typeof reference === 'string' ? reference : reference?.id;
}

/** In our minor units; undefined for an amount that has none, which is not about anything of ours. */
function amountOf(amount: number, currency: string): { amount: number; currency: string } | undefined {
  const code = currency.toUpperCase();
  const ours = fromStripeAmount(amount, code);
  return Number.isSafeInteger(ours) ? { amount: ours, currency: code } : undefined;
}
