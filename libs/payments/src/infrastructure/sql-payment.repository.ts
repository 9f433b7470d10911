import { Injectable } from '@nestjs/common';
import { type Currency, DomainError, newId } from '#kernel';
import { Config } from '#platform/config';
import { Database, isUniqueViolation, statement } from '#platform/database';
import { EventBus } from '#platform/messaging';
import type { Dispute } from '../domain/dispute.js';
import { type Composition, totalOf } from '../domain/ledger.js';
import type { Operation } from '../domain/operation.js';
import { paymentErrors } from '../domain/payment.errors.js';
import {
  type ClaimedOperation,
  type OperationPlace,
  PaymentRepository,
} from '../domain/payment.repository.js';
import { Payment } from '../domain/payment.js';
import type { Allocation, CaptureMode, PaymentState, Refund } from '../domain/payment-state.js';
import type { PaymentStatus } from '../domain/payment-status.js';
import { paymentEvents } from '../payments.events.js';

interface PaymentRow {
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

const orderOfPayment = statement(
  'payments.order_of_payment',
  'SELECT order_id FROM payments.payments WHERE id = $1',
);
const openOperationsOfOrder = statement(
  'payments.open_operations_of_order',
  `SELECT o.id FROM payments.operations o JOIN payments.payments p ON p.id = o.payment_id
    WHERE p.order_id = $1 AND o.status IN ('created', 'sent', 'unknown') ORDER BY o.created_at, o.id`,
);

/** A refund's operation bears its id, so what is about the operation is about the refund. */
const loadPayment = statement(
  'payments.load',
  `SELECT p.*,
     (SELECT coalesce(json_agg(json_build_object('id', o.id, 'kind', o.kind, 'status', o.status, 'amount', o.amount,
         'method', o.method, 'refundId', o.refund_id, 'declineCode', o.decline_code, 'gatewayId', o.gateway_id,
         'needsAttention', o.needs_attention_since IS NOT NULL, 'resolvedBy', o.resolved_by,
         'resolutionReason', o.resolution_reason)), '[]')
        FROM payments.operations o
       WHERE o.payment_id = p.id AND (o.status IN ('created', 'sent', 'unknown') OR o.id = $3)) AS operations,
     (SELECT coalesce(json_agg(json_build_object('id', r.id, 'amount', r.amount, 'status', r.status,
         'reason', r.reason, 'lines', r.lines)), '[]')
        FROM payments.refunds r WHERE r.payment_id = p.id AND (r.status = 'pending' OR r.id = $3)) AS refunds,
     (SELECT coalesce(json_agg(json_build_object('id', d.id, 'gatewayId', d.gateway_id, 'amount', d.amount,
         'reason', d.reason, 'status', d.status, 'respondBy', d.respond_by)), '[]')
        FROM payments.disputes d WHERE d.payment_id = p.id AND d.gateway_id = $4) AS disputes,
     (SELECT coalesce(json_agg(json_build_object('lineId', a.line_id, 'amount', a.amount,
         'refundedAmount', a.refunded_amount)), '[]')
        FROM payments.allocations a WHERE a.payment_id = p.id AND $2) AS allocations
   FROM payments.payments p WHERE p.id = $1 FOR UPDATE OF p`,
);

/**
 * One round trip for the payment and all that changed with it. A refund that is pending, and an operation that is
 * created, are new: loading them again never leaves them so.
 */
const savePayment = statement(
  'payments.save',
  `WITH payment AS (
     INSERT INTO payments.payments AS p (id, order_id, status, outcome, method, capture_mode, currency, amount,
       shipping_amount, tax_amount, authorized_amount, captured_amount, captured_shipping_amount, captured_tax_amount,
       refunded_amount, refunded_shipping_amount, refunded_tax_amount, pending_refund_amount, gateway,
       gateway_payment_id, decline_code, version, disputed_amount, authorized_until, resolve_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $28,
       $29, CASE WHEN $3 = 'processing' THEN now() + $31 * interval '1 millisecond' END)
     ON CONFLICT (id) DO UPDATE SET status = excluded.status, outcome = excluded.outcome, method = excluded.method,
       authorized_amount = excluded.authorized_amount, captured_amount = excluded.captured_amount,
       captured_shipping_amount = excluded.captured_shipping_amount,
       captured_tax_amount = excluded.captured_tax_amount, refunded_amount = excluded.refunded_amount,
       refunded_shipping_amount = excluded.refunded_shipping_amount,
       refunded_tax_amount = excluded.refunded_tax_amount, pending_refund_amount = excluded.pending_refund_amount,
       gateway_payment_id = excluded.gateway_payment_id, decline_code = excluded.decline_code,
       disputed_amount = excluded.disputed_amount, authorized_until = excluded.authorized_until,
       resolve_by = CASE WHEN excluded.resolve_by IS NOT NULL THEN coalesce(p.resolve_by, excluded.resolve_by) END,
       version = excluded.version, updated_at = now()
   ), new_refunds AS (
     INSERT INTO payments.refunds (id, payment_id, amount, status, reason, lines)
     SELECT id, $1, amount, status, reason, lines
       FROM json_to_recordset($23) AS x (id uuid, amount bigint, status text, reason text, lines jsonb)
      WHERE status = 'pending'
   ), resolved_refunds AS (
     UPDATE payments.refunds r SET status = x.status, updated_at = now()
       FROM json_to_recordset($23) AS x (id uuid, status text) WHERE r.id = x.id AND x.status <> 'pending'
   ), new_operations AS (
     INSERT INTO payments.operations (id, payment_id, kind, status, amount, method, refund_id, next_attempt_at)
     SELECT id, $1, kind, status, amount, method, "refundId", now() + $27 * interval '1 millisecond'
       FROM json_to_recordset($24) AS x (id uuid, kind text, status text, amount bigint, method text, "refundId" uuid)
      WHERE status = 'created'
   ), changed_operations AS (
     UPDATE payments.operations o
        SET status = x.status, decline_code = x."declineCode", gateway_id = x."gatewayId",
            needs_attention_since = CASE WHEN x."needsAttention" THEN coalesce(o.needs_attention_since, now()) END,
            resolved_by = x."resolvedBy", resolution_reason = x."resolutionReason", updated_at = now()
       FROM json_to_recordset($24) AS x (id uuid, status text, "declineCode" text, "gatewayId" text,
              "needsAttention" boolean, "resolvedBy" text, "resolutionReason" text)
      WHERE o.id = x.id AND x.status <> 'created'
   ), disputes AS (
     INSERT INTO payments.disputes AS d (id, payment_id, gateway_id, amount, reason, status, respond_by)
     SELECT id, $1, "gatewayId", amount, reason, status, "respondBy"
       FROM json_to_recordset($30) AS x (id uuid, "gatewayId" text, amount bigint, reason text, status text,
              "respondBy" timestamptz)
     ON CONFLICT (id) DO UPDATE SET amount = excluded.amount, status = excluded.status,
       respond_by = excluded.respond_by, updated_at = now()
   ), allocations AS (
     INSERT INTO payments.allocations AS a (payment_id, line_id, amount, refunded_amount)
     SELECT $1, "lineId", amount, "refundedAmount"
       FROM json_to_recordset($25) AS x ("lineId" uuid, amount bigint, "refundedAmount" bigint)
     ON CONFLICT (payment_id, line_id) DO UPDATE SET refunded_amount = excluded.refunded_amount
   ), entries AS (
     INSERT INTO payments.ledger_transactions (id, kind, payment_id, order_id, operation_id, dispute_id, currency)
     SELECT id, kind, $1, $2, "operationId", "disputeId", $7
       FROM json_to_recordset($26) AS x (id uuid, kind text, "operationId" uuid, "disputeId" uuid)
   )
   INSERT INTO payments.ledger_postings (transaction_id, account, amount, currency)
   SELECT x.id, posting.account, posting.amount, $7
     FROM json_to_recordset($26) AS x (id uuid, postings json),
          json_to_recordset(x.postings) AS posting (account text, amount bigint)`,
);

const claimOperation = statement(
  'payments.claim_operation',
  `UPDATE payments.operations o
      SET fence = fence + 1, attempts = attempts + 1, leased_until = now() + $2 * interval '1 millisecond',
          status = CASE o.status WHEN 'created' THEN 'sent' ELSE o.status END, updated_at = now(),
          first_sent_at = coalesce(o.first_sent_at, clock_timestamp())
     FROM payments.payments p
    WHERE o.id = $1 AND p.id = o.payment_id AND o.status IN ('created', 'sent', 'unknown')
      AND (o.leased_until IS NULL OR o.leased_until < now())
   RETURNING (extract(epoch FROM clock_timestamp() - old.first_sent_at) * 1000)::bigint AS "sentForMs", o.id, o.kind, o.amount, o.method, o.payment_id AS "paymentId", p.order_id AS "orderId", p.currency,
     p.capture_mode AS "captureMode", p.gateway, p.gateway_payment_id AS "gatewayPaymentId", o.fence, o.attempts`,
);
const leaseFence = statement('payments.lease_fence', 'SELECT fence FROM payments.operations WHERE id = $1');
const releaseOperation = statement(
  'payments.release_operation',
  `UPDATE payments.operations
      SET leased_until = NULL, next_attempt_at = now() + $3 * interval '1 millisecond',
          first_sent_at = CASE WHEN NOT $4 THEN first_sent_at END
    WHERE id = $1 AND fence = $2`,
);
const dueOperations = statement(
  'payments.due_operations',
  `SELECT id FROM payments.operations
    WHERE status IN ('created', 'sent', 'unknown') AND needs_attention_since IS NULL AND next_attempt_at <= now()
      AND (leased_until IS NULL OR leased_until < now())
    ORDER BY next_attempt_at LIMIT $1`,
);

const PLACE = 'p.id AS "paymentId", p.order_id AS "orderId"';
const placeOfOperation = statement(
  'payments.place_of_operation',
  `SELECT ${PLACE} FROM payments.operations o JOIN payments.payments p ON p.id = o.payment_id WHERE o.id = $1`,
);
const placeAtGateway = statement(
  'payments.place_at_gateway',
  `SELECT ${PLACE} FROM payments.payments p WHERE p.gateway = $1 AND p.gateway_payment_id = $2`,
);
const dueAuthorizations = statement(
  'payments.due_authorizations',
  `SELECT ${PLACE} FROM payments.payments p
    WHERE p.authorized_until <= $1 AND p.status IN ('authorized', 'partially_captured')
      AND NOT EXISTS (SELECT FROM payments.operations o
                       WHERE o.payment_id = p.id AND o.status IN ('created', 'sent', 'unknown'))
    ORDER BY p.authorized_until LIMIT $2`,
);

/** Whoever creates an operation sends it at once; the worker takes it over when that has not happened by then. */
const WORKER_TAKES_OVER_AFTER_MS = 2_000;

@Injectable()
export class SqlPaymentRepository extends PaymentRepository {
  constructor(
    private readonly database: Database,
    private readonly bus: EventBus,
    private readonly config: Config,
  ) {
    super();
  }

