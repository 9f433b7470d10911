import type { PaymentSimulator } from '#simulated-gateway';
import type { WebhookSender } from './webhooks/webhook-sender.js';

/** Has refunds that the bank decides about later decided about on time. */
export class Settlement {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly simulator: PaymentSimulator,
    private readonly webhooks: WebhookSender,
  ) {}

  /** To be called after every request: it may have left something to decide. */
  arm(): void {
    clearTimeout(this.timer);
    const dueAt = this.simulator.nextSettlementAt;
    if (dueAt !== undefined) this.timer = setTimeout(() => this.settle(), Math.max(0, dueAt - Date.now()));
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private settle(): void {
    void this.webhooks.send(this.simulator.settle());
    this.arm();
  }
}
