import type { Type } from '@nestjs/common';
import type { Settings } from '../../config/index.js';
import type { EventTransport } from './event-transport.js';

/** Each is loaded where it is used: none of the clients of brokers is small. */
const TRANSPORTS: Record<Settings['EVENTS_TRANSPORT'], () => Promise<Type<EventTransport>>> = {
  postgres: async () => (await import('./postgres-transport.js')).PostgresTransport,
  kafka: async () => (await import('./kafka-transport.js')).KafkaTransport,
  rabbitmq: async () => (await import('./rabbitmq-transport.js')).RabbitmqTransport,
  nats: async () => (await import('./nats-transport.js')).NatsTransport,
};

/** The transport of this name, as EVENTS_TRANSPORT gives it. */
export function loadTransport(name: Settings['EVENTS_TRANSPORT']): Promise<Type<EventTransport>> {
  return TRANSPORTS[name]();
}