  override async add(payment: Payment): Promise<void> {
    await this.save(payment);
  }

  override async update<T>(
    paymentId: string,
    change: (payment: Payment) => T | Promise<T>,
    {
      orderId,
      withLines = false,
      withOperation,
      withDispute,
    }: { orderId?: string; withLines?: boolean; withOperation?: string; withDispute?: string } = {},
  ): Promise<T> {
    return this.database.transaction(async () => {
      await this.database.lock('order', orderId ?? (await this.orderOf(paymentId)));
      const about = [withLines, withOperation ?? null, withDispute ?? null];
      const row = await this.database.queryOne<PaymentRow>(loadPayment, [paymentId, ...about]);
      if (!row) throw new DomainError(paymentErrors.payment_not_found);
      const { operations, refunds, allocations } = row;
      const disputes = row.disputes.map(toDispute);
      const payment = Payment.rehydrate(toState(row), operations, refunds, allocations, disputes);
      const result = await change(payment);
      await this.save(payment);
      return result;
    });
  }

  override async openOperationsOfOrder(orderId: string): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>(openOperationsOfOrder, [orderId]);
    return rows.map(({ id }) => id);
  }

  override async claim(operationId: string, leaseMs: number): Promise<ClaimedOperation | undefined> {
    return this.database.queryOne<ClaimedOperation>(claimOperation, [operationId, leaseMs]);
  }

