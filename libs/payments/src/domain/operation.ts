import { DomainError } from '#kernel';
import { paymentErrors } from './payment.errors.js';

export const OPERATION_KINDS = ['authorize', 'capture', 'void', 'refund'] as const;
export type OperationKind = (typeof OPERATION_KINDS)[number];

export const OPERATION_STATUSES = ['created', 'sent', 'succeeded', 'declined', 'failed', 'unknown'] as const;
export type OperationStatus = (typeof OPERATION_STATUSES)[number];

type Transitions = Readonly<Record<OperationStatus, readonly OperationStatus[]>>;

const TRANSITIONS: Transitions = {
  created: ['sent'],
  sent: ['succeeded', 'declined', 'failed', 'unknown'],
  unknown: ['succeeded', 'declined', 'failed'],
  succeeded: [],
  declined: [],
  failed: [],
};

/** The legal transitions of an operation. A refund may still fail after it was made: the bank sends the money back. */
const OPERATION_TRANSITIONS: Readonly<Record<OperationKind, Transitions>> = {
  authorize: TRANSITIONS,
  capture: TRANSITIONS,
  void: TRANSITIONS,
  refund: { ...TRANSITIONS, succeeded: ['failed'] },
};

/** One thing that is asked of the gateway. It is committed before it is sent; its id is the key of its effect. */
export interface Operation {
  readonly id: string;
  readonly kind: OperationKind;
  readonly status: OperationStatus;
  /** Minor units. */
  readonly amount: number;
  /** The payment method of an authorization. */
  readonly method: string | null;
  readonly refundId: string | null;
  readonly declineCode: string | null;
  /** The gateway's own name for the effect. */
  readonly gatewayId: string | null;
  /** Nobody found out what became of it: staff have to say so. Set for as long as it is open. */
  readonly needsAttention: boolean;
  /** Who of the staff said last what became of it, or had the gateway asked again, and why. */
  readonly resolvedBy: string | null;
  readonly resolutionReason: string | null;
}

/** What an operation has come to, when it has. */
export type OperationResult = Exclude<OperationStatus, 'created' | 'sent' | 'unknown'>;

/** Whether the operation may still have an effect that we do not know of. */
export function isOpen({ status }: Pick<Operation, 'status'>): boolean {
  return status === 'created' || status === 'sent' || status === 'unknown';
}

/** @throws DomainError payment_state_conflict when the table does not allow it */
export function nextOperationStatus(
  kind: OperationKind,
  from: OperationStatus,
  to: OperationStatus,
): OperationStatus {
  if (!OPERATION_TRANSITIONS[kind][from].includes(to)) {
    throw new DomainError(paymentErrors.payment_state_conflict, {
      detail: `A ${kind} that is ${from} cannot become ${to}.`,
    });
  }
  return to;
}

/** What a report about an operation is worth beside what is known already. */
export type NewsWorth = 'new' | 'old' | 'contradiction';

/**
 * The lattice in which reports meet that come in any order: what is known only ever moves up. A refund that was made
 * may turn out to have failed, and never the other way round. Anything else that is told of a resolved operation and
 * would mean more than is known contradicts it: money moved although we believe that it has not.
 */
const RANKS: Readonly<Record<OperationKind, Readonly<Record<OperationResult, number>>>> = {
  authorize: { declined: 1, failed: 1, succeeded: 2 },
  capture: { declined: 1, failed: 1, succeeded: 2 },
  void: { declined: 1, failed: 1, succeeded: 2 },
  refund: { succeeded: 1, declined: 2, failed: 2 },
};

/** Compares what is told of an operation with what is known. */
export function worthOf(
  { kind, status, gatewayId }: Pick<Operation, 'kind' | 'status' | 'gatewayId'>,
  told: OperationResult,
): NewsWorth {
  if (status === 'created' || status === 'sent' || status === 'unknown') return 'new';
  // A refund that failed without ever having begun at the gateway cannot be older than one that was made.
  if (kind === 'refund' && told === 'succeeded' && status !== 'succeeded' && gatewayId === null) {
    return 'contradiction';
  }
  if (RANKS[kind][told] <= RANKS[kind][status]) return 'old';
  return OPERATION_TRANSITIONS[kind][status].includes(told) ? 'new' : 'contradiction';
}
