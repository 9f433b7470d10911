import { Injectable } from '@nestjs/common';
import { Database, statement } from '#platform/database';
import { Metrics } from '#platform/telemetry';

/** Names the statuses as the partial indexes do, so that only what is open is read, however much there has been. */
const openPayments = statement(
  'payments.measure',
  `SELECT (SELECT count(*) FROM payments.operations
            WHERE status IN ('created', 'sent', 'unknown') AND status = 'unknown') AS unknown,
          (SELECT count(*) FROM payments.operations
            WHERE status IN ('created', 'sent', 'unknown') AND needs_attention_since IS NOT NULL) AS "needAttention",
          (SELECT count(*) FROM payments.gateway_reports WHERE status IN ('received', 'unmatched'))
            + (SELECT count(*) FROM payments.gateway_reports WHERE status = 'contradiction') AS "waitingReports"`,
);

/** The worker's part: shows in the metrics what of the payments is open and should not be for long. */
@Injectable()
export class MeasurePayments {
  constructor(
    private readonly database: Database,
    private readonly metrics: Metrics,
  ) {}

  /** Looks once. There is never more to do at once, so it says 0. */
  async execute(): Promise<0> {
    const open = await this.database.queryOne<{
      unknown: number;
      needAttention: number;
      waitingReports: number;
    }>(openPayments);
    if (open) this.metrics.setOpenPayments(open);
    return 0;
  }
}
