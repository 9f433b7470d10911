import { Injectable } from '@nestjs/common';
import { Database, statement } from '#platform/database';
import { backoffMs } from '#platform/resilience';
import type { GatewayOutcome, GatewayReport } from '../domain/payment-gateway.js';
import type { ClaimedOperation } from '../domain/payment.repository.js';

/**
 * What became of a report. `received` and `unmatched` are tried again; a `contradiction` is for staff to look at, and
 * is `settled` when they have.
 */
export type ReportStatus = 'received' | 'applied' | 'old' | 'ignored' | 'unmatched' | 'contradiction';

/** What a report that contradicts the books is about. */
export interface ReportSubject {
  readonly operationId?: string | undefined;
  readonly gatewayPaymentId?: string | undefined;
}

/** A report that waits to be applied. */
export interface KeptReport extends GatewayReport {
  readonly gateway: string;
  readonly attempts: number;
}

const RETRIES = { firstMs: 500, longestMs: 3_600_000 };
/** A report that still is about nothing we know after this time is about something of somebody else's. */
const UNMATCHED_FOR_DAYS = 3;
const KEPT_FOR_DAYS = 30;

const keepReport = statement(
  'payments.keep_report',
  `INSERT INTO payments.gateway_reports (gateway, id, type, payload) VALUES ($1, $2, $3, $4)
   ON CONFLICT (gateway, id) DO NOTHING`,
);
const dueReports = statement(
  'payments.due_reports',
  `SELECT gateway, id FROM payments.gateway_reports
    WHERE status IN ('received', 'unmatched') AND next_attempt_at <= now() AND gateway = $2
    ORDER BY next_attempt_at LIMIT $1`,
);
const lockReport = statement(
  'payments.lock_report',
  `SELECT gateway, id, type, payload, attempts FROM payments.gateway_reports
    WHERE gateway = $1 AND id = $2 AND status IN ('received', 'unmatched') FOR UPDATE SKIP LOCKED`,
);
const closeReport = statement(
  'payments.close_report',
  `UPDATE payments.gateway_reports
      SET status = $3, attempts = attempts + 1, applied_at = now(), operation_id = $4, gateway_payment_id = $5,
          payload = CASE $3 WHEN 'contradiction' THEN payload ELSE '{}' END
    WHERE gateway = $1 AND id = $2`,
);
const keepAnswer = statement(
  'payments.keep_answer',
  `INSERT INTO payments.gateway_reports (gateway, id, type, payload, status, operation_id, gateway_payment_id)
   VALUES ($1, $2, 'answer', $3, 'contradiction', $4, $5) ON CONFLICT (gateway, id) DO NOTHING`,
);
const settleReport = statement(
  'payments.settle_report',
  `UPDATE payments.gateway_reports SET status = 'settled', settled_by = $2, settlement_reason = $3, payload = '{}'
    WHERE id = $1 AND status = 'contradiction' RETURNING id`,
);
const postponeReport = statement(
  'payments.postpone_report',
  `UPDATE payments.gateway_reports
      SET attempts = attempts + 1, next_attempt_at = now() + $4 * interval '1 millisecond',
          status = CASE WHEN $3 = 'unmatched' AND received_at < now() - interval '${UNMATCHED_FOR_DAYS} days'
                        THEN 'abandoned' ELSE $3 END
    WHERE gateway = $1 AND id = $2`,
);
const pruneReports = statement(
  'payments.prune_reports',
  `DELETE FROM payments.gateway_reports WHERE (gateway, id) IN
     (SELECT gateway, id FROM payments.gateway_reports
       WHERE status IN ('applied', 'old', 'ignored', 'abandoned')
         AND received_at < now() - interval '${KEPT_FOR_DAYS} days' LIMIT $1)
   RETURNING id`,
);

/** The inbox of what the gateway reports: every report once, however often it comes. */
@Injectable()
export class GatewayReports {
  constructor(private readonly database: Database) {}

  /** One that has come before is kept as it was. */
  async keep(gateway: string, { id, type, payload }: GatewayReport): Promise<void> {
    await this.database.query(keepReport, [gateway, id, type, payload]);
  }

  /** Reports that wait to be applied, those first that have waited longest. */
  async due(gateway: string, limit: number): Promise<Pick<KeptReport, 'gateway' | 'id'>[]> {
    return this.database.query(dueReports, [limit, gateway]);
  }

  /** The report, locked until the running transaction ends; undefined when it is done, or somebody else has it. */
  async lock({ gateway, id }: Pick<KeptReport, 'gateway' | 'id'>): Promise<KeptReport | undefined> {
    return this.database.queryOne<KeptReport>(lockReport, [gateway, id]);
  }

  /** Notes what became of it. What is not known yet, or could not be applied (`received`), is tried again later. */
  async record(
    { gateway, id, attempts }: KeptReport,
    status: ReportStatus,
    { operationId, gatewayPaymentId }: ReportSubject = {},
  ): Promise<void> {
    if (status === 'unmatched' || status === 'received') {
      const delayMs = backoffMs(RETRIES, attempts);
      await this.database.query(postponeReport, [gateway, id, status, delayMs]);
    } else {
      const subject = [operationId ?? null, gatewayPaymentId ?? null];
      await this.database.query(closeReport, [gateway, id, status, ...subject]);
    }
  }

  /** Keeps an answer of the gateway that contradicts the books, where staff find the reports that do. */
  async keepAnswer(operation: ClaimedOperation, outcome: GatewayOutcome): Promise<void> {
    const { id, gateway, gatewayPaymentId } = operation;
    const name = 'gatewayId' in outcome ? outcome.gatewayId : gatewayPaymentId;
    await this.database.query(keepAnswer, [gateway, `answer_${id}`, outcome, id, name ?? null]);
  }

  /** Staff have done what a contradiction called for; whether there was one. */
  async settle(id: string, by: string, reason: string): Promise<boolean> {
    return (await this.database.query(settleReport, [id, by, reason])).length > 0;
  }

  /** Forgets what was done with long ago, at most `limit` at a time, and returns how many. */
  async prune(limit: number): Promise<number> {
    return (await this.database.query(pruneReports, [limit])).length;
  }
}
