import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { backoffMs } from '../../resilience/index.js';
import { type Consumer, EventBus } from '../event-bus.js';
import { EventTransport, type Subscription } from '../transports/event-transport.js';
import { ApplyEvents } from './apply-events.js';

const PAUSES = { firstMs: 500, longestMs: 30_000 };

/** Runs the consumers that modules have registered: in the process that asks for it, from `start` to `stop`. */
@Injectable()
export class EventConsumers {
  private readonly stopping = new AbortController();
  private starting: Promise<void>[] = [];
  private readonly subscriptions: Subscription[] = [];

  constructor(
    private readonly bus: EventBus,
    private readonly transport: EventTransport,
    private readonly applyEvents: ApplyEvents,
    private readonly logger: PinoLogger,
  ) {
    logger.setContext(EventConsumers.name);
  }

  /** Subscribes every consumer. A broker that is away is tried again until it is there; nobody waits for it. */
  start(): void {
    this.starting = this.bus.consumers.map((consumer) => this.subscribe(consumer));
  }

  /** Takes no more events, and resolves when those that were taken are applied, or `graceMs` have passed. */
  async stop(graceMs: number): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.starting);
    await Promise.all(this.subscriptions.map((subscription) => subscription.stop(graceMs)));
  }

  private async subscribe(consumer: Consumer): Promise<void> {
    const { signal } = this.stopping;
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        const handle = this.applyEvents.execute.bind(this.applyEvents, consumer);
        this.subscriptions.push(await this.transport.subscribe(consumer, handle));
        return;
      } catch (error) {
        if (failures === 0) {
          this.logger.error(
            { err: error, consumer: consumer.name },
            'A consumer cannot subscribe; it tries again',
          );
        }
        await pause(backoffMs(PAUSES, failures), signal);
      }
    }
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
