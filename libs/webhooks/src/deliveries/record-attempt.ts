import { Injectable } from '@nestjs/common';
import { Clock } from '#kernel';
import { Database } from '#platform/database';
import { Metrics } from '#platform/telemetry';
import { isLost } from '../domain/endpoint-status.js';
import { judge, partnerPauseMs, type Verdict } from '../domain/retry-schedule.js';
import { statements } from '../endpoints/endpoint-statements.js';
import { WebhookEndpoints } from '../endpoints/endpoints.js';
import { type ClaimedDelivery, DeliveryQueue } from './delivery-queue.js';
import type { Attempt } from './webhook-sender.js';

/** Writes down what came of an attempt, and what follows from it for the delivery and for its endpoint. */
@Injectable()
export class RecordAttempt {
  constructor(
    private readonly database: Database,
    private readonly queue: DeliveryQueue,
    private readonly endpoints: WebhookEndpoints,
    private readonly metrics: Metrics,
    private readonly clock: Clock,
  ) {}

  /** Does nothing when the lease of the claim has ended: then somebody else has sent it again, and records that. */
  async execute(delivery: ClaimedDelivery, attempt: Attempt): Promise<void> {
    const verdict = judge(attempt, delivery.tries + 1, this.clock.now(), Math.random());
    const isRecorded = await this.database.transaction(async () => {
      if (!(await this.queue.record(delivery, attempt, verdict))) return false;
      await this.noteAtEndpoint(delivery, attempt, verdict);
      return true;
    });
    if (isRecorded) this.metrics.countWebhookAttempt(verdict.status);
  }

  private async noteAtEndpoint(
    { endpointId }: ClaimedDelivery,
    attempt: Attempt,
    verdict: Verdict,
  ): Promise<void> {
    if (verdict.status === 'succeeded') {
      await this.database.query(statements.noteSuccess, [endpointId]);
      return;
    }
    await this.database.query(statements.noteFailure, [endpointId, attempt.attemptedAt]);
    const now = this.clock.now();
    const pauseMs = partnerPauseMs(attempt, now);
    if (pauseMs > 0) {
      await this.database.query(statements.pause, [endpointId, new Date(now.getTime() + pauseMs)]);
    }
    if (verdict.status !== 'failed') return;
    if (verdict.isGone) await this.endpoints.disable(endpointId, 'gone');
    else await this.disableIfLost(endpointId, now);
  }

  private async disableIfLost(endpointId: string, now: Date): Promise<void> {
    const row = await this.database.queryOne<{ failingSince: Date | null }>(statements.read, [endpointId]);
    if (row?.failingSince && isLost(row.failingSince, now))
      await this.endpoints.disable(endpointId, 'failing');
  }
}
