import { Clock, newId } from '#kernel';
import { Config } from '#platform/config';
import { Database, Notifications } from '#platform/database';
import { EventBus, EventFeed, type IntegrationEvent, Outbox, OutboxRelay } from '#platform/messaging';
import { Metrics } from '#platform/telemetry';
import { PinoLogger } from 'nestjs-pino';
import { DataSource } from 'typeorm';
import { ConsumerPositions } from '../../libs/platform/src/messaging/transports/consumer-positions.js';
import type {
  ConsumerGroup,
  EventHandler,
  EventTransport,
  Subscription,
} from '../../libs/platform/src/messaging/transports/event-transport.js';
import { KafkaTransport } from '../../libs/platform/src/messaging/transports/kafka-transport.js';
import { NatsTransport } from '../../libs/platform/src/messaging/transports/nats-transport.js';
import { PostgresTransport } from '../../libs/platform/src/messaging/transports/postgres-transport.js';
import { RabbitmqTransport } from '../../libs/platform/src/messaging/transports/rabbitmq-transport.js';
import type { TestApp } from './test-app.js';
import { testSettings } from './test-settings.js';

export type TransportName = 'postgres' | 'kafka' | 'rabbitmq' | 'nats';

const STOP_GRACE_MS = 5_000;
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** One transport between the outbox of an application and consumers of tests, as several processes would have it. */
export class EventCarrier {
  private transports: EventTransport[] = [];
  private subscriptions: Subscription[] = [];

  private constructor(
    private readonly api: TestApp,
    private readonly config: Config,
    private readonly logger: PinoLogger,
    private readonly name: TransportName,
  ) {}

  /** `settings` say by their names where the broker is. */
  static async open(api: TestApp, name: TransportName, settings: Readonly<Record<string, string>> = {}) {
    const config = new Config(
      await testSettings({
        DATABASE_URL: api.database.url,
        // Publishing gives up in time for a test.
        DATABASE_STATEMENT_TIMEOUT_MS: '5000',
        EVENTS_TRANSPORT: name,
        ...settings,
      }),
    );
    return new EventCarrier(api, config, await api.app.resolve(PinoLogger), name);
  }

  /** The transport as one more process would have it. */
  process(): EventTransport {
    const { app } = this.api;
    const database = app.get(Database);
    const notifications = app.get(Notifications);
    const positions = app.get(ConsumerPositions, { strict: false });
    const { config, logger } = this;
    const transport: EventTransport = {
      postgres: () => new PostgresTransport(database, positions, app.get(EventFeed), notifications, logger),
      nats: () => new NatsTransport(config, database, positions, notifications, logger),
      rabbitmq: () => new RabbitmqTransport(config, logger),
      kafka: () => new KafkaTransport(config, database, positions, logger),
    }[this.name]();
    this.transports.push(transport);
    return transport;
  }

  /** A consumer by a name that nobody has used, in a process of its own unless it is given one. */
  async subscribe(
    group: ConsumerGroup,
    handle: EventHandler,
    process = this.process(),
  ): Promise<Subscription> {
    const subscription = await process.subscribe(group, handle);
    this.subscriptions.push(subscription);
    return subscription;
  }

  /** What hands over to the transport, as a worker that knows these consumers would. */
  relay(process: EventTransport, consumers: readonly ConsumerGroup[] = []): OutboxRelay {
    const { app } = this.api;
    const [database, notifications] = [app.get(Database), app.get(Notifications)];
    const bus = new EventBus(database, app.get(Clock), notifications);
    for (const group of consumers) bus.consume({ ...group, apply: () => Promise.resolve() });
    return new OutboxRelay(database, app.get(Outbox), process, bus, notifications, app.get(Metrics));
  }

  /** Appends the events `from` to `to` of each of these aggregates to the outbox. */
  async append(ids: readonly string[], from: number, to: number, type: string): Promise<void> {
    await this.api.app.get(DataSource).query(
      `INSERT INTO platform.outbox (id, type, aggregate, aggregate_id, sequence, occurred_at, data, traceparent)
       SELECT uuidv7(), $4, split_part($4, '.', 2), id, n, date_trunc('milliseconds', now()), '{"key": "value"}', $5
         FROM generate_series($2::int, $3::int) n, unnest($1::uuid[]) id`,
      [ids, from, to, type, TRACEPARENT],
    );
  }

  /** Has the same happen, and leave. */
  async publish(
    ids: readonly string[],
    from: number,
    to: number,
    type: string,
    process = this.process(),
  ): Promise<void> {
    await this.append(ids, from, to, type);
    const relay = this.relay(process);
    while ((await relay.relayBatch()) > 0);
  }

  /** Stops what runs, as processes that end do. */
  async close(): Promise<void> {
    await Promise.all(this.subscriptions.map((subscription) => subscription.stop(STOP_GRACE_MS)));
    await Promise.all(this.transports.map((transport) => transport.close()));
    this.subscriptions = [];
    this.transports = [];
  }
}

/** An event as the relay hands it over, without an outbox. */
export function anEvent(type: string): IntegrationEvent {
  const [, aggregate = ''] = type.split('.');
  return {
    id: newId(),
    type,
    aggregate,
    aggregateId: newId(),
    sequence: 1,
    occurredAt: new Date(),
    data: {},
  };
}

export const newIds = (count: number): string[] => Array.from({ length: count }, newId);

/** Each of these aggregates has had its first `count` events, each for the first time in its turn. */
export function expectInOrder(
  received: readonly IntegrationEvent[],
  ids: readonly string[],
  count: number,
  from = 1,
): void {
  const sequences = new Map(ids.map((id) => [id, new Set<number>()]));
  for (const { aggregateId, sequence } of received) sequences.get(aggregateId)?.add(sequence);
  const expected = Array.from({ length: count }, (_, index) => from + index);
  expect([...sequences.values()].map((seen) => [...seen])).toEqual(ids.map(() => expected));
}
