import { Module } from '@nestjs/common';
import { DeliverWebhooks } from './deliveries/deliver-webhooks.js';
import { WebhookDeliveries } from './deliveries/deliveries.js';
import { DeliveriesController } from './deliveries/deliveries.controller.js';
import { DeliveryQueue } from './deliveries/delivery-queue.js';
import { FanOut } from './deliveries/fan-out.js';
import { MeasureWebhooks } from './deliveries/measure-webhooks.js';
import { PingEndpoint } from './deliveries/ping-endpoint.js';
import { RecordAttempt } from './deliveries/record-attempt.js';
import { ReplayEvents } from './deliveries/replay-events.js';
import { WebhookSender } from './deliveries/webhook-sender.js';
import { CheckEndpoint } from './endpoints/check-endpoint.js';
import { EndpointAlerts } from './endpoints/endpoint-alerts.js';
import { EndpointSecrets } from './endpoints/endpoint-secrets.js';
import { WebhookEndpoints } from './endpoints/endpoints.js';
import { EndpointsController } from './endpoints/endpoints.controller.js';
import { TidyWebhooks } from './tidy-webhooks.js';

/** What happens here, told to the systems of others: every event to each endpoint that wants it, signed. */
@Module({
  controllers: [EndpointsController, DeliveriesController],
  providers: [
    CheckEndpoint,
    EndpointSecrets,
    WebhookEndpoints,
    EndpointAlerts,
    FanOut,
    DeliveryQueue,
    WebhookSender,
    RecordAttempt,
    DeliverWebhooks,
    WebhookDeliveries,
    PingEndpoint,
    ReplayEvents,
    MeasureWebhooks,
    TidyWebhooks,
  ],
  exports: [DeliverWebhooks, MeasureWebhooks, TidyWebhooks],
})
export class WebhooksModule {}
