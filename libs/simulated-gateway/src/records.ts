/** What the gateway calls a payment. `amount*` are minor units of `currency` as the gateway counts them. */
export interface Intent {
  readonly id: string;
  readonly amount: number;
  /** ISO 4217, in lower case. */
  readonly currency: string;
  readonly captureMethod: CaptureMethod;
  readonly status: IntentStatus;
  /** What is held and can still be captured. */
  readonly amountCapturable: number;
  /** What was captured. */
  readonly amountReceived: number;
  /** What was given back or is about to be: refunds that failed do not count. */
  readonly amountRefunded: number;
  /** What disputes have taken back: those that were won do not count. */
  readonly amountDisputed: number;
  /** Whether there ever was a dispute, however it ended. */
  readonly wasDisputed: boolean;
  readonly paymentMethod: string | null;
  readonly metadata: Metadata;
  /** Whether more than one capture is possible. */
  readonly multicapture: boolean;
  /** Milliseconds since 1970, like every time here. */
  readonly createdAt: number;
  /** Until when what is held can be captured; null when nothing was ever held. */
  readonly captureBefore: number | null;
  readonly canceledAt: number | null;
  /** As whoever canceled it says; `automatic` when the authorization has expired. */
  readonly cancellationReason: string | null;
  readonly lastError: Decline | null;
  /** The charge behind the intent; null until an attempt has reached the bank. */
  readonly chargeId: string | null;
}

export type CaptureMethod = 'automatic' | 'manual';

export type IntentStatus =
  | 'requires_payment_method'
  | 'requires_confirmation'
  | 'requires_action'
  | 'requires_capture'
  | 'succeeded'
  | 'canceled';

export interface Refund {
  readonly id: string;
  readonly intentId: string;
  readonly amount: number;
  readonly currency: string;
  readonly status: RefundStatus;
  readonly failureReason: string | null;
  readonly reason: string | null;
  readonly metadata: Metadata;
  readonly createdAt: number;
}

export type RefundStatus = 'pending' | 'succeeded' | 'failed';

/** A shopper's bank takes back what was captured, until somebody is proven right. */
export interface Dispute {
  readonly id: string;
  readonly intentId: string;
  readonly chargeId: string | null;
  readonly amount: number;
  readonly currency: string;
  readonly reason: string;
  /** `won` is the shop's victory: the money comes back. */
  readonly status: 'needs_response' | DisputeEnd;
  readonly createdAt: number;
  /** Until when the shop can defend itself. */
  readonly dueAt: number;
}

export type DisputeEnd = 'won' | 'lost';

export type Metadata = Readonly<Record<string, string>>;

/** Why a bank says no. */
export interface Decline {
  readonly code: string;
  readonly declineCode: string;
  readonly message: string;
}

/**
 * One thing that happened to money. The log of effects is what a test compares the books of a shop with: whatever
 * became of the answers, a key has at most one row of each kind. An authorization that captures at once is one row,
 * `captured`; a refund that fails after it was made has a second row, `refund_failed`, and a dispute that is won has a
 * second row, `dispute_won`. What a final capture leaves uncaptured is released with it, without a row of its own.
 */
export interface Effect {
  /** 1 for the first, without gaps. */
  readonly sequence: number;
  readonly kind:
    'authorized' | 'captured' | 'voided' | 'refunded' | 'refund_failed' | 'disputed' | 'dispute_won';
  /** Idempotency key of the request, or a name made up for one that had none. */
  readonly key: string;
  readonly intentId: string;
  readonly refundId: string | null;
  readonly disputeId: string | null;
  readonly amount: number;
  readonly currency: string;
  readonly at: number;
}

/** Something that the gateway tells its customers about, with what it is about as it was at that moment. */
export interface News {
  readonly id: string;
  readonly type: NewsType;
  readonly intent: Intent;
  readonly refund: Refund | null;
  readonly dispute: Dispute | null;
  readonly at: number;
  /** Of the request that caused it, as in Effect. */
  readonly key: string;
}

export type NewsType =
  | 'payment_intent.amount_capturable_updated'
  | 'payment_intent.succeeded'
  | 'payment_intent.payment_failed'
  | 'payment_intent.requires_action'
  | 'payment_intent.canceled'
  | 'charge.captured'
  | 'charge.refunded'
  | 'charge.dispute.created'
  | 'charge.dispute.funds_withdrawn'
  | 'charge.dispute.funds_reinstated'
  | 'charge.dispute.closed'
  | 'refund.created'
  | 'refund.updated'
  | 'refund.failed';
