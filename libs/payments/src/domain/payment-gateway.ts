/** What the gateway did. `failed` and `declined` are certain: no money moved. */
export type GatewayOutcome =
  | { readonly result: 'succeeded'; readonly gatewayId: string }
  | { readonly result: 'declined'; readonly declineCode: string }
  | { readonly result: 'requires_action' }
  | { readonly result: 'failed'; readonly declineCode: string };

interface GatewayRequest {
  /** Our reference, and the key under which the gateway does this once. */
  readonly operationId: string;
  /** Minor units. */
  readonly amount: number;
  readonly currency: string;
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
}
