import type { Decline, Intent } from './records.js';

export interface RefusalDetails {
  /** HTTP status that goes with it. */
  readonly status: 400 | 401 | 402 | 404 | 409 | 429 | 500;
  readonly type: 'card_error' | 'invalid_request_error' | 'idempotency_error' | 'api_error';
  readonly code?: string;
  readonly message: string;
  /** Name of the parameter that is at fault. */
  readonly param?: string;
  readonly declineCode?: string;
  /** The payment as it is now. */
  readonly intent?: Intent;
}

/** Why the gateway does not do what it is asked: all that a Stripe error object says. */
export class GatewayRefusal extends Error {
  override readonly name = 'GatewayRefusal';

  constructor(readonly details: RefusalDetails) {
    super(details.message);
  }
}

/** The request cannot be carried out as it is. */
export function invalidRequest(
  message: string,
  details: Pick<RefusalDetails, 'code' | 'param' | 'intent'> = {},
): GatewayRefusal {
  return new GatewayRefusal({ status: 400, type: 'invalid_request_error', message, ...details });
}

/** There is nothing of that name. */
export function unknownResource(kind: string, id: string, param: string): GatewayRefusal {
  return new GatewayRefusal({
    status: 404,
    type: 'invalid_request_error',
    code: 'resource_missing',
    message: `No such ${kind}: '${id}'`,
    param,
  });
}

/** The bank says no. */
export function cardRefused(decline: Decline, intent: Intent): GatewayRefusal {
  return new GatewayRefusal({ status: 402, type: 'card_error', ...decline, intent });
}

/** The intent is past that, or not there yet. */
export function unexpectedState(intent: Intent, verb: string, allowed: readonly string[]): GatewayRefusal {
  return invalidRequest(
    `This PaymentIntent could not be ${verb} because it has a status of ${intent.status}. ` +
      `Only a PaymentIntent with one of the following statuses may be ${verb}: ${allowed.join(', ')}.`,
    { code: 'payment_intent_unexpected_state', intent },
  );
}

/** What says nothing about what became of the request. */
export function serverError(): GatewayRefusal {
  return new GatewayRefusal({
    status: 500,
    type: 'api_error',
    message: 'An error occurred on our side, as it was told to.',
  });
}

/** The request was not looked at. */
export function rateLimited(): GatewayRefusal {
  return new GatewayRefusal({
    status: 429,
    type: 'invalid_request_error',
    code: 'rate_limit',
    message: 'Request rate limit exceeded, as it was told to be.',
  });
}
