import { Injectable } from '@nestjs/common';
import { Database, statement } from '#platform/database';
import { Metrics } from '#platform/telemetry';
import { DISABLED_REASONS, type DisabledReason } from '../domain/endpoint-status.js';

const countPending = statement(
  'webhooks.count_pending',
  `SELECT count(*)::int AS pending FROM webhooks.deliveries WHERE status = 'pending'`,
);

const countDisabled = statement(
  'webhooks.count_disabled',
  `SELECT count(*) FILTER (WHERE disabled_reason = 'gone')::int AS gone,
          count(*) FILTER (WHERE disabled_reason = 'failing')::int AS failing,
          count(*) FILTER (WHERE disabled_reason = 'requested')::int AS requested
     FROM webhooks.endpoints WHERE status = 'disabled'`,
);

/** The worker's part: shows in the metrics how many webhooks wait, and how many endpoints get none any more, and why. */
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
    const disabled = await this.database.queryOne<Record<DisabledReason, number>>(countDisabled);
    for (const reason of DISABLED_REASONS) {
      this.metrics.setDisabledWebhookEndpoints(reason, disabled?.[reason] ?? 0);
    }
    return 0;
  }
}
