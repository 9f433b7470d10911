import type Stripe from 'stripe';
import {
  type AuthorizeRequest,
  type FollowUpRequest,
  type GatewayFollowUp,
  type GatewayNews,
  type GatewayOperation,
  type GatewayOutcome,
  type GatewayReport,
  type GatewayRequest,
  PaymentGateway,
} from '../domain/payment-gateway.js';
import { OutcomeUnknown } from './outcome-unknown.js';
import { toStripeAmount } from './stripe-amounts.js';
import { StripeClient, type StripeClientOptions } from './stripe-client.js';
import {
  allowsMulticapture,
  authorizationOutcome,
  captureOutcome,
  captureReference,
  OPERATION_ID,
  refundOutcome,
  voidOutcome,
} from './stripe-outcomes.js';
import { StripeRecords } from './stripe-records.js';
import { certainRefusal, isKeptServerError, isKeyTaken, unknownBecause } from './stripe-refusals.js';
import { newsOf, StripeReports } from './stripe-reports.js';

/** How one operation is carried out. */
interface Steps<T> {
  readonly send: (options: Stripe.RequestOptions) => Promise<T>;
  /** The answer, read again: the one that is kept under the key stays as it was. */
  readonly reload: (answer: T) => Promise<T>;
  readonly outcomeOf: (answer: T) => GatewayOutcome | undefined;
  /** What Stripe knows of the operation by our reference. */
  readonly lookUp: () => Promise<GatewayOutcome | undefined>;
  /** Whether lookUp() knows at once of everything that has happened. */
  readonly isLookUpCurrent: boolean;
}

const PAYMENT_METHOD = /^pm_\w{1,250}$/;
/** A final capture of nothing gives back what was not captured. */
const RELEASE_THE_REST = { amount_to_capture: 0, final_capture: true };
/** Stripe forgets a key after 24 hours at the earliest; the hour is for clocks that differ. */
const KEY_RETENTION_MS = 23 * 3_600_000;
const TOO_OLD = 'It is too old to be sent again';

/**
 * Stripe, through PaymentIntents of cards. An operation's id is its idempotency key and our reference in the metadata.
 * One call is one request that changes something; retrying is left to whoever runs the operation.
 *
 * What is certain, and why. Everything else is thrown, and the outcome stays unknown:
 *
 * | Stripe says | outcome | why that is certain |
 * |---|---|---|
 * | 200, authorized or captured: our reference, amount and currency | `succeeded` | it is what was asked for |
 * | 200, status `processing`, or a refund that is pending | thrown, after asking once more | money may still move |
 * | 200, but another operation, amount or kind of object | thrown | it is not the answer to this request |
 * | 200, status `requires_action` | thrown | a shopper may still act; `error_on_requires_action` rules it out |
 * | 402 `card_error` | `declined` with its `decline_code` | the attempt is over, and kept under the key |
 * | 402 `card_error`, `authentication_required` or `_not_handled` | `requires_action` | as above: the attempt is over |
 * | 400 `invalid_request_error` | `failed` with its `code` | see below |
 * | 400, 404 `resource_missing` for the payment method | `failed` | as above |
 * | 404 `resource_missing` for the payment | thrown | it is there, in another account than this key's |
 * | 400 for our account or key, as in `api_key_expired` | thrown | the same request succeeds when that is mended |
 * | 400 `idempotency_error`, 409 | thrown | another request has the key, or this one is under way |
 * | 401, 403, 429 | thrown | said before anything was looked at; an earlier try may have had its effect |
 * | 500 and above | thrown | may have had its effect |
 * | 500 and above with `Idempotent-Replayed` | what lookUp() finds, else thrown | sent again it stays 500 |
 * | a refusal without `Request-Id`, or of no type of Stripe's | thrown | a proxy said that |
 * | no answer, half an answer, not JSON | thrown | may have had its effect |
 *
 * A 400 is about this try. It speaks for earlier ones too, because Stripe keeps the first result under the key: had
 * one of them begun, this would have been its answer. A 400 from before that, for parameters that make no sense, is
 * the same for every try. Both hold only while the key is remembered, so an operation that is older is never sent,
 * only looked up. Captures, voids and refunds are looked up after a 400 all the same: there it costs one request and
 * is never stale.
 */
export class StripeGateway extends PaymentGateway {
  override readonly name = 'stripe';
  private readonly client: StripeClient;
  private readonly records: StripeRecords;
  private readonly reports: StripeReports;

  constructor(options: StripeClientOptions & { readonly webhookSecret?: string | undefined }) {
    super();
    this.client = new StripeClient(options);
    this.records = new StripeRecords(this.client);
    this.reports = new StripeReports(options.webhookSecret);
  }

  /** Any name of a payment method; whether there is one of that name only Stripe knows. */
  override knowsMethod(method: string): boolean {
    return PAYMENT_METHOD.test(method);
  }

  /** @throws OutcomeUnknown */
  override async authorize(request: AuthorizeRequest): Promise<GatewayOutcome> {
    return this.carryOut(request, this.authorization(request));
  }

