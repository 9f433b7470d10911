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

/** A report of the gateway that cannot be applied, or contradicts the books. */
export interface StuckReport {
  id: string;
  gateway: string;
  type: string;
  status: string;
  attempts: number;
  receivedAt: string;
}

export interface StuckPayments {
  operations: StuckOperation[];
  reports: StuckReport[];
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
const stuckReports = statement(
  'payments.stuck_reports',
  `SELECT id, gateway, type, status, attempts, received_at AS "receivedAt" FROM payments.gateway_reports
    WHERE status = 'contradiction'
       OR (status IN ('received', 'unmatched') AND received_at < now() - interval '${USUAL_SECONDS} seconds')
    ORDER BY received_at LIMIT ${SHOWN}`,
);

type OperationRow = Omit<StuckOperation, 'amount' | 'createdAt'> & {
  amount: number;
  currency: Currency;
  createdAt: Date;
};

/** What of the payments does not come to an end by itself, or takes unusually long: oldest first, a hundred of each. */
@Injectable()
export class FindStuckPayments {
  constructor(private readonly database: Database) {}

  async execute(): Promise<StuckPayments> {
    const operations = await this.database.query<OperationRow>(stuckOperations);
    const reports = await this.database.query<Omit<StuckReport, 'receivedAt'> & { receivedAt: Date }>(
      stuckReports,
    );
    return {
      operations: operations.map(({ amount, currency, createdAt, ...row }) => ({
        ...row,
        amount: { amount, currency },
        createdAt: createdAt.toISOString(),
      })),
      reports: reports.map(({ receivedAt, ...row }) => ({ ...row, receivedAt: receivedAt.toISOString() })),
    };
  }
}
