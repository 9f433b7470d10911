import { Injectable } from '@nestjs/common';
import type { Currency, Money } from '#kernel';
import { Database, statement } from '#platform/database';
import type { OperationKind, OperationStatus } from '../domain/operation.js';

/** An operation that has been open for longer than one usually is. */
export interface StuckOperation {
  id: string;
  kind: OperationKind;
  status: OperationStatus;
  paymentId: string;
  orderId: string;
  amount: Money;
  attempts: number;
  /** Only staff can say what became of it. */
  needsAttention: boolean;
  createdAt: string;
}

/** Something that the gateway refused, or took back, and that nobody has done since. */
export interface Refusal {
  operationId: string;
  kind: OperationKind;
  paymentId: string;
  orderId: string;
  amount: Money;
  declineCode: string | null;
  refusedAt: string;
}

/** What the gateway says has happened although the books say that it has not. */
export interface Contradiction {
  id: string;
  gateway: string;
  type: string;
  operationId: string | null;
  gatewayPaymentId: string | null;
  receivedAt: string;
}

/** A report of the gateway that cannot be applied yet. */
export interface WaitingReport {
  id: string;
  gateway: string;
  type: string;
  status: string;
  attempts: number;
  receivedAt: string;
}

export interface StuckPayments {
  operations: StuckOperation[];
  refusals: Refusal[];
  contradictions: Contradiction[];
  reports: WaitingReport[];
}

/** An operation that is open for longer than this, or a report that waits for longer, is worth a look. */
const USUAL_SECONDS = 60;
const SHOWN = 100;

const stuckOperations = statement(
  'payments.stuck_operations',
  `SELECT o.id, o.kind, o.status, o.payment_id AS "paymentId", p.order_id AS "orderId", o.amount, p.currency, o.attempts,
          o.needs_attention_since IS NOT NULL AS "needsAttention", o.created_at AS "createdAt"
     FROM payments.operations o JOIN payments.payments p ON p.id = o.payment_id
    WHERE o.status IN ('created', 'sent', 'unknown')
      AND o.created_at < now() - interval '${USUAL_SECONDS} seconds'
    ORDER BY o.created_at LIMIT ${SHOWN}`,
);
/** The newest of its kind on its payment, while the payment still holds what it was about. */
const refusals = statement(
  'payments.refusals',
  `SELECT o.id AS "operationId", o.kind, o.payment_id AS "paymentId", p.order_id AS "orderId", o.amount, p.currency,
          o.decline_code AS "declineCode", o.updated_at AS "refusedAt"
     FROM payments.operations o JOIN payments.payments p ON p.id = o.payment_id
    WHERE o.status IN ('failed', 'declined') AND o.kind <> 'authorize'
      AND CASE o.kind WHEN 'refund' THEN p.captured_amount > p.refunded_amount + p.pending_refund_amount + p.disputed_amount
                      ELSE p.status IN ('authorized', 'partially_captured') END
      AND NOT EXISTS (SELECT FROM payments.operations later
                       WHERE later.payment_id = o.payment_id AND later.kind = o.kind
                         AND (later.created_at, later.id) > (o.created_at, o.id))
    ORDER BY o.created_at DESC, o.id DESC LIMIT ${SHOWN}`,
);
const contradictions = statement(
  'payments.contradictions',
  `SELECT id, gateway, type, operation_id AS "operationId", gateway_payment_id AS "gatewayPaymentId",
          received_at AS "receivedAt"
     FROM payments.gateway_reports WHERE status = 'contradiction' ORDER BY received_at DESC LIMIT ${SHOWN}`,
);
const waitingReports = statement(
  'payments.waiting_reports',
  `SELECT id, gateway, type, status, attempts, received_at AS "receivedAt" FROM payments.gateway_reports
    WHERE status IN ('received', 'unmatched') AND received_at < now() - interval '${USUAL_SECONDS} seconds'
    ORDER BY received_at LIMIT ${SHOWN}`,
);

/** Rows as PostgreSQL gives them: amounts in minor units, times as dates. */
type Row<View> = {
  [Name in keyof View]: Name extends `${string}At` ? Date : View[Name] extends Money ? number : View[Name];
};
type MoneyRow<View> = Row<View> & { currency: Currency };

/** What of the payments does not come to an end by itself, or takes unusually long: a hundred of each. */
@Injectable()
export class FindStuckPayments {
  constructor(private readonly database: Database) {}

  async execute(): Promise<StuckPayments> {
    const operations = await this.database.query<MoneyRow<StuckOperation>>(stuckOperations);
    const refused = await this.database.query<MoneyRow<Refusal>>(refusals);
    const contradicting = await this.database.query<Row<Contradiction>>(contradictions);
    const waiting = await this.database.query<Row<WaitingReport>>(waitingReports);
    return {
      operations: operations.map(({ amount, currency, createdAt, ...row }) => ({
        ...row,
        amount: { amount, currency },
        createdAt: createdAt.toISOString(),
      })),
      refusals: refused.map(({ amount, currency, refusedAt, ...row }) => ({
        ...row,
        amount: { amount, currency },
        refusedAt: refusedAt.toISOString(),
      })),
      contradictions: contradicting.map(withTime),
      reports: waiting.map(withTime),
    };
  }
}

function withTime<T extends { receivedAt: Date }>(row: T): Omit<T, 'receivedAt'> & { receivedAt: string } {
  return { ...row, receivedAt: row.receivedAt.toISOString() };
}
