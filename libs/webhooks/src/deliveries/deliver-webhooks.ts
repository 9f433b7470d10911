import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Config } from '#platform/config';
import { runAsSystem } from '#platform/context';
import { defineFailpoint } from '#platform/failpoints';
import { PinoLogger } from 'nestjs-pino';
import { type ClaimedDelivery, DeliveryQueue } from './delivery-queue.js';
import { RecordAttempt } from './record-attempt.js';
import { WebhookSender } from './webhook-sender.js';

/** Under way in one process at once, to all endpoints together. */
const MAX_UNDER_WAY = 64;

/** The webhook is this process's to send, and the partner has not heard of it. */
const claimed = defineFailpoint('webhooks.delivery.claimed');
/** The partner has the webhook, and nobody has written that down yet. */
const sent = defineFailpoint('webhooks.delivery.sent');

/**
 * The worker's part: sends what is due, each webhook at least once. Nothing is locked while a partner is waited for;
 * a worker that dies leaves leases that end.
 */
@Injectable()
export class DeliverWebhooks {
  private readonly underWay = new Set<Promise<void>>();
  private readonly stopping = new AbortController();
  /** Ends the wait for room. */
  private alarm = new AbortController();

  constructor(
    private readonly queue: DeliveryQueue,
    private readonly sender: WebhookSender,
    private readonly recordAttempt: RecordAttempt,
    private readonly config: Config,
    private readonly logger: PinoLogger,
  ) {
    logger.setContext(DeliverWebhooks.name);
  }

  /**
   * Begins what is due and does not wait for its end, so that nobody waits for the slowest partner. While there is
   * nothing to begin, it waits until something has ended that may make room, or for as long as it takes to look again.
   *
   * @returns above 0 when it should look again at once: something is under way, or has made room meanwhile
   */
  async execute(): Promise<number> {
    return runAsSystem('webhooks', async () => {
      this.alarm = new AbortController();
      const room = MAX_UNDER_WAY - this.underWay.size;
      const due = room > 0 && !this.stopping.signal.aborted ? await this.queue.claim(room) : [];
      for (const delivery of due) this.begin(delivery);
      if (due.length === 0 && this.underWay.size > 0) await this.waitForRoom();
      return this.underWay.size + Number(this.alarm.signal.aborted);
    });
  }

  /** Has it look at once for what is due, also when it has just looked, or waits for the end of something. */
  lookAgain(): void {
    this.alarm.abort();
  }

  /** Waits for what is under way, but not longer than `graceMs`: what is broken off then is sent again by another. */
  async stop(graceMs: number): Promise<void> {
    const waiting = new AbortController();
    const ended = Promise.all(this.underWay).then(() => undefined);
    await Promise.race([ended, delay(graceMs, undefined, { signal: waiting.signal })]);
    waiting.abort();
    this.stopping.abort();
  }

  private begin(delivery: ClaimedDelivery): void {
    const work = this.deliver(delivery).finally(() => {
      this.underWay.delete(work);
      // Also one that ends while the next are looked for, which are then not found yet, makes room.
      this.lookAgain();
    });
    this.underWay.add(work);
  }

  private async deliver(delivery: ClaimedDelivery): Promise<void> {
    try {
      await claimed.reach();
      const attempt = await this.sender.send(delivery, delivery.event, this.stopping.signal);
      await sent.reach();
      await this.recordAttempt.execute(delivery, attempt);
    } catch (error) {
      if (this.stopping.signal.aborted) return;
      this.logger.error(
        { err: error, delivery_id: delivery.id, endpoint_id: delivery.endpointId },
        'What came of a webhook could not be recorded; it is sent again when its lease ends',
      );
    }
  }

  private async waitForRoom(): Promise<void> {
    const { alarm } = this;
    const { WORKER_POLL_MS } = this.config.settings;
    await delay(WORKER_POLL_MS, undefined, { signal: alarm.signal }).catch(() => undefined);
  }
}
