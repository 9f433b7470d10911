import { KafkaServer, WITHOUT_KAFKA } from '../support/brokers/kafka-server.js';
import { NatsServer, WITHOUT_NATS } from '../support/brokers/nats-server.js';
import { RabbitmqServer, WITHOUT_RABBITMQ } from '../support/brokers/rabbitmq-server.js';
import type { Postgres } from './postgres.js';

export type BrokerName = 'nats' | 'rabbitmq' | 'kafka';
export type TransportName = 'postgres' | BrokerName;

/** What carries the events, and is killed and started again. */
export interface Broker {
  /** Where it is, by the names of settings. */
  readonly settings: Readonly<Record<string, string>>;
  open(): Promise<void>;
  /** Resolves when what clients have had it make is there after a kill. */
  settle(): Promise<void>;
  kill(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

const BROKERS: Readonly<Record<BrokerName, () => Broker>> = {
  nats: () => new NatsServer(),
  rabbitmq: () => new RabbitmqServer(),
  kafka: () => new KafkaServer(),
};

/** Why a transport cannot be had here; undefined where it can. */
export const WITHOUT: Readonly<Record<TransportName, string | undefined>> = {
  postgres: undefined,
  nats: WITHOUT_NATS,
  rabbitmq: WITHOUT_RABBITMQ,
  kafka: WITHOUT_KAFKA,
};

export function isBroker(name: string): name is BrokerName {
  return Object.hasOwn(BROKERS, name);
}

export function isTransport(name: string): name is TransportName {
  return Object.hasOwn(WITHOUT, name);
}

/** A broker of its own, which is not started yet. */
export function newBroker(name: BrokerName): Broker {
  return BROKERS[name]();
}

/** With PostgreSQL as the transport, the database itself is killed: its server with every connection. */
export function asBroker(postgres: Postgres): Broker {
  const nothing = () => Promise.resolve();
  return {
    settings: {},
    open: nothing,
    settle: nothing,
    kill: () => postgres.kill(),
    start: () => postgres.restart(),
    close: nothing,
  };
}