  /** @throws OutcomeUnknown */
  override async capture(request: FollowUpRequest): Promise<GatewayOutcome> {
    return this.carryOut(request, this.capturing(request));
  }

  /** @throws OutcomeUnknown */
  override async void(request: FollowUpRequest): Promise<GatewayOutcome> {
    return this.carryOut(request, this.voiding(request));
  }

  /** @throws OutcomeUnknown */
  override async refund(request: FollowUpRequest): Promise<GatewayOutcome> {
    return this.carryOut(request, this.refunding(request));
  }

  /** @throws OutcomeUnknown */
  override async find(operation: GatewayOperation): Promise<GatewayOutcome | undefined> {
    return this.certainly(() => this.stepsOf(operation).lookUp());
  }

  /**
   * Takes the operation's key for a payment that nobody confirms. Where that succeeds, Stripe has never received the
   * operation, and would refuse it from now on, because the key stands for something else. Where the key is taken,
   * Stripe has received it: what it came to is kept.
   *
   * @throws OutcomeUnknown
   */
  override async ruleOut(request: AuthorizeRequest): Promise<GatewayOutcome> {
    const { operationId, signal } = request;
    return this.certainly(async () => {
      if (isKeyForgotten(request)) throw new OutcomeUnknown('Stripe may have forgotten its key.');
      let blank: Stripe.PaymentIntent;
      try {
        blank = await this.client.call(signal, ({ paymentIntents }) =>
          paymentIntents.create(blankPayment(request), { idempotencyKey: operationId }),
        );
      } catch (error) {
        if (!isKeyTaken(error)) throw error;
        return this.keptOutcome(operationId, this.authorization(request));
      }
      // Nobody can pay what nobody confirms; that it is canceled only tidies the dashboard.
      await this.client
        .call(signal, ({ paymentIntents }) => paymentIntents.cancel(blank.id))
        .catch(() => undefined);
      return { result: 'failed', declineCode: 'never_received' };
    });
  }

  /** @throws OutcomeUnknown */
  override async insist(operation: GatewayFollowUp): Promise<GatewayOutcome> {
    return this.certainly(() =>
      isKeyForgotten(operation)
        ? found(this.stepsOf(operation).lookUp(), TOO_OLD)
        : this.keptOutcome(operation.operationId, this.stepsOf(operation)),
    );
  }

  override readReport(body: Buffer, headers: Readonly<Record<string, unknown>>): GatewayReport {
    return this.reports.read(body, headers['stripe-signature']);
  }

  override newsOf(report: GatewayReport): GatewayNews[] {
    return newsOf(report);
  }

  private stepsOf(operation: GatewayOperation): Steps<object> {
    switch (operation.kind) {
      case 'authorize':
        return this.authorization(operation) as Steps<object>;
      case 'capture':
        return this.capturing(operation) as Steps<object>;
      case 'void':
        return this.voiding(operation) as Steps<object>;
      case 'refund':
        return this.refunding(operation) as Steps<object>;
    }
  }

  private authorization(request: AuthorizeRequest): Steps<Stripe.PaymentIntent> {
    const { captureNow, currency, signal } = request;
    const parameters: Stripe.PaymentIntentCreateParams = {
      amount: toStripeAmount(request.amount, currency),
      currency: currency.toLowerCase(),
      payment_method: request.method,
      allowed_payment_method_types: ['card'],
      confirm: true,
      capture_method: captureNow ? 'automatic' : 'manual',
      // Nothing may be left behind that a shopper could complete after the operation was given up.
      error_on_requires_action: true,
      metadata: referencesOf(request),
      ...(!captureNow && {
        payment_method_options: { card: { request_multicapture: 'if_available' } },
        // Says until when the money is held.
        expand: ['latest_charge'],
      }),
    };
    return {
      send: (options) =>
        this.client.call(signal, ({ paymentIntents }) => paymentIntents.create(parameters, options)),
      reload: ({ id }) => this.records.intent(id, signal),
      outcomeOf: (intent) => authorizationOutcome(intent, request),
      lookUp: () => this.records.authorization(request),
      isLookUpCurrent: false,
    };
  }

  private capturing(request: FollowUpRequest): Steps<Stripe.PaymentIntent> {
    const { gatewayPaymentId, signal } = request;
    return {
      send: async (options) => {
        const before = await this.records.intent(gatewayPaymentId, signal);
        if (captureOutcome(before, request)) return before;
        const parameters = captureParameters(before, request);
        return this.client.call(signal, ({ paymentIntents }) =>
          paymentIntents.capture(gatewayPaymentId, parameters, options),
        );
      },
      reload: ({ id }) => this.records.intent(id, signal),
      outcomeOf: (intent) => captureOutcome(intent, request),
      lookUp: () => this.records.capture(request),
      isLookUpCurrent: true,
    };
  }

