import { setTimeout as delay } from 'node:timers/promises';
import type { PlannedWebhook } from '#simulated-gateway';
import { eventJson } from '../http/wire.js';
import { signatureOf } from './signature.js';

/** Where webhooks go, and what signs them. */
export interface WebhookTarget {
  readonly url: string;
  readonly secret: string;
}

const DELIVERY_TIMEOUT_MS = 5_000;
/** Waits before each further try of a webhook that was not taken with 2xx: longer than a restart takes. */
const RETRY_DELAYS_MS = [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000];
/** What would be more than this under way at once is lost. */
const MAX_UNDER_WAY = 5_000;

/** Sends signed webhooks, and tries again what was not taken. Those of one request go one after the other. */
export class WebhookSender {
  private readonly stopping = new AbortController();
  private underWay = 0;

  /** @param target undefined: nothing is sent */
  constructor(private readonly target: WebhookTarget | undefined) {}

  /** Sends `webhooks`, each when it is due, and comes back when each was tried once. */
  async send(webhooks: readonly PlannedWebhook[]): Promise<void> {
    if (this.underWay + webhooks.length > MAX_UNDER_WAY) return;
    this.underWay += webhooks.length;
    try {
      for (const webhook of webhooks) await this.sendOnTime(webhook);
    } finally {
      this.underWay -= webhooks.length;
    }
  }

  /** Whether none is under way, nor to be tried again. */
  get isQuiet(): boolean {
    return this.underWay === 0;
  }

  /** Whatever is under way ends, undelivered. */
  stop(): void {
    this.stopping.abort();
  }

  private async sendOnTime({ news, delayMs }: PlannedWebhook): Promise<void> {
    const { target } = this;
    if (!target) return;
    if (delayMs > 0) await this.wait(delayMs);
    const payload = JSON.stringify(eventJson(news));
    if (!(await this.deliver(target, payload))) void this.retry(target, payload);
  }

  private async retry(target: WebhookTarget, payload: string): Promise<void> {
    this.underWay += 1;
    for (const retryDelayMs of RETRY_DELAYS_MS) {
      await this.wait(retryDelayMs);
      if (this.stopping.signal.aborted || (await this.deliver(target, payload))) break;
    }
    this.underWay -= 1;
  }

  /** Whether it was taken. */
  private async deliver({ url, secret }: WebhookTarget, payload: string): Promise<boolean> {
    const { signal } = this.stopping;
    if (signal.aborted) return false;
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'stripe-signature': signatureOf(payload, secret, Date.now()),
        },
        body: payload,
        signal: AbortSignal.any([signal, AbortSignal.timeout(DELIVERY_TIMEOUT_MS)]),
      });
      await response.arrayBuffer();
      return response.ok;
    } catch {
      return false;
    }
  }

  private async wait(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.stopping.signal }).catch(() => undefined);
  }
}
