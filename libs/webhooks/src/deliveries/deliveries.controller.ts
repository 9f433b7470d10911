import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { cursorErrors } from '#kernel';
import { Endpoint, idParamSchema, type Page } from '#platform/http';
import { webhooksErrors } from '../webhooks.errors.js';
import { WebhookDeliveries } from './deliveries.js';
import {
  type DeliveriesQuery,
  deliveriesQuerySchema,
  deliveryPageSchema,
  deliverySchema,
  type DeliveryView,
  deliveryWithEventSchema,
  type DeliveryWithEventView,
  pingResultSchema,
  type PingResultView,
  pingSchema,
  type ReplayRequest,
  replayResultSchema,
  type ReplayResultView,
  replaySchema,
  retrySchema,
  toDeliveryView,
  toPingResultView,
  toReplayResultView,
} from './delivery.schema.js';
import { PingEndpoint } from './ping-endpoint.js';
import { ReplayEvents } from './replay-events.js';

@ApiTags('Webhooks')
@Controller()
export class DeliveriesController {
  constructor(
    private readonly deliveries: WebhookDeliveries,
    private readonly pingEndpoint: PingEndpoint,
    private readonly replayEvents: ReplayEvents,
  ) {}

  @Post('webhook-endpoints/:id/ping')
  @Endpoint({
    summary: 'Send a test event to a webhook endpoint',
    description:
      'An event of the type `steelyard.webhook_ping.sent.v1`, signed like all others, now and once; a disabled ' +
      'endpoint gets it, too. The answer tells what came back within ten seconds, whatever it was; nothing follows ' +
      'from it, also not from a 410.',
    access: 'webhooks:write',
    responses: { 200: pingResultSchema },
    errors: [webhooksErrors.webhook_endpoint_not_found],
  })
  async pingWebhookEndpoint(
    @Param({ schema: idParamSchema }) { id }: { id: string },
    @Body({ schema: pingSchema }) _body: object,
  ): Promise<PingResultView> {
    const { eventId, attempt } = await this.pingEndpoint.execute(id);
    return toPingResultView(eventId, attempt);
  }

  @Get('webhook-endpoints/:id/deliveries')
  @Endpoint({
    summary: 'List what was sent to a webhook endpoint',
    description:
      'Newest first, each with its attempts. What is delivered or given up is kept as long as events are.',
    access: 'webhooks:read',
    responses: { 200: deliveryPageSchema },
    errors: [webhooksErrors.webhook_endpoint_not_found, cursorErrors.invalid_cursor],
  })
  async listWebhookDeliveries(
    @Param({ schema: idParamSchema }) { id }: { id: string },
    @Query({ schema: deliveriesQuerySchema }) { status, eventType, eventId, ...request }: DeliveriesQuery,
  ): Promise<Page<DeliveryView>> {
    const { data, nextCursor } = await this.deliveries.list(id, { status, eventType, eventId }, request);
    return { data: data.map(toDeliveryView), nextCursor };
  }

  @Get('webhook-deliveries/:id')
  @Endpoint({
    summary: 'Get a delivery',
    description: 'With the event as it is sent, and its attempts.',
    access: 'webhooks:read',
    responses: { 200: deliveryWithEventSchema },
    errors: [webhooksErrors.webhook_delivery_not_found],
  })
  async getWebhookDelivery(
    @Param({ schema: idParamSchema }) { id }: { id: string },
  ): Promise<DeliveryWithEventView> {
    const { event, ...delivery } = await this.deliveries.get(id);
    return { ...toDeliveryView(delivery), event };
  }

  @Post('webhook-deliveries/:id/retry')
  @Endpoint({
    summary: 'Send a webhook again',
    description:
      'At once, under the same `webhook-id`, whether it was delivered, given up, or waits for its next attempt. If ' +
      'it fails, it is tried again as if it were new.',
    access: 'webhooks:write',
    responses: { 202: deliverySchema },
    errors: [webhooksErrors.webhook_delivery_not_found, webhooksErrors.webhook_endpoint_disabled],
  })
  async retryWebhookDelivery(
    @Param({ schema: idParamSchema }) { id }: { id: string },
    @Body({ schema: retrySchema }) _body: object,
  ): Promise<DeliveryView> {
    return toDeliveryView(await this.deliveries.retry(id));
  }

  @Post('webhook-endpoints/:id/replay')
  @Endpoint({
    summary: 'Send events again to a webhook endpoint',
    description:
      'All that happened in a range of time, of the types that the endpoint wants, as long as they are kept: what it ' +
      'missed and what it has got before, each under the `webhook-id` that it had. One call looks at 20,000 events, ' +
      'and is refused while more than 1,000 webhooks of the endpoint wait for their first attempt.',
    access: 'webhooks:write',
    responses: { 202: replayResultSchema },
    errors: [
      webhooksErrors.webhook_endpoint_not_found,
      webhooksErrors.webhook_endpoint_disabled,
      webhooksErrors.webhook_backlog,
    ],
  })
  async replayWebhookEvents(
    @Param({ schema: idParamSchema }) { id }: { id: string },
    @Body({ schema: replaySchema }) { after, before, eventTypes }: ReplayRequest,
  ): Promise<ReplayResultView> {
    const range = { after: new Date(after), before: before === undefined ? undefined : new Date(before) };
    return toReplayResultView(await this.replayEvents.execute(id, { ...range, eventTypes }));
  }
}
