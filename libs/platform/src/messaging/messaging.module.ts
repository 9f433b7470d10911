import { Global, Module } from '@nestjs/common';
import { ApplyEvents } from './consumers/apply-events.js';
import { EventConsumers } from './consumers/event-consumers.js';
import { ParkedEvents } from './consumers/parked-events.js';
import { DeadLettersController } from './dead-letters/dead-letters.controller.js';
import { EventBus } from './event-bus.js';
import { EventFeed } from './event-feed.js';
import { EventInvariants } from './event-invariants.js';
import { LiveEvents } from './live-events.js';
import { MeasureEvents } from './measure-events.js';
import { Outbox } from './outbox.js';
import { OutboxRelay } from './outbox-relay.js';
import { EventsController } from './pull-feed/events.controller.js';
import { EventTransport } from './transports/event-transport.js';
import { PostgresTransport } from './transports/postgres-transport.js';

/** From "it happened" to everybody who wants to know: the outbox, its relay, the transport, the consumers. */
@Global()
@Module({
  controllers: [DeadLettersController, EventsController],
  providers: [
    EventBus,
    Outbox,
    OutboxRelay,
    EventFeed,
    LiveEvents,
    { provide: EventTransport, useClass: PostgresTransport },
    ParkedEvents,
    ApplyEvents,
    EventConsumers,
    MeasureEvents,
    EventInvariants,
  ],
  exports: [
    EventBus,
    EventFeed,
    LiveEvents,
    OutboxRelay,
    Outbox,
    ApplyEvents,
    ParkedEvents,
    EventConsumers,
    MeasureEvents,
  ],
})
export class MessagingModule {}
