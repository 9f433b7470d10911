export { EventBus, type Consumer } from './event-bus.js';
export { defineEvent, type EventDefinition, type IntegrationEvent } from './event.js';
export { MessagingModule } from './messaging.module.js';
export { OutboxRelay } from './outbox-relay.js';
