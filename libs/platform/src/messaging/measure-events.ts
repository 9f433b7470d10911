import { Injectable } from '@nestjs/common';
import { Metrics } from '../telemetry/index.js';
import { ParkedEvents } from './consumers/parked-events.js';
import { type Consumer, EventBus } from './event-bus.js';
import { Outbox } from './outbox.js';
import { EventTransport } from './transports/event-transport.js';

/** Records what waits: events that have not left, those on their way to consumers, and those that could not be applied. */
@Injectable()
export class MeasureEvents {
  constructor(
    private readonly outbox: Outbox,
    private readonly parked: ParkedEvents,
    private readonly transport: EventTransport,
    private readonly bus: EventBus,
    private readonly metrics: Metrics,
  ) {}

  async execute(): Promise<number> {
    this.metrics.setOutbox(await this.outbox.state());
    this.metrics.setParkedEvents(await this.parked.state());
    await Promise.all(this.bus.consumers.map((consumer) => this.measureLag(consumer)));
    return 0;
  }

  /** A broker that is away keeps its number to itself; that it is away is told by `/readyz`. */
  private async measureLag(consumer: Consumer): Promise<void> {
    const lag = await this.transport.lag(consumer).catch(() => undefined);
    this.metrics.setConsumerLag(consumer.name, lag);
  }
}
