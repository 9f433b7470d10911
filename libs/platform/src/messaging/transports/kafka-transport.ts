import { Injectable } from '@nestjs/common';
import { Admin, type BaseOptions, Producer } from '@platformatic/kafka';
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
import { kafkaOptions, producerOptions } from './kafka-options.js';
import { GroupHasMembersError, KafkaTopics, topicOf } from './kafka-topics.js';
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
  private readonly groups = new Map<string, ConsumerGroup>();
  /** What groups are known to have begun, each with a topic. */
  private readonly begun = new Set<string>();
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

  async register(groups: readonly ConsumerGroup[]): Promise<void> {
    for (const group of groups) {
      this.groups.set(group.name, group);
      await this.begin(group.name, topicsOf(group)).catch((error: unknown) => {
        // The members of an older version hand over events as well: nobody must wait for their end.
        if (!(error instanceof GroupHasMembersError)) throw error;
      });
    }
  }

  async publish(events: readonly IntegrationEvent[]): Promise<void> {
    try {
      await within(publishTimeoutMs(this.config.settings), 'Kafka', async (signal) => {
        const topics = [...new Set(events.map(({ type }) => topicOf(type)))];
        // Of a kind that only a newer version knows: whoever wants all is to find it when it knows it, too.
        for (const { name, types } of this.groups.values()) {
          if (types === 'all') await this.begin(name, topics);
        }
        await this.topics.ensure(topics);
        // Nobody would know of what is sent after time is up.
        signal.throwIfAborted();
        this.producer ??= new Producer(producerOptions(this.config.settings));
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
    await this.register([group]);
    await this.begin(group.name, topics);
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
   * Has a group begin at the end of topics, once. Kafka forgets groups that were away for long: from then on such a
   * one begins with the oldest event that there is, and the inbox knows which are old.
   */
  private async begin(consumer: string, topics: readonly string[]): Promise<void> {
    for (const topic of topics) {
      const key = `${this.name}/${consumer}/${topic}`;
      if (this.begun.has(key)) continue;
      await this.database.transaction(async () => {
        // Who comes second must not move on those who have begun.
        await this.database.lock('consumer', key);
        if ((await this.positions.of(key)) !== undefined) return;
        await this.topics.startAtEnd(KafkaGroup.idOf(consumer), topic);
        await this.positions.start(key, 0);
      });
      this.begun.add(key);
    }
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