  override async holdsLease({ id, fence, orderId }: ClaimedOperation): Promise<boolean> {
    await this.database.lock('order', orderId);
    const newest = await this.database.queryOne<{ fence: number }>(leaseFence, [id]);
    return newest?.fence === fence;
  }

  override async release(
    { id, fence }: ClaimedOperation,
    retryAfterMs: number,
    { isUnsent } = { isUnsent: false },
  ): Promise<void> {
    await this.database.query(releaseOperation, [id, fence, retryAfterMs, isUnsent]);
  }

  override async placeOfOperation(operationId: string): Promise<OperationPlace | undefined> {
    return this.database.queryOne<OperationPlace>(placeOfOperation, [operationId]);
  }

  override async placeAtGateway(
    gateway: string,
    gatewayPaymentId: string,
  ): Promise<OperationPlace | undefined> {
    return this.database.queryOne<OperationPlace>(placeAtGateway, [gateway, gatewayPaymentId]);
  }

  override async dueAuthorizations(now: Date, limit: number): Promise<OperationPlace[]> {
    return this.database.query<OperationPlace>(dueAuthorizations, [now, limit]);
  }

  override async dueOperations(limit: number): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>(dueOperations, [limit]);
    return rows.map(({ id }) => id);
  }

  private async orderOf(paymentId: string): Promise<string> {
    const owner = await this.database.queryOne<{ order_id: string }>(orderOfPayment, [paymentId]);
    if (!owner) throw new DomainError(paymentErrors.payment_not_found);
    return owner.order_id;
  }

  private async save(payment: Payment): Promise<void> {
    const { log, operations, refunds, allocations, disputes, ledger } = payment.changes;
    if (log.length === 0) return;
    const values = [
      ...paymentColumns(payment.state),
      JSON.stringify([...refunds.values()]),
      JSON.stringify([...operations.values()]),
      JSON.stringify([...allocations.values()]),
      JSON.stringify(ledger.map((entry) => ({ id: newId(), ...entry }))),
      WORKER_TAKES_OVER_AFTER_MS,
      payment.state.disputedAmount,
      payment.state.authorizedUntil,
      JSON.stringify([...disputes.values()]),
      this.config.settings.PAYMENT_ATTENTION_SECONDS * 1_000,
    ];
    try {
      await this.database.query(savePayment, values);
    } catch (error) {
      // A refund's operation bears its id, so either table may be the first to notice that a client's id is taken.
      const isTaken = isUniqueViolation(error, 'refunds_pkey') || isUniqueViolation(error, 'operations_pkey');
      if (isTaken) throw new DomainError(paymentErrors.refund_exists, { cause: error });
      if (isUniqueViolation(error, 'payments_gateway_payment_id')) {
        throw new DomainError(paymentErrors.gateway_id_taken, { cause: error });
      }
      throw error;
    }
    for (const { change, state, refund } of log) {
      await this.bus.publish(paymentEvents[change], {
        aggregateId: state.id,
        sequence: state.version,
        data: {
          paymentId: state.id,
          orderId: state.orderId,
          status: state.status,
          outcome: state.outcome,
          currency: state.currency,
          amount: totalOf(state.total),
          authorizedAmount: state.authorizedAmount,
          capturedAmount: totalOf(state.captured),
          refundedAmount: totalOf(state.refunded),
          declineCode: state.declineCode,
          refund: refund ? { refundId: refund.id, amount: refund.amount, lines: [...refund.lines] } : null,
        },
      });
    }
  }
}

function paymentColumns(state: PaymentState): unknown[] {
  const { total, captured, refunded } = state;
  return [
    state.id,
    state.orderId,
    state.status,
    state.outcome,
    state.method,
    state.captureMode,
    state.currency,
    totalOf(total),
    total.shipping,
    total.tax,
    state.authorizedAmount,
    totalOf(captured),
    captured.shipping,
    captured.tax,
    totalOf(refunded),
    refunded.shipping,
    refunded.tax,
    state.pendingRefundAmount,
    state.gateway,
    state.gatewayPaymentId,
    state.declineCode,
    state.version,
  ];
}

function toState(row: PaymentRow): PaymentState {
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
