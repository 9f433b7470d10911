import { Global, Module } from '@nestjs/common';
import { EventBus } from './event-bus.js';
import { EventInvariants } from './event-invariants.js';
import { OutboxRelay } from './outbox-relay.js';

@Global()
@Module({ providers: [EventBus, OutboxRelay, EventInvariants], exports: [EventBus, OutboxRelay] })
export class MessagingModule {}
