import { Injectable } from '@nestjs/common';
import { Metrics } from '../telemetry/index.js';
import { ParkedEvents } from './consumers/parked-events.js';
import { Outbox } from './outbox.js';

/** Records what waits: events that have not left, and events that consumers could not apply. */
@Injectable()
export class MeasureEvents {
  constructor(
    private readonly outbox: Outbox,
    private readonly parked: ParkedEvents,
    private readonly metrics: Metrics,
  ) {}

  async execute(): Promise<number> {
    this.metrics.setOutbox(await this.outbox.state());
    this.metrics.setParkedEvents(await this.parked.state());
    return 0;
  }
}
