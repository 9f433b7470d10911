import { Injectable } from '@nestjs/common';
import { CompleteOrders, ExpireAuthorizations, ExpireUnpaidOrders } from '#orders';
import { ApplyReports, GatewayReports, MeasurePayments, ResolveOpenOperations } from '#payments';
import { Config } from '#platform/config';
import { Idempotency } from '#platform/idempotency';
import { CheckInvariants } from '#platform/invariants';
import { type PollingJob, PollingLoop } from '#platform/jobs';
import { DeliverMails } from '#platform/mail';
import { Notifications } from '#platform/database';
import { ApplyEvents, EventConsumers, EventRelays, MeasureEvents, PruneEvents } from '#platform/messaging';
import { PruneAccounts } from '#users';
import { DeliverWebhooks, MeasureWebhooks, TidyWebhooks, WEBHOOKS_DUE } from '#webhooks';
import { PinoLogger } from 'nestjs-pino';

/** What lives for days may end a minute late. */
const SLOW_POLL_MS = 60_000;
/** As often as metrics are scraped. */
const MEASURE_POLL_MS = 15_000;
const PRUNE_BATCH_SIZE = 10_000;
const DAY_SECONDS = 86_400;
/** Parked events that are tried at once in one process, so that one whose try takes long does not hold up the others. */
const RETRIERS = 4;

/** A worker leaves alone what another has checked in this part of the interval, so that many do no more than one. */
const CHECKED_LATELY = 0.9;

/** Everything that happens without a request, each in a loop of its own. Any number of workers may run at once. */
@Injectable()
export class WorkerJobs {
  private readonly loops: readonly PollingLoop[];
  private readonly webhooks: PollingLoop;

  constructor(
    private readonly relays: EventRelays,
    applyEvents: ApplyEvents,
    measureEvents: MeasureEvents,
    pruneEvents: PruneEvents,
    resolveOpenOperations: ResolveOpenOperations,
    applyReports: ApplyReports,
    gatewayReports: GatewayReports,
    measurePayments: MeasurePayments,
    expireUnpaidOrders: ExpireUnpaidOrders,
    expireAuthorizations: ExpireAuthorizations,
    completeOrders: CompleteOrders,
    deliverMails: DeliverMails,
    private readonly deliverWebhooks: DeliverWebhooks,
    measureWebhooks: MeasureWebhooks,
    tidyWebhooks: TidyWebhooks,
    pruneAccounts: PruneAccounts,
    idempotency: Idempotency,
    checkInvariants: CheckInvariants,
    private readonly consumers: EventConsumers,
    private readonly notifications: Notifications,
    config: Config,
    logger: PinoLogger,
  ) {
    const pollMs = config.settings.WORKER_POLL_MS;
    const retentionSeconds = config.settings.EVENTS_RETENTION_DAYS * DAY_SECONDS;
    const checkMs = config.settings.INVARIANTS_CHECK_SECONDS * 1_000;
    const jobs: PollingJob[] = [
      { name: 'measure-events', pollMs: MEASURE_POLL_MS, round: () => measureEvents.execute() },
      { name: 'deliver-mails', pollMs, round: () => deliverMails.execute() },
      { name: 'measure-webhooks', pollMs: MEASURE_POLL_MS, round: () => measureWebhooks.execute() },
      slow('tidy-webhooks', () => tidyWebhooks.execute(retentionSeconds, PRUNE_BATCH_SIZE)),
      { name: 'resolve-payment-operations', pollMs, round: () => resolveOpenOperations.execute() },
      { name: 'apply-gateway-reports', pollMs, round: () => applyReports.execute() },
      { name: 'measure-payments', pollMs: MEASURE_POLL_MS, round: () => measurePayments.execute() },
      slow('expire-authorizations', () => expireAuthorizations.execute()),
      { name: 'expire-unpaid-orders', pollMs, round: () => expireUnpaidOrders.execute() },
      { name: 'complete-orders', pollMs, round: () => completeOrders.execute() },
      slow('prune-accounts', () => pruneAccounts.execute(PRUNE_BATCH_SIZE)),
      slow('prune-idempotency-keys', () => idempotency.prune(PRUNE_BATCH_SIZE)),
      slow('prune-gateway-reports', () => gatewayReports.prune(PRUNE_BATCH_SIZE)),
      slow('prune-events', () => pruneEvents.execute(retentionSeconds, PRUNE_BATCH_SIZE)),
      // An event that is still kept may be brought again.
      slow('prune-inbox', () => applyEvents.pruneInbox(2 * retentionSeconds, PRUNE_BATCH_SIZE)),
      {
        name: 'check-invariants',
        pollMs: checkMs,
        round: () => checkInvariants.execute(checkMs * CHECKED_LATELY),
      },
    ];
    const retryJob: PollingJob = {
      name: 'retry-events',
      pollMs,
      round: async () => Number(await applyEvents.retryOne()),
    };
    this.webhooks = new PollingLoop(
      { name: 'deliver-webhooks', pollMs, round: () => deliverWebhooks.execute() },
      logger,
    );
    const retriers = Array.from({ length: RETRIERS }, () => retryJob);
    this.loops = [...[...jobs, ...retriers].map((job) => new PollingLoop(job, logger)), this.webhooks];
  }

  start(): void {
    this.notifications.listen(WEBHOOKS_DUE, () => {
      this.deliverWebhooks.lookAgain();
      this.webhooks.wake();
    });
    for (const loop of this.loops) loop.start();
    this.relays.start();
    this.consumers.start();
  }

  /** Begins nothing more and waits for what is in flight, but not longer than `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    await Promise.all([
      this.relays.stop(graceMs),
      this.consumers.stop(graceMs),
      this.deliverWebhooks.stop(graceMs),
      ...this.loops.map((loop) => loop.stop(graceMs)),
    ]);
  }
}

function slow(name: string, round: PollingJob['round']): PollingJob {
  return { name, pollMs: SLOW_POLL_MS, round };
}
