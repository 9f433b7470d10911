import { Injectable } from '@nestjs/common';
import { EventBus } from './event-bus.js';
import { Outbox } from './outbox.js';
import { EventTransport } from './transports/event-transport.js';

/** Deletes events that nobody needs any more: old ones, which every consumer that reads the feed has read. */
@Injectable()
export class PruneEvents {
  constructor(
    private readonly outbox: Outbox,
    private readonly transport: EventTransport,
    private readonly bus: EventBus,
  ) {}

  /** Deletes at most `limit` events that left longer ago than this; returns how many. */
  async execute(olderThanSeconds: number, limit: number): Promise<number> {
    const readUpTo = await this.transport.feedReadUpTo(this.bus.consumers);
    return this.outbox.prune(olderThanSeconds, limit, readUpTo);
  }
}
