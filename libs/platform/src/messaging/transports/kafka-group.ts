import {
  type BaseOptions,
  Consumer,
  type Message,
  type MessagesStream,
  stringDeserializers,
} from '@platformatic/kafka';
import type { PinoLogger } from 'nestjs-pino';
import type { IntegrationEvent } from '../event.js';
import { within } from '../../resilience/index.js';
import { BATCH_SIZE, CONNECT_TIMEOUT_MS } from './bounds.js';
import { type ConsumerGroup, type EventHandler, isWanted } from './event-transport.js';
import { fromMessage } from './messages.js';

/** A process that is not heard of for so long loses its partitions to the others. */
const SESSION_TIMEOUT_MS = 15_000;
const HEARTBEAT_MS = 3_000;
/** So long, those of a group may take to come together anew. */
const REBALANCE_TIMEOUT_MS = 20_000;
/** The brokers answer that there is nothing after so long. */
const MAX_WAIT_MS = 1_000;

type Arrival = Message<string, string, string, string>;

interface Membership {
  readonly consumer: Consumer<string, string, string, string>;
  readonly stream: MessagesStream<string, string, string, string>;
}

/** The part of one process in the group of a consumer. */
export class KafkaGroup {
  /** Called whenever something has come. */
  onArrival: () => void = () => undefined;
  private membership: Membership | undefined;
  /** Read from the stream, and not handled yet. */
  private batch: Arrival[] = [];

  constructor(
    private readonly group: ConsumerGroup,
    private readonly topics: readonly string[],
    private readonly options: BaseOptions,
    private readonly logger: PinoLogger,
  ) {}

  static idOf(consumer: string): string {
    return `steelyard.${consumer}`;
  }

  /**
   * Handles what has come and commits that; returns how much it was. Of a partition that has gone to another process
   * meanwhile, that one handles the same events, from those that are not committed on.
   */
  async consume(handle: EventHandler): Promise<number> {
    const membership = this.membership ?? (await this.join());
    while (this.batch.length < BATCH_SIZE) {
      const message = membership.stream.read() as Arrival | null;
      if (message === null) break;
      this.batch.push(message);
    }
    const { batch } = this;
    if (batch.length === 0) return 0;
    const events = batch.flatMap((message) => this.eventOf(message) ?? []);
    if (events.length > 0) await handle(events);
    // Who joins anew begins with what is not committed.
    if (this.membership !== membership) return 0;
    this.batch = [];
    await membership.consumer.commit({ offsets: offsetsBehind(batch) });
    return batch.length;
  }

  async close(): Promise<void> {
    const { membership } = this;
    this.membership = undefined;
    if (membership) await leave(membership);
  }

  private async join(): Promise<Membership> {
    const consumer = new Consumer({
      ...this.options,
      groupId: KafkaGroup.idOf(this.group.name),
      deserializers: stringDeserializers,
      autocommit: false,
      sessionTimeout: SESSION_TIMEOUT_MS,
      heartbeatInterval: HEARTBEAT_MS,
      rebalanceTimeout: REBALANCE_TIMEOUT_MS,
      maxWaitTime: MAX_WAIT_MS,
      highWaterMark: BATCH_SIZE,
    });
    const forget = () => this.forget(consumer);
    consumer.on('error', forget);
    consumer.on('consumer:heartbeat:stalled', forget);
    try {
      const stream = await consumer.consume({
        topics: [...this.topics],
        mode: 'committed',
        fallbackMode: 'earliest',
      });
      stream.on('error', forget);
      stream.on('readable', () => this.onArrival());
      this.membership = { consumer, stream };
      this.batch = [];
      return this.membership;
    } catch (error) {
      void consumer.close(true).catch(() => undefined);
      throw error;
    }
  }

  /** What is of no use any more is left behind, and the next round joins anew. */
  private forget(consumer: Membership['consumer']): void {
    const { membership } = this;
    if (membership?.consumer !== consumer) return;
    this.membership = undefined;
    this.batch = [];
    void leave(membership);
    this.onArrival();
  }

  private eventOf(message: Arrival): IntegrationEvent | undefined {
    const event = fromMessage(message.value);
    const { topic, partition, offset } = message;
    if (!event) {
      const where = { topic, partition, offset: String(offset) };
      this.logger.error(where, 'A message in the topic is no event; it is left out');
    }
    return event && isWanted(this.group, event) ? event : undefined;
  }
}

/** Where the next event of each partition would be. */
function offsetsBehind(batch: readonly Arrival[]) {
  const last = new Map(batch.map((message) => [`${message.topic}/${message.partition}`, message]));
  return [...last.values()].map(({ topic, partition, offset, leaderEpoch }) => ({
    topic,
    partition,
    offset: offset + 1n,
    leaderEpoch,
  }));
}

/** Tells the others, where that is possible, so that they need not wait until it is missed. */
async function leave({ consumer }: Membership): Promise<void> {
  await within(CONNECT_TIMEOUT_MS, 'Kafka', () => consumer.close(true)).catch(() => undefined);
}
