import { DomainError } from '#kernel';
import { paymentErrors } from './payment.errors.js';

export const PAYMENT_STATUSES = [
  'requires_payment_method',
  'requires_action',
  'processing',
  'authorized',
  'partially_captured',
  'captured',
  'canceled',
  'failed',
] as const;
export type PaymentStatus = (typeof PAYMENT_STATUSES)[number];

/** The legal transitions of a payment. Nothing else may change a status. */
export const PAYMENT_TRANSITIONS: Readonly<Record<PaymentStatus, readonly PaymentStatus[]>> = {
  requires_payment_method: ['processing', 'canceled', 'failed'],
  requires_action: ['processing', 'canceled', 'failed'],
  processing: ['requires_payment_method', 'requires_action', 'authorized', 'captured', 'canceled', 'failed'],
  authorized: ['partially_captured', 'captured', 'canceled'],
  partially_captured: ['captured'],
  captured: [],
  canceled: [],
  failed: [],
};

/**
 * The status after a transition.
 *
 * @throws DomainError payment_state_conflict when the table does not allow it
 */
export function nextPaymentStatus(from: PaymentStatus, to: PaymentStatus): PaymentStatus {
  if (!PAYMENT_TRANSITIONS[from].includes(to)) {
    throw new DomainError(paymentErrors.payment_state_conflict, {
      detail: `A payment that is ${from} cannot become ${to}.`,
      extensions: { paymentStatus: from },
    });
  }
  return to;
}
