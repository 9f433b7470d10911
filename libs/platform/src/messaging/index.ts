export { EventBus } from './event-bus.js';
export { defineEvent, type EventDefinition } from './event.js';
export { MessagingModule } from './messaging.module.js';
export { OutboxRelay } from './outbox-relay.js';
