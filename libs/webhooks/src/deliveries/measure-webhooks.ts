import { Injectable } from '@nestjs/common';
import { Database, statement } from '#platform/database';
import { Metrics } from '#platform/telemetry';

const countPending = statement(
  'webhooks.count_pending',
  `SELECT count(*)::int AS pending FROM webhooks.deliveries WHERE status = 'pending'`,
);

/** The worker's part: shows in the metrics how many webhooks wait for their delivery. */
@Injectable()
export class MeasureWebhooks {
  constructor(
    private readonly database: Database,
    private readonly metrics: Metrics,
  ) {}

  /** Looks once. There is never more to do at once, so it says 0. */
  async execute(): Promise<0> {
    const row = await this.database.queryOne<{ pending: number }>(countPending);
    this.metrics.setPendingWebhooks(row?.pending ?? 0);
    return 0;
  }
}
