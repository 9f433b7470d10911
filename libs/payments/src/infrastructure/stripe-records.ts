import type Stripe from 'stripe';
import type { AuthorizeRequest, FollowUpRequest, GatewayOutcome } from '../domain/payment-gateway.js';
import { OutcomeUnknown } from './outcome-unknown.js';
import type { StripeClient } from './stripe-client.js';
import {
  authorizationOutcome,
  captureOutcome,
  OPERATION_ID,
  refundOutcome,
  voidOutcome,
} from './stripe-outcomes.js';

/** More refunds than any payment has. */
const MOST_REFUNDS = 1_000;

/**
 * What Stripe knows of an operation, asked by our reference. Undefined: nothing, or nothing that is final. For an
 * authorization that is no proof: Stripe finds a new payment only after a while, most of them within a minute, in bad
 * times after an hour.
 */
export class StripeRecords {
  constructor(private readonly client: StripeClient) {}

  /** The payment as it is now, with its charge. */
  async intent(id: string, signal: AbortSignal): Promise<Stripe.PaymentIntent> {
    return this.client.call(signal, ({ paymentIntents }) =>
      paymentIntents.retrieve(id, { expand: ['latest_charge'] }),
    );
  }

  async refund(id: string, signal: AbortSignal): Promise<Stripe.Refund> {
    return this.client.call(signal, ({ refunds }) => refunds.retrieve(id));
  }

  async authorization(request: AuthorizeRequest): Promise<GatewayOutcome | undefined> {
    const { operationId, signal } = request;
    const query = `metadata['${OPERATION_ID}']:'${operationId}'`;
    const { data } = await this.client.call(signal, ({ paymentIntents }) =>
      paymentIntents.search({ query, limit: 2 }),
    );
    if (data.length > 1) throw new OutcomeUnknown('Stripe has two payments for one operation.');
    const [found] = data;
    // What the search shows may be older than what is.
    return found && authorizationOutcome(await this.intent(found.id, signal), request);
  }

  async capture(request: FollowUpRequest): Promise<GatewayOutcome | undefined> {
    return captureOutcome(await this.intent(request.gatewayPaymentId, request.signal), request);
  }

  async void(request: FollowUpRequest): Promise<GatewayOutcome | undefined> {
    return voidOutcome(await this.intent(request.gatewayPaymentId, request.signal), request);
  }

  async refundOf(request: FollowUpRequest): Promise<GatewayOutcome | undefined> {
    const { operationId, gatewayPaymentId: payment_intent, signal } = request;
    const all = await this.client.call(signal, ({ refunds }) =>
      refunds.list({ payment_intent, limit: 100 }).autoPagingToArray({ limit: MOST_REFUNDS }),
    );
    const found = all.find(({ metadata }) => metadata?.[OPERATION_ID] === operationId);
    return found && refundOutcome(found, request);
  }
}
