import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Database, statement } from '#platform/database';
import { EventBus, type IntegrationEvent, patternsOf, toCloudEvent } from '#platform/messaging';
import { DeliveryQueue } from './delivery-queue.js';

const subscribedEndpoints = statement(
  'webhooks.subscribed_endpoints',
  `SELECT id FROM webhooks.endpoints WHERE status = 'active' AND event_types && $1::text[]`,
);

/** Hears every event, and has it sent to each endpoint that wants it. */
@Injectable()
export class FanOut implements OnModuleInit {
  constructor(
    private readonly bus: EventBus,
    private readonly database: Database,
    private readonly queue: DeliveryQueue,
  ) {}

  onModuleInit(): void {
    this.bus.consume({ name: 'webhooks.fan-out', types: 'all', apply: (event) => this.apply(event) });
  }

  private async apply(event: IntegrationEvent): Promise<void> {
    const endpoints = await this.database.query<{ id: string }>(subscribedEndpoints, [
      patternsOf(event.type),
    ]);
    if (endpoints.length === 0) return;
    const sent = toCloudEvent(event);
    await this.queue.enqueue(endpoints.map(({ id }) => ({ endpointId: id, event: sent })));
  }
}
