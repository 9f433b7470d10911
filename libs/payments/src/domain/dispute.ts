import { DomainError } from '#kernel';
import { paymentErrors } from './payment.errors.js';

export const DISPUTE_STATUSES = [
  'inquiry',
  'needs_response',
  'under_review',
  'won',
  'lost',
  'closed',
] as const;
/** How far a bank has come with a customer's complaint. An inquiry takes no money yet, and may close as it came. */
export type DisputeStatus = (typeof DISPUTE_STATUSES)[number];

/**
 * The legal transitions of a dispute. Reports about it come in any order, so each status may follow from every one
 * before it and nothing leads back. What was lost may be won on appeal, and an inquiry that was closed may become a
 * dispute after all.
 */
export const DISPUTE_TRANSITIONS: Readonly<Record<DisputeStatus, readonly DisputeStatus[]>> = {
  inquiry: ['needs_response', 'under_review', 'won', 'lost', 'closed'],
  needs_response: ['under_review', 'won', 'lost'],
  under_review: ['won', 'lost'],
  won: [],
  lost: ['won'],
  closed: ['needs_response', 'under_review', 'won', 'lost'],
};

/** Whether the disputed money is with the bank. */
const HOLDS_MONEY: Readonly<Record<DisputeStatus, boolean>> = {
  inquiry: false,
  needs_response: true,
  under_review: true,
  won: false,
  lost: true,
  closed: false,
};

/** A customer has complained to their bank about a payment, and the bank takes the money back until it has decided. */
export interface Dispute {
  readonly id: string;
  /** The gateway's own name for it. */
  readonly gatewayId: string;
  /** Minor units of the payment's currency. */
  readonly amount: number;
  readonly reason: string;
  readonly status: DisputeStatus;
  /** Until when evidence may be handed in. */
  readonly respondBy: Date | null;
}

export function holdsMoney({ status }: Pick<Dispute, 'status'>): boolean {
  return HOLDS_MONEY[status];
}

/** @throws DomainError payment_state_conflict when the table does not allow it */
export function nextDisputeStatus(from: DisputeStatus, to: DisputeStatus): DisputeStatus {
  if (!DISPUTE_TRANSITIONS[from].includes(to)) {
    throw new DomainError(paymentErrors.payment_state_conflict, {
      detail: `A dispute that is ${from} cannot become ${to}.`,
    });
  }
  return to;
}
