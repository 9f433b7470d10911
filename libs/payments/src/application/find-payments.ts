import { Injectable } from '@nestjs/common';
import { type Currency, DomainError } from '#kernel';
import { Database, statement } from '#platform/database';
import { type Page, type PageRequest, Paginator } from '#platform/http';
import type { OperationKind, OperationStatus } from '../domain/operation.js';
import { paymentErrors } from '../domain/payment.errors.js';
import type { CaptureMode } from '../domain/payment-state.js';
import type { PaymentStatus } from '../domain/payment-status.js';
import { type PaymentView, type RefundRow, type RefundView, toRefundView } from './payment-view.js';

interface PaymentViewRow {
  id: string;
  order_id: string;
  status: PaymentStatus;
  outcome: 'pending' | 'unknown' | null;
  method: string;
  capture_mode: CaptureMode;
  currency: Currency;
  amount: number;
  authorized_amount: number;
  captured_amount: number;
  refunded_amount: number;
  pending_refund_amount: number;
  disputed_amount: number;
  authorized_until: Date | null;
  resolve_by: Date | null;
  decline_code: string | null;
  gateway: string;
  version: number;
  created_at: Date;
  updated_at: Date;
  operations: {
    id: string;
    kind: OperationKind;
    status: OperationStatus;
    amount: number;
    decline_code: string | null;
    needs_attention: boolean;
    resolved_by: string | null;
    resolution_reason: string | null;
    created_at: string;
    updated_at: string;
  }[];
  refunds: RefundRow[];
}

export interface PaymentFilters {
  readonly status?: PaymentStatus | undefined;
  readonly orderId?: string | undefined;
}

/** Operations and refunds that a payment shows at most, newest first. */
const SHOWN_PER_PAYMENT = 100;

const COLUMNS = `p.id, p.order_id, p.status, p.outcome, p.method, p.capture_mode, p.currency, p.amount,
  p.authorized_amount, p.captured_amount, p.refunded_amount, p.pending_refund_amount, p.disputed_amount,
  p.authorized_until, p.resolve_by, p.decline_code, p.gateway, p.version, p.created_at, p.updated_at,
  (SELECT coalesce(json_agg(o), '[]') FROM (SELECT id, kind, status, amount, decline_code,
       needs_attention_since IS NOT NULL AS needs_attention, resolved_by, resolution_reason, created_at, updated_at
     FROM payments.operations WHERE payment_id = p.id ORDER BY created_at DESC, id DESC LIMIT ${SHOWN_PER_PAYMENT}) o)
     AS operations,
  (SELECT coalesce(json_agg(r), '[]') FROM (SELECT *, p.currency FROM payments.refunds
     WHERE payment_id = p.id ORDER BY created_at DESC, id DESC LIMIT ${SHOWN_PER_PAYMENT}) r) AS refunds`;

const paymentById = statement(
  'payments.view_by_id',
  `SELECT ${COLUMNS} FROM payments.payments p WHERE p.id = $1`,
);
const paymentPage = statement(
  'payments.view_page',
  `SELECT ${COLUMNS} FROM payments.payments p
    WHERE ($1::text IS NULL OR p.status = $1) AND ($2::uuid IS NULL OR p.order_id = $2)
      AND ($3::timestamptz IS NULL OR (p.created_at, p.id) < ($3, $4::uuid))
    ORDER BY p.created_at DESC, p.id DESC LIMIT $5`,
);
const refundById = statement(
  'payments.refund_view_by_id',
  `SELECT r.*, p.currency FROM payments.refunds r JOIN payments.payments p ON p.id = r.payment_id WHERE r.id = $1`,
);

const operationById = statement(
  'payments.operation_by_id',
  'SELECT status FROM payments.operations WHERE id = $1',
);

/** Reads payments, straight from SQL to the view. */
@Injectable()
export class FindPayments {
  constructor(
    private readonly database: Database,
    private readonly paginator: Paginator,
  ) {}

  /** @throws DomainError payment_not_found */
  async get(paymentId: string): Promise<PaymentView> {
    const row = await this.database.queryOne<PaymentViewRow>(paymentById, [paymentId]);
    if (!row) throw new DomainError(paymentErrors.payment_not_found);
    return toView(row);
  }

  /** How far an operation has come. */
  async getOperation(operationId: string): Promise<{ status: OperationStatus }> {
    const row = await this.database.queryOne<{ status: OperationStatus }>(operationById, [operationId]);
    if (!row) throw new Error(`The operation ${operationId} is gone.`);
    return row;
  }

  async getRefund(refundId: string): Promise<RefundView> {
    const row = await this.database.queryOne<RefundRow>(refundById, [refundId]);
    if (!row) throw new Error(`The refund ${refundId} is gone.`);
    return toRefundView(row);
  }

  async list(filters: PaymentFilters, request: PageRequest): Promise<Page<PaymentView>> {
    return this.paginator.page(
      'payments',
      filters,
      request,
      ({ createdAt, id }) => [createdAt, id],
      async (after, limit) => {
        const position = after ?? [null, null];
        const values = [filters.status ?? null, filters.orderId ?? null, ...position, limit];
        return (await this.database.query<PaymentViewRow>(paymentPage, values)).map(toView);
      },
    );
  }
}

function toView(row: PaymentViewRow): PaymentView {
  const inCurrency = (amount: number) => ({ amount, currency: row.currency });
  return {
    id: row.id,
    orderId: row.order_id,
    status: row.status,
    outcome: row.outcome,
    resolveBy: row.resolve_by?.toISOString() ?? null,
    method: row.method,
    captureMode: row.capture_mode,
    amount: inCurrency(row.amount),
    authorizedAmount: inCurrency(row.authorized_amount),
    capturedAmount: inCurrency(row.captured_amount),
    refundedAmount: inCurrency(row.refunded_amount),
    pendingRefundAmount: inCurrency(row.pending_refund_amount),
    disputedAmount: inCurrency(row.disputed_amount),
    authorizedUntil: row.authorized_until?.toISOString() ?? null,
    declineCode: row.decline_code,
    gateway: row.gateway,
    operations: row.operations.map((operation) => ({
      id: operation.id,
      kind: operation.kind,
      status: operation.status,
      amount: inCurrency(operation.amount),
      declineCode: operation.decline_code,
      needsAttention: operation.needs_attention,
      resolvedBy: operation.resolved_by,
      resolutionReason: operation.resolution_reason,
      createdAt: new Date(operation.created_at).toISOString(),
      updatedAt: new Date(operation.updated_at).toISOString(),
    })),
    refunds: row.refunds.map(toRefundView),
    version: row.version,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}