  private voiding(request: FollowUpRequest): Steps<Stripe.PaymentIntent> {
    const { gatewayPaymentId, signal } = request;
    return {
      send: async (options) => {
        const before = await this.records.intent(gatewayPaymentId, signal);
        if (voidOutcome(before, request)) return before;
        return this.client.call(signal, ({ paymentIntents }) =>
          before.amount_received === 0
            ? paymentIntents.cancel(gatewayPaymentId, {}, options)
            : paymentIntents.capture(gatewayPaymentId, RELEASE_THE_REST, options),
        );
      },
      reload: ({ id }) => this.records.intent(id, signal),
      outcomeOf: (intent) => voidOutcome(intent, request),
      lookUp: () => this.records.void(request),
      isLookUpCurrent: true,
    };
  }

  private refunding(request: FollowUpRequest): Steps<Stripe.Refund> {
    const { amount, currency, gatewayPaymentId, signal } = request;
    const parameters: Stripe.RefundCreateParams = {
      payment_intent: gatewayPaymentId,
      amount: toStripeAmount(amount, currency),
      metadata: referencesOf(request),
    };
    return {
      send: (options) => this.client.call(signal, ({ refunds }) => refunds.create(parameters, options)),
      reload: ({ id }) => this.records.refund(id, signal),
      outcomeOf: (refund) => refundOutcome(refund, request),
      lookUp: () => this.records.refundOf(request),
      isLookUpCurrent: true,
    };
  }

  private carryOut<T>(request: GatewayRequest, steps: Steps<T>): Promise<GatewayOutcome> {
    return this.certainly(() =>
      isKeyForgotten(request) ? found(steps.lookUp(), TOO_OLD) : this.sendOnce(request.operationId, steps),
    );
  }

  /** @throws OutcomeUnknown for whatever `fn` throws */
  private async certainly<T>(fn: () => Promise<T>): Promise<T> {
    try {
      return await fn();
    } catch (error) {
      throw unknownBecause(error);
    }
  }

  private async sendOnce<T>(idempotencyKey: string, steps: Steps<T>): Promise<GatewayOutcome> {
    let answer: T;
    try {
      answer = await steps.send({ idempotencyKey });
    } catch (error) {
      if (isKeptServerError(error)) {
        return found(steps.lookUp(), 'Stripe keeps answering with an error', { isKept: true });
      }
      const refusal = certainRefusal(error);
      if (!refusal) throw error;
      const isChecked = refusal.result === 'failed' && steps.isLookUpCurrent;
      return (isChecked && (await steps.lookUp())) || refusal;
    }
    const outcome = steps.outcomeOf(answer) ?? steps.outcomeOf(await steps.reload(answer));
    if (outcome) return outcome;
    throw new OutcomeUnknown('Stripe has begun with it and not finished.');
  }

  /**
   * What an operation came to that Stripe has received long ago. An error that it keeps for it, and nothing that could
   * be found by our reference, mean that it had no effect; sent again it has none either.
   */
  private async keptOutcome<T>(operationId: string, steps: Steps<T>): Promise<GatewayOutcome> {
    try {
      return await this.sendOnce(operationId, steps);
    } catch (error) {
      if (error instanceof OutcomeUnknown && error.isKept)
        return { result: 'failed', declineCode: 'not_found' };
      throw error;
    }
  }
}

function isKeyForgotten({ sentForMs = 0 }: GatewayRequest): boolean {
  return sentForMs > KEY_RETENTION_MS;
}

/** What is written into the metadata at Stripe. */
function referencesOf({ operationId, paymentId, orderId }: GatewayRequest): Record<string, string> {
  return {
    [OPERATION_ID]: operationId,
    ...(paymentId !== undefined && { payment_id: paymentId }),
    ...(orderId !== undefined && { order_id: orderId }),
  };
}

/** Asks for nothing but its key. */
function blankPayment({ amount, currency, operationId }: AuthorizeRequest): Stripe.PaymentIntentCreateParams {
  return {
    amount: toStripeAmount(amount, currency),
    currency: currency.toLowerCase(),
    metadata: { ruled_out: operationId },
  };
}

/** What is left stays held where the card allows that; elsewhere the first capture is the last. */
function captureParameters(
  before: Stripe.PaymentIntent,
  request: FollowUpRequest,
): Stripe.PaymentIntentCaptureParams {
  const amountToCapture = toStripeAmount(request.amount, request.currency);
  const keepsRest = amountToCapture < before.amount_capturable && allowsMulticapture(before);
  return {
    amount_to_capture: amountToCapture,
    metadata: captureReference(request),
    ...(keepsRest && { final_capture: false }),
  };
}

/** The outcome that was found, or the reason why nothing is certain. */
async function found(
  lookUp: Promise<GatewayOutcome | undefined>,
  why: string,
  circumstances: { readonly isKept?: boolean } = {},
): Promise<GatewayOutcome> {
  const outcome = await lookUp;
  if (outcome) return outcome;
  throw new OutcomeUnknown(`${why}, and Stripe knows nothing of it by our reference.`, circumstances);
}
