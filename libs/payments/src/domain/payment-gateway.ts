import type { DisputeStatus } from './dispute.js';

/** What the gateway did. `failed` and `declined` are certain: no money moved, and none will. */
export type GatewayOutcome =
  | {
      readonly result: 'succeeded';
      readonly gatewayId: string;
      /** Of an authorization: until when it can be captured, where the gateway says so. */
      readonly authorizedUntil?: Date | undefined;
      /** Of a capture: nothing more is held, whether or not all of it was captured. */
      readonly isLast?: boolean | undefined;
    }
  | { readonly result: 'declined'; readonly declineCode: string }
  | { readonly result: 'requires_action' }
  | {
      readonly result: 'failed';
      readonly declineCode: string;
      /** The gateway's name for what has failed, where it had begun with it. */
      readonly gatewayId?: string | undefined;
    };

/** The shortest time for which cards hold money. */
const SHORTEST_AUTHORIZATION_MS = 5 * 86_400_000;

/** An outcome that says until when money is held, also where the gateway has not: then it is taken to be short. */
export function withEnd(outcome: GatewayOutcome, now: Date): GatewayOutcome {
  if (outcome.result !== 'succeeded' || outcome.authorizedUntil !== undefined) return outcome;
  return { ...outcome, authorizedUntil: new Date(now.getTime() + SHORTEST_AUTHORIZATION_MS) };
}

export interface GatewayRequest {
  /** Our reference, and the key under which the gateway does this once. */
  readonly operationId: string;
  /** Written down beside it, where the gateway takes notes, for whoever looks at its dashboard. */
  readonly paymentId?: string | undefined;
  readonly orderId?: string | undefined;
  /** Minor units. */
  readonly amount: number;
  readonly currency: string;
  /** Milliseconds since it was sent for the first time; absent when it never was. */
  readonly sentForMs?: number | undefined;
  /** Ends the wait. The effect may have happened all the same. */
  readonly signal: AbortSignal;
}

export interface AuthorizeRequest extends GatewayRequest {
  readonly method: string;
  /** Whether the money is captured in the same step. */
  readonly captureNow: boolean;
}

export interface FollowUpRequest extends GatewayRequest {
  /** The gateway's name for the authorized payment. */
  readonly gatewayPaymentId: string;
}

/** Any operation, as the gateway is asked about it. */
export type GatewayFollowUp = { readonly kind: 'capture' | 'void' | 'refund' } & FollowUpRequest;
export type GatewayOperation = ({ readonly kind: 'authorize' } & AuthorizeRequest) | GatewayFollowUp;

/** A signed report of the gateway, as it came in. */
export interface GatewayReport {
  /** The gateway's own name for it: one that comes twice has the same. */
  readonly id: string;
  readonly type: string;
  readonly payload: object;
}

/** What a report says, in our words. Amounts are minor units of the currency that is named beside them. */
export type GatewayNews =
  /** An operation of ours has come to something. */
  | {
      readonly about: 'operation';
      readonly operationId: string;
      readonly outcome: GatewayOutcome;
      readonly amount: number;
      readonly currency: string;
    }
  /** What was authorized and not captured is no longer held. */
  | { readonly about: 'authorization_ended'; readonly gatewayPaymentId: string }
  /** Money of the payment moved, and nobody here has asked for it. */
  | { readonly about: 'unasked_movement'; readonly gatewayPaymentId: string }
  | {
      readonly about: 'dispute';
      readonly gatewayPaymentId: string;
      readonly gatewayId: string;
      readonly amount: number;
      readonly currency: string;
      readonly reason: string;
      readonly status: DisputeStatus;
      readonly respondBy: Date | null;
    };

/**
 * The door to whoever moves the money. An implementation answers with an outcome only when it is certain; whatever it
 * throws means that nobody knows, and the operation becomes `unknown`. Sending an operation again has no second
 * effect.
 */
export abstract class PaymentGateway {
  /** Stored with each payment. */
  abstract readonly name: string;
  /** Whether `method` is one that the gateway can be asked about at all. */
  abstract knowsMethod(method: string): boolean;
  abstract authorize(request: AuthorizeRequest): Promise<GatewayOutcome>;
  abstract capture(request: FollowUpRequest): Promise<GatewayOutcome>;
  abstract void(request: FollowUpRequest): Promise<GatewayOutcome>;
  abstract refund(request: FollowUpRequest): Promise<GatewayOutcome>;

  /** What the gateway knows of an operation by our reference; undefined: nothing, which is no proof. */
  abstract find(operation: GatewayOperation): Promise<GatewayOutcome | undefined>;

  /**
   * Makes certain that an authorization which the gateway does not know of will never have an effect, also when a
   * request for it is still on its way. To be asked only while the gateway remembers the operation's key, and when it
   * has come to rest about it: what it has received by then and cannot be found had no effect.
   *
   * @returns that it has failed; or what it came to after all
   */
  abstract ruleOut(operation: AuthorizeRequest): Promise<GatewayOutcome>;

  /**
   * Sends what follows on an authorization once more, long after it was sent before. As `capture` and its like; but an
   * error that the gateway keeps for it, with nothing to be found by our reference, is certain by now.
   */
  abstract insist(operation: GatewayFollowUp): Promise<GatewayOutcome>;

  /**
   * The report in the body of a webhook.
   *
   * @throws DomainError webhook_signature_invalid when it was not signed by the gateway, or too long ago
   */
  abstract readReport(body: Buffer, headers: Readonly<Record<string, unknown>>): GatewayReport;

  /** What a report says, oldest first; nothing when it is of no interest. */
  abstract newsOf(report: GatewayReport): GatewayNews[];
}
