import { Global, Module } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { Config } from '../config/index.js';
import { ApplyEvents } from './consumers/apply-events.js';
import { EventConsumers } from './consumers/event-consumers.js';
import { FirstBatches } from './consumers/first-batches.js';
import { ParkedEvents } from './consumers/parked-events.js';
import { CheckDeadLetterFilters } from './dead-letters/check-filters.js';
import { DeadLettersController } from './dead-letters/dead-letters.controller.js';
import { EventBus } from './event-bus.js';
import { EventFeed } from './event-feed.js';
import { EventRelays } from './event-relays.js';
import { EventInvariants } from './event-invariants.js';
import { LiveEvents } from './live-events.js';
import { MeasureEvents } from './measure-events.js';
import { Outbox } from './outbox.js';
import { OutboxRelay } from './outbox-relay.js';
import { PruneEvents } from './prune-events.js';
import { EventsController } from './pull-feed/events.controller.js';
import { ConsumerPositions } from './transports/consumer-positions.js';
import { EventTransport } from './transports/event-transport.js';
import { loadTransport } from './transports/load-transport.js';

/** From "it happened" to everybody who wants to know: the outbox, its relay, the transport, the consumers. */
@Global()
@Module({
  controllers: [DeadLettersController, EventsController],
  providers: [
    EventBus,
    Outbox,
    OutboxRelay,
    EventRelays,
    EventFeed,
    LiveEvents,
    ConsumerPositions,
    {
      provide: EventTransport,
      inject: [Config, ModuleRef],
      useFactory: async ({ settings }: Config, moduleRef: ModuleRef) =>
        moduleRef.create(await loadTransport(settings.EVENTS_TRANSPORT)),
    },
    ParkedEvents,
    FirstBatches,
    CheckDeadLetterFilters,
    ApplyEvents,
    EventConsumers,
    MeasureEvents,
    PruneEvents,
    EventInvariants,
  ],
  exports: [
    EventBus,
    EventTransport,
    EventFeed,
    LiveEvents,
    OutboxRelay,
    EventRelays,
    Outbox,
    ApplyEvents,
    ParkedEvents,
    EventConsumers,
    MeasureEvents,
    PruneEvents,
  ],
})
export class MessagingModule {}
