import { DomainError } from '#kernel';
import { paymentErrors } from './payment.errors.js';

export const OPERATION_KINDS = ['authorize', 'capture', 'void', 'refund'] as const;
export type OperationKind = (typeof OPERATION_KINDS)[number];

export const OPERATION_STATUSES = ['created', 'sent', 'succeeded', 'declined', 'failed', 'unknown'] as const;
export type OperationStatus = (typeof OPERATION_STATUSES)[number];

/** The legal transitions of an operation. */
const OPERATION_TRANSITIONS: Readonly<Record<OperationStatus, readonly OperationStatus[]>> = {
  created: ['sent'],
  sent: ['succeeded', 'declined', 'failed', 'unknown'],
  unknown: ['succeeded', 'declined', 'failed'],
  succeeded: [],
  declined: [],
  failed: [],
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
}

/** Whether the operation may still have an effect that we do not know of. */
export function isOpen({ status }: Pick<Operation, 'status'>): boolean {
  return OPERATION_TRANSITIONS[status].length > 0;
}

/** @throws DomainError payment_state_conflict when the table does not allow it */
export function nextOperationStatus(from: OperationStatus, to: OperationStatus): OperationStatus {
  if (!OPERATION_TRANSITIONS[from].includes(to)) {
    throw new DomainError(paymentErrors.payment_state_conflict, {
      detail: `An operation that is ${from} cannot become ${to}.`,
    });
  }
  return to;
}
