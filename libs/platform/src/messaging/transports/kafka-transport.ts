import { Injectable } from '@nestjs/common';
import { Admin, type BaseOptions, Producer, stringSerializers } from '@platformatic/kafka';
import { PinoLogger } from 'nestjs-pino';
import { Config } from '../../config/index.js';
import { Database } from '../../database/index.js';
import { PollingLoop } from '../../jobs/index.js';
import { type IntegrationEvent, registeredEvents } from '../event.js';
import { within } from '../../resilience/index.js';
import { CONNECT_TIMEOUT_MS, publishTimeoutMs, SWEEP_MS } from './bounds.js';
import { ConsumerPositions } from './consumer-positions.js';
import {
  type ConsumerGroup,
  type EventHandler,
  EventTransport,
  type Subscription,
} from './event-transport.js';
import { KafkaGroup } from './kafka-group.js';
import { kafkaOptions } from './kafka-options.js';
import { KafkaTopics, topicOf } from './kafka-topics.js';
import { toMessage } from './messages.js';

/**
 * Events through Kafka: a topic for each kind of aggregate, in which those of an aggregate share a partition, and a
 * group for each consumer, whose processes share the partitions.
 */
@Injectable()
export class KafkaTransport extends EventTransport {
  readonly name = 'kafka';
  private readonly options: BaseOptions;
  private readonly admin: Admin;
  private readonly topics: KafkaTopics;
  private producer: Producer<string, string, string, string> | undefined;

  constructor(
    private readonly config: Config,
    private readonly database: Database,
    private readonly positions: ConsumerPositions,
    private readonly logger: PinoLogger,
  ) {
    super();
    this.options = kafkaOptions(config.settings);
    this.admin = new Admin(this.options);
    this.topics = new KafkaTopics(this.admin, config.settings);
  }

  async publish(events: readonly IntegrationEvent[]): Promise<void> {
    try {
      await within(publishTimeoutMs(this.config.settings), 'Kafka', async (signal) => {
        await this.topics.ensure(events.map(({ type }) => topicOf(type)));
        // Nobody would know of what is sent after time is up.
        signal.throwIfAborted();
        this.producer ??= new Producer({ ...this.options, idempotent: true, serializers: stringSerializers });
        await this.producer.send({
          messages: events.map((event) => {
            const { body, headers } = toMessage(event);
            return { topic: topicOf(event.type), key: event.aggregateId, value: body, headers };
          }),
        });
      });
    } catch (error) {
      // What it still tries must not go on after what is published next.
      await this.dropProducer();
      this.topics.forget();
      throw error;
    }
  }

  async subscribe(group: ConsumerGroup, handle: EventHandler): Promise<Subscription> {
    const topics = topicsOf(group);
    await this.topics.ensure(topics);
    for (const topic of topics) await this.start(group.name, topic);
    const reader = new KafkaGroup(group, topics, this.options, this.logger);
    const loop = new PollingLoop(
      { name: `consume ${group.name}`, pollMs: SWEEP_MS, round: () => reader.consume(handle) },
      this.logger,
    );
    reader.onArrival = () => loop.wake();
    loop.start();
    return {
      stop: async (graceMs) => {
        await loop.stop(graceMs);
        await reader.close();
      },
    };
  }

  lag(group: ConsumerGroup): Promise<number> {
    return within(CONNECT_TIMEOUT_MS, 'Kafka', () =>
      this.topics.lag(KafkaGroup.idOf(group.name), topicsOf(group)),
    );
  }

  async check(): Promise<void> {
    await within(CONNECT_TIMEOUT_MS, 'Kafka', () => this.admin.listTopics());
  }

  async close(): Promise<void> {
    await this.dropProducer();
    await this.admin.close();
  }

  /**
   * Has a group begin at the end of a topic, once. Kafka forgets groups that were away for long: from then on such a
   * one begins with the oldest event that there is, and the inbox knows which are old.
   */
  private async start(consumer: string, topic: string): Promise<void> {
    const key = `${this.name}/${consumer}/${topic}`;
    if ((await this.positions.of(key)) !== undefined) return;
    await this.database.transaction(async () => {
      // Who comes second must not move on those who have begun.
      await this.database.lock('consumer', key);
      if ((await this.positions.of(key)) !== undefined) return;
      await this.topics.startAtEnd(KafkaGroup.idOf(consumer), topic);
      await this.positions.start(key, 0);
    });
  }

  private async dropProducer(): Promise<void> {
    const { producer } = this;
    this.producer = undefined;
    await producer?.close(true).catch(() => undefined);
  }
}

function topicsOf({ types }: ConsumerGroup): string[] {
  const wanted = types === 'all' ? registeredEvents().map(({ type }) => type) : types;
  return [...new Set(wanted.map(topicOf))];
}
