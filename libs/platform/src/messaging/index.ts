export { type CloudEvent, toCloudEvent } from './cloud-event.js';
export { breakingEventChanges, describeEvents, type EventContract } from './contract/describe-events.js';
export { ApplyEvents } from './consumers/apply-events.js';
export { EventConsumers } from './consumers/event-consumers.js';
export { type DeadLetter, type DeadLetterFilters, ParkedEvents } from './consumers/parked-events.js';
export { type Consumer, EventBus } from './event-bus.js';
export { isKnownPattern, matchesAny, patternsOf } from './event-patterns.js';
export { EventFeed } from './event-feed.js';
export { EventRelays } from './event-relays.js';
export {
  defineDirectEvent,
  defineEvent,
  type EventDefinition,
  type IntegrationEvent,
  isEventType,
} from './event.js';
export { LiveEvents } from './live-events.js';
export { MeasureEvents } from './measure-events.js';
export { MessagingModule } from './messaging.module.js';
export { Outbox } from './outbox.js';
export { OutboxRelay } from './outbox-relay.js';
export { PruneEvents } from './prune-events.js';
export { EventTransport } from './transports/event-transport.js';
