import type { CaptureMethod, Decline, Intent, Metadata } from './records.js';

/** What the bank says to an authorization. */
export type Verdict = 'approved' | 'action_required' | Decline;

export interface NewIntent {
  readonly amount: number;
  readonly currency: string;
  readonly captureMethod: CaptureMethod;
  readonly confirm: boolean;
  readonly paymentMethod: string | null;
  readonly metadata: Metadata;
  readonly multicapture: boolean;
  /** Fails the attempt where it would wait for the shopper. */
  readonly errorOnAction: boolean;
  /** How long what is held can be captured. */
  readonly authorizationMs: number;
}

/** A payment as somebody else knows it. */
export interface KnownPayment {
  readonly id: string;
  readonly amount: number;
  /** ISO 4217, in lower case. */
  readonly currency: string;
  readonly paymentMethod: string;
  /** Whether the amount was captured; otherwise it is held. */
  readonly isCaptured: boolean;
}

/** What is so of a payment that nothing has happened to. */
export const UNTOUCHED = {
  amountCapturable: 0,
  amountReceived: 0,
  amountRefunded: 0,
  amountDisputed: 0,
  wasDisputed: false,
  captureBefore: null,
  canceledAt: null,
  cancellationReason: null,
  lastError: null,
  chargeId: null,
} satisfies Partial<Intent>;
