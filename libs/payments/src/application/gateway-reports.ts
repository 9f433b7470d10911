import { Injectable } from '@nestjs/common';
import { Database, statement } from '#platform/database';
import type { GatewayReport } from '../domain/payment-gateway.js';

/** What became of a report. `unmatched` is tried again; a `contradiction` is for staff to look at. */
export type ReportStatus = 'applied' | 'old' | 'ignored' | 'unmatched' | 'contradiction';

/** A report that waits to be applied. */
export interface KeptReport extends GatewayReport {
  readonly gateway: string;
  readonly attempts: number;
}

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 3_600_000;
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
    WHERE status IN ('received', 'unmatched') AND next_attempt_at <= now() ORDER BY next_attempt_at LIMIT $1`,
);
const lockReport = statement(
  'payments.lock_report',
  `SELECT gateway, id, type, payload, attempts FROM payments.gateway_reports
    WHERE gateway = $1 AND id = $2 AND status IN ('received', 'unmatched') FOR UPDATE SKIP LOCKED`,
);
const closeReport = statement(
  'payments.close_report',
  `UPDATE payments.gateway_reports SET status = $3, attempts = attempts + 1, applied_at = now()
    WHERE gateway = $1 AND id = $2`,
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
  async due(limit: number): Promise<Pick<KeptReport, 'gateway' | 'id'>[]> {
    return this.database.query(dueReports, [limit]);
  }

  /** The report, locked until the running transaction ends; undefined when it is done, or somebody else has it. */
  async lock({ gateway, id }: Pick<KeptReport, 'gateway' | 'id'>): Promise<KeptReport | undefined> {
    return this.database.queryOne<KeptReport>(lockReport, [gateway, id]);
  }

  /** Notes what became of it. What is not known yet, or could not be applied (`received`), is tried again later. */
  async close({ gateway, id, attempts }: KeptReport, status: ReportStatus | 'received'): Promise<void> {
    if (status === 'unmatched' || status === 'received') {
      const delayMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(attempts, 30), LONGEST_RETRY_MS);
      await this.database.query(postponeReport, [gateway, id, status, delayMs]);
    } else {
      await this.database.query(closeReport, [gateway, id, status]);
    }
  }

  /** Forgets what was done with long ago, at most `limit` at a time, and returns how many. */
  async prune(limit: number): Promise<number> {
    return (await this.database.query(pruneReports, [limit])).length;
  }
}
