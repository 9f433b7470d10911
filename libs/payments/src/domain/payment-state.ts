import type { Currency } from '#kernel';
import type { Dispute } from './dispute.js';
import type { Composition, LedgerEntry } from './ledger.js';
import type { Operation } from './operation.js';
import type { PaymentStatus } from './payment-status.js';

export const CAPTURE_MODES = ['automatic', 'manual', 'on_fulfillment'] as const;
/** When the money is taken: with the authorization, by staff, or as goods leave. */
export type CaptureMode = (typeof CAPTURE_MODES)[number];

/** Part of a refund that is for one line of the order. */
export interface RefundLine {
  readonly lineId: string;
  readonly amount: number;
}

export interface Refund {
  readonly id: string;
  readonly amount: number;
  readonly status: 'pending' | 'succeeded' | 'failed';
  readonly reason: string | null;
  readonly lines: readonly RefundLine[];
}

/** What can be refunded for a line, and what has been, or is about to be. */
export interface Allocation {
  readonly lineId: string;
  readonly amount: number;
  readonly refundedAmount: number;
}

/** All of a payment that its rules need. Amounts are minor units of `currency`. */
export interface PaymentState {
  readonly id: string;
  readonly orderId: string;
  readonly status: PaymentStatus;
  readonly outcome: 'pending' | 'unknown' | null;
  readonly method: string;
  readonly captureMode: CaptureMode;
  readonly currency: Currency;
  readonly total: Composition;
  readonly authorizedAmount: number;
  readonly captured: Composition;
  readonly refunded: Composition;
  readonly pendingRefundAmount: number;
  /** What banks hold because customers have complained. */
  readonly disputedAmount: number;
  readonly gateway: string;
  readonly gatewayPaymentId: string | null;
  /** Until when what is authorized can be captured; null while nothing is. */
  readonly authorizedUntil: Date | null;
  readonly declineCode: string | null;
  readonly version: number;
}

/** What happened to the payment in one verb; each becomes one event, and one version. */
export type PaymentChange =
  | 'created'
  | 'authorized'
  | 'captured'
  | 'declined'
  | 'action_required'
  | 'outcome_unknown'
  | 'retried'
  | 'capture_requested'
  | 'capture_failed'
  | 'void_requested'
  | 'void_failed'
  | 'canceled'
  | 'authorization_expired'
  | 'refund_requested'
  | 'refunded'
  | 'refund_failed'
  | 'refund_reversed'
  | 'disputed'
  | 'dispute_updated'
  | 'needs_attention'
  | 'asked_again';

/** An order of which no more will leave than has left, with what its pieces are worth; in minor units. */
export interface ClosedWorth {
  readonly fulfilledMinor: number;
  /** Of what has left, what had come back when the order was closed. */
  readonly returnedMinor: number;
  /** What each line would have cost that will not leave. */
  readonly canceled: readonly RefundLine[];
}

/** What one verb makes of a payment: the change, how the state differs after it, and the money that moved. */
export interface Consequence {
  readonly change: PaymentChange;
  readonly difference: Partial<PaymentState>;
  readonly entry?: LedgerEntry;
  /** The refund that the change is about. */
  readonly refund?: Refund;
}

/** What the verbs since loading have changed; the repository saves exactly this. */
export interface PaymentChanges {
  readonly log: readonly {
    readonly change: PaymentChange;
    readonly state: PaymentState;
    readonly refund?: Refund;
  }[];
  readonly operations: ReadonlyMap<string, Operation>;
  readonly refunds: ReadonlyMap<string, Refund>;
  readonly allocations: ReadonlyMap<string, Allocation>;
  readonly disputes: ReadonlyMap<string, Dispute>;
  readonly ledger: readonly LedgerEntry[];
}

/** Asks for a refund: of an amount, of lines (a line without an amount: the rest of it), or of everything left. */
export interface RefundRequest {
  readonly refundId: string;
  readonly operationId: string;
  readonly amount?: number | undefined;
  readonly lines?: readonly { readonly lineId: string; readonly amount?: number | undefined }[] | undefined;
  readonly reason: string | null;
}
