import { Global, Module } from '@nestjs/common';
import { EventBus } from './event-bus.js';
import { OutboxRelay } from './outbox-relay.js';

@Global()
@Module({ providers: [EventBus, OutboxRelay], exports: [EventBus, OutboxRelay] })
export class MessagingModule {}
