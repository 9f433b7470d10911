import { Injectable } from '@nestjs/common';
import { Database, statement } from '#platform/database';
import { changesBy, type FollowingCheck } from '#platform/invariants';
import type { PaymentStatus } from '../domain/payment-status.js';

/** A payment as its order must know it; amounts in minor units of `currency`. */
export interface PaymentAudit {
  readonly paymentId: string;
  readonly orderId: string;
  readonly status: PaymentStatus;
  readonly outcome: 'pending' | 'unknown' | null;
  readonly declineCode: string | null;
  readonly currency: string;
  readonly amount: number;
  readonly authorized: number;
  readonly captured: number;
  readonly refunded: number;
  /** What banks hold because customers have complained. */
  readonly disputed: number;
  /** What was refunded of each line, by its id. */
  readonly refundedOfLines: Readonly<Record<string, number>>;
  readonly hasOpenOperation: boolean;
  /** Whether what was authorized and not captured has been given up, or has ended. */
  readonly isRestVoided: boolean;
  /** Whether the gateway refused the last time to give money back, so that staff have to decide. */
  readonly waitsForStaff: boolean;
}

const ordersOfChangedPayments = statement(
  'payments.orders_of_changed_payments',
  `SELECT order_id AS subject, updated_at AS at, id FROM payments.payments
    WHERE (updated_at, id) > ($1::timestamptz, $2::uuid) ORDER BY updated_at, id LIMIT $3`,
);
const auditPayments = statement(
  'payments.audit',
  `SELECT p.id AS "paymentId", p.order_id AS "orderId", p.status, p.outcome, p.decline_code AS "declineCode",
          p.currency, p.amount, p.authorized_amount AS authorized, p.captured_amount AS captured,
          p.refunded_amount AS refunded,
          p.disputed_amount AS disputed, lines.refunded AS "refundedOfLines",
          coalesce(o.is_open, false) AS "hasOpenOperation", coalesce(o.is_voided, false) OR (p.authorized_amount = p.captured_amount AND p.authorized_amount < p.amount)
            AS "isRestVoided", newest.is_refused AS "waitsForStaff"
     FROM payments.payments p, LATERAL (
       SELECT bool_or(status IN ('created', 'sent', 'unknown')) AS is_open,
              bool_or(kind = 'void' AND status = 'succeeded') AS is_voided
         FROM payments.operations WHERE payment_id = p.id) o, LATERAL (
       SELECT coalesce((SELECT status IN ('failed', 'declined') FROM payments.operations
                         WHERE payment_id = p.id AND kind IN ('void', 'refund')
                         ORDER BY created_at DESC, id DESC LIMIT 1), false) AS is_refused) newest, LATERAL (
       SELECT coalesce(json_object_agg(line_id, amount), '{}') AS refunded
         FROM (SELECT line ->> 'lineId' AS line_id, sum((line ->> 'amount')::bigint) AS amount
                 FROM payments.refunds r, jsonb_array_elements(r.lines) AS line
                WHERE r.payment_id = p.id AND r.status = 'succeeded' GROUP BY 1) of_lines) lines
    WHERE p.id = ANY($1::uuid[])`,
);

/** Reads payments for whoever compares them with orders. */
@Injectable()
export class AuditPayments {
  /** Payments that changed after a position, by their orders. */
  readonly changed: FollowingCheck['changed'];

  constructor(private readonly database: Database) {
    this.changed = changesBy(database, ordersOfChangedPayments);
  }

  async execute(paymentIds: readonly string[]): Promise<PaymentAudit[]> {
    return this.database.query<PaymentAudit>(auditPayments, [paymentIds]);
  }
}
