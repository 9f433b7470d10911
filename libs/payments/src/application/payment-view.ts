import type { Currency, Money } from '#kernel';
import type { OperationKind, OperationStatus } from '../domain/operation.js';
import type { CaptureMode } from '../domain/payment-state.js';
import type { PaymentStatus } from '../domain/payment-status.js';

/** A payment as its readers see it. */
export interface PaymentView {
  id: string;
  orderId: string;
  status: PaymentStatus;
  outcome: 'pending' | 'unknown' | null;
  resolveBy: string | null;
  method: string;
  captureMode: CaptureMode;
  amount: Money;
  authorizedAmount: Money;
  capturedAmount: Money;
  refundedAmount: Money;
  pendingRefundAmount: Money;
  disputedAmount: Money;
  authorizedUntil: string | null;
  declineCode: string | null;
  gateway: string;
  operations: {
    id: string;
    kind: OperationKind;
    status: OperationStatus;
    amount: Money;
    declineCode: string | null;
    needsAttention: boolean;
    resolvedBy: string | null;
    resolutionReason: string | null;
    createdAt: string;
    updatedAt: string;
  }[];
  refunds: RefundView[];
  version: number;
  createdAt: string;
  updatedAt: string;
}

export interface RefundView {
  id: string;
  paymentId: string;
  status: 'pending' | 'succeeded' | 'failed';
  amount: Money;
  reason: string | null;
  lines: { lineId: string; amount: Money }[];
  createdAt: string;
  updatedAt: string;
}

/** Rows as the queries of this folder return them: JSON from PostgreSQL, with amounts in minor units. */
export interface RefundRow {
  id: string;
  payment_id: string;
  status: RefundView['status'];
  amount: number;
  currency: Currency;
  reason: string | null;
  lines: { lineId: string; amount: number }[];
  created_at: string;
  updated_at: string;
}

export function toRefundView(row: RefundRow): RefundView {
  const { currency } = row;
  return {
    id: row.id,
    paymentId: row.payment_id,
    status: row.status,
    amount: { amount: row.amount, currency },
    reason: row.reason,
    lines: row.lines.map(({ lineId, amount }) => ({ lineId, amount: { amount, currency } })),
    createdAt: new Date(row.created_at).toISOString(),
    updatedAt: new Date(row.updated_at).toISOString(),
  };
}
