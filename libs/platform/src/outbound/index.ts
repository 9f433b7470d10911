/** @public for outbound webhooks */
export { OutboundClient } from './outbound-client.js';
/** @public for outbound webhooks */
export { OutboundFailure } from './outbound-failure.js';
/** @public for outbound webhooks */
export { OutboundModule } from './outbound.module.js';
