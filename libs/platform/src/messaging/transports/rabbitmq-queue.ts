import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import type { PinoLogger } from 'nestjs-pino';
import type { IntegrationEvent } from '../event.js';
import { within } from '../../resilience/index.js';
import { BATCH_SIZE, CONNECT_TIMEOUT_MS } from './bounds.js';
import { type ConsumerGroup, type EventHandler, isWanted } from './event-transport.js';
import { fromMessage } from './messages.js';

export const EXCHANGE = 'steelyard.events';

/** So many may have come and wait: while a batch is handled, the next one fills. */
const PREFETCH = 2 * BATCH_SIZE;

/** RabbitMQ 4 gives up a message after 20 deliveries; parking is ours to do. Before 4 there is no such number. */
const FIRST_MAJOR_WITH_DELIVERY_LIMIT = 4;

/** The queue of one consumer, and what has come from it to this process. */
export class RabbitmqQueue {
  /** Called whenever something has come. */
  onArrival: () => void = () => undefined;
  private readonly name: string;
  private channel: Channel | undefined;
  /** In the order of the queue; what is not acknowledged when the channel ends comes again, to whoever is next. */
  private arrived: ConsumeMessage[] = [];

  constructor(
    private readonly group: ConsumerGroup,
    private readonly connection: () => Promise<ChannelModel>,
    private readonly logger: PinoLogger,
  ) {
    this.name = queueOf(group);
  }

  /** Makes the queue where there is none, and has its events come. */
  async open(): Promise<Channel> {
    return (
      this.channel ?? (await within(CONNECT_TIMEOUT_MS, 'RabbitMQ', (signal) => this.consumeFrom(signal)))
    );
  }

  /** Handles what has come and acknowledges it; returns how much that was. */
  async consume(handle: EventHandler): Promise<number> {
    const channel = await this.open();
    const batch = this.arrived.slice(0, BATCH_SIZE);
    const last = batch.at(-1);
    if (!last) return 0;
    const events = batch.flatMap((message) => this.eventOf(message) ?? []);
    if (events.length > 0) await handle(events);
    // On another channel it would be the number of another message.
    if (this.channel !== channel) return 0;
    channel.ack(last, true);
    this.arrived.splice(0, batch.length);
    return batch.length;
  }

  /** How many messages wait in the queue, or have come to this process and are not acknowledged. */
  async lag(): Promise<number> {
    const waiting = await within(CONNECT_TIMEOUT_MS, 'RabbitMQ', async (signal) =>
      countWaiting(await this.connection(), this.name, signal),
    );
    return (waiting ?? 0) + this.arrived.length;
  }

  async close(): Promise<void> {
    const { channel } = this;
    this.channel = undefined;
    if (channel) await within(CONNECT_TIMEOUT_MS, 'RabbitMQ', () => end(channel)).catch(() => undefined);
  }

  private async consumeFrom(signal: AbortSignal): Promise<Channel> {
    const connection = await this.connection();
    const channel = await connection.createChannel();
    endOnAbort(signal, channel);
    channel.on('error', () => undefined);
    channel.on('close', () => this.forget(channel));
    const arrived: ConsumeMessage[] = [];
    try {
      await declareQueue(this.group, connection, channel, signal);
      await channel.prefetch(PREFETCH);
      await channel.consume(this.name, (message) => {
        // Nothing more comes when somebody deletes the queue: it is made again.
        if (message === null) this.forget(channel);
        else arrived.push(message);
        this.onArrival();
      });
      signal.throwIfAborted();
    } catch (error) {
      await end(channel);
      throw error;
    }
    this.channel = channel;
    this.arrived = arrived;
    return channel;
  }

  private forget(channel: Channel): void {
    if (this.channel === channel) {
      this.channel = undefined;
      this.arrived = [];
    }
    this.onArrival();
  }

  /** A queue stays bound to types that its consumer wanted once. */
  private eventOf(message: ConsumeMessage): IntegrationEvent | undefined {
    const event = fromMessage(message.content.toString());
    if (!event) this.logger.error({ queue: this.name }, 'A message in the queue is no event; it is left out');
    return event && isWanted(this.group, event) ? event : undefined;
  }
}

/** Makes the exchange and the queue of a group where there is none, and has the events that it wants go there. */
export async function declareQueue(
  group: ConsumerGroup,
  connection: ChannelModel,
  channel: Channel,
  signal: AbortSignal,
): Promise<void> {
  const name = queueOf(group);
  const waiting = await countWaiting(connection, name, signal);
  await channel.assertExchange(EXCHANGE, 'topic', { durable: true });
  // One that somebody has made otherwise stays as it is.
  if (waiting === undefined)
    await channel.assertQueue(name, {
      durable: true,
      arguments: queueArguments(connection.connection.serverProperties.version),
    });
  const bindings = group.types === 'all' ? ['#'] : group.types;
  for (const type of bindings) await channel.bindQueue(name, EXCHANGE, type);
}

function queueOf({ name }: ConsumerGroup): string {
  return `steelyard.${name}`;
}

/**
 * How many messages a queue has that no process has got; undefined where there is no such queue. It takes a channel of
 * its own: asking for a queue that is not there ends the channel.
 */
async function countWaiting(
  connection: ChannelModel,
  name: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  const channel = await connection.createChannel();
  endOnAbort(signal, channel);
  channel.on('error', () => undefined);
  try {
    const { messageCount } = await channel.checkQueue(name);
    await channel.close();
    return messageCount;
  } catch (error) {
    if ((error as { code?: number }).code === 404) return undefined;
    throw error;
  }
}

/** Whatever is still waited for on it fails when time is up. */
export function endOnAbort(signal: AbortSignal, link: Channel | ChannelModel): void {
  signal.addEventListener('abort', () => void end(link));
}

/** Closes it. One that has ended already says so by throwing. */
export async function end(link: Channel | ChannelModel): Promise<void> {
  try {
    await link.close();
  } catch {
    // It has.
  }
}

/** What a queue is made with by a server of this version, such as `4.1.2`. */
export function queueArguments(version: string): Record<string, unknown> {
  return {
    'x-queue-type': 'quorum',
    'x-single-active-consumer': true,
    ...(Number.parseInt(version, 10) >= FIRST_MAJOR_WITH_DELIVERY_LIMIT ? { 'x-delivery-limit': -1 } : {}),
  };
}
