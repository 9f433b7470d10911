export { DeliverWebhooks } from './deliveries/deliver-webhooks.js';
export { WEBHOOKS_DUE } from './deliveries/delivery-queue.js';
export { MeasureWebhooks } from './deliveries/measure-webhooks.js';
export { TidyWebhooks } from './tidy-webhooks.js';
export { WebhooksModule } from './webhooks.module.js';
