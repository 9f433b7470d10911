import type { Currency } from '#kernel';
import type { Dispute } from '../domain/dispute.js';
import { type Composition, totalOf } from '../domain/ledger.js';
import type { Operation } from '../domain/operation.js';
import { Payment } from '../domain/payment.js';
import type { Allocation, CaptureMode, PaymentState, Refund } from '../domain/payment-state.js';
import type { PaymentStatus } from '../domain/payment-status.js';
import type { SavedColumns } from './payment-statements.js';

/** A payment as it is loaded, with what belongs to it; amounts in minor units. */
export interface PaymentRow {
  id: string;
  order_id: string;
  status: PaymentStatus;
  outcome: 'pending' | 'unknown' | null;
  method: string;
  capture_mode: CaptureMode;
  currency: Currency;
  amount: number;
  shipping_amount: number;
  tax_amount: number;
  authorized_amount: number;
  captured_amount: number;
  captured_shipping_amount: number;
  captured_tax_amount: number;
  refunded_amount: number;
  refunded_shipping_amount: number;
  refunded_tax_amount: number;
  pending_refund_amount: number;
  disputed_amount: number;
  gateway: string;
  gateway_payment_id: string | null;
  authorized_until: Date | null;
  decline_code: string | null;
  version: number;
  operations: Operation[];
  refunds: Refund[];
  allocations: Allocation[];
  disputes: DisputeRow[];
}

/** A dispute as JSON travels from PostgreSQL. */
type DisputeRow = Omit<Dispute, 'respondBy'> & { readonly respondBy: string | null };

export function toPayment({ operations, refunds, allocations, disputes, ...row }: PaymentRow): Payment {
  return Payment.rehydrate(toState(row), operations, refunds, allocations, disputes.map(toDispute));
}

export function toSavedColumns(state: PaymentState): SavedColumns {
  const { total, captured, refunded } = state;
  return {
    id: state.id,
    order_id: state.orderId,
    status: state.status,
    outcome: state.outcome,
    method: state.method,
    capture_mode: state.captureMode,
    currency: state.currency,
    amount: totalOf(total),
    shipping_amount: total.shipping,
    tax_amount: total.tax,
    authorized_amount: state.authorizedAmount,
    captured_amount: totalOf(captured),
    captured_shipping_amount: captured.shipping,
    captured_tax_amount: captured.tax,
    refunded_amount: totalOf(refunded),
    refunded_shipping_amount: refunded.shipping,
    refunded_tax_amount: refunded.tax,
    pending_refund_amount: state.pendingRefundAmount,
    disputed_amount: state.disputedAmount,
    gateway: state.gateway,
    gateway_payment_id: state.gatewayPaymentId,
    authorized_until: state.authorizedUntil,
    decline_code: state.declineCode,
    version: state.version,
  };
}

function toState(row: Omit<PaymentRow, 'operations' | 'refunds' | 'allocations' | 'disputes'>): PaymentState {
  return {
    id: row.id,
    orderId: row.order_id,
    status: row.status,
    outcome: row.outcome,
    method: row.method,
    captureMode: row.capture_mode,
    currency: row.currency,
    total: composition(row.amount, row.shipping_amount, row.tax_amount),
    authorizedAmount: row.authorized_amount,
    captured: composition(row.captured_amount, row.captured_shipping_amount, row.captured_tax_amount),
    refunded: composition(row.refunded_amount, row.refunded_shipping_amount, row.refunded_tax_amount),
    pendingRefundAmount: row.pending_refund_amount,
    disputedAmount: row.disputed_amount,
    gateway: row.gateway,
    gatewayPaymentId: row.gateway_payment_id,
    authorizedUntil: row.authorized_until,
    declineCode: row.decline_code,
    version: row.version,
  };
}

function toDispute({ respondBy, ...dispute }: DisputeRow): Dispute {
  return { ...dispute, respondBy: respondBy === null ? null : new Date(respondBy) };
}

function composition(amount: number, shipping: number, tax: number): Composition {
  return { goods: amount - shipping - tax, shipping, tax };
}
