import { Injectable } from '@nestjs/common';
import { type ChannelModel, connect, type ConfirmChannel } from 'amqplib';
import { PinoLogger } from 'nestjs-pino';
import { Config } from '../../config/index.js';
import { PollingLoop } from '../../jobs/index.js';
import type { IntegrationEvent } from '../event.js';
import { within } from '../../resilience/index.js';
import { CONNECT_TIMEOUT_MS, publishTimeoutMs, SWEEP_MS } from './bounds.js';
import {
  type ConsumerGroup,
  type EventHandler,
  EventTransport,
  isWanted,
  type Subscription,
} from './event-transport.js';
import { LazyConnection } from './lazy-connection.js';
import { toMessage } from './messages.js';
import { declareQueue, end, endOnAbort, EXCHANGE, RabbitmqQueue } from './rabbitmq-queue.js';

/** A connection on which nothing comes for about twice as long is dead. */
const HEARTBEAT_SECONDS = 5;

interface Outlet {
  readonly connection: ChannelModel;
  readonly channel: ConfirmChannel;
  /** Types of events that no queue has taken. */
  readonly returned: Set<string>;
}

/**
 * Events through RabbitMQ: a topic exchange, and for each consumer a quorum queue of which one process at a time is
 * given the events, in their order. The broker hands over to the next process as soon as that one is gone.
 */
@Injectable()
export class RabbitmqTransport extends EventTransport {
  readonly name = 'rabbitmq';
  /** Apart from each other: while RabbitMQ is short of memory it stops listening to connections that publish. */
  private readonly outlet: LazyConnection<Outlet>;
  private readonly inlet: LazyConnection<ChannelModel>;
  /** Those of the groups that this process reads for. */
  private readonly queues = new Map<string, RabbitmqQueue>();
  /** Those that have a queue, whoever reads for them. */
  private readonly groups = new Map<string, ConsumerGroup>();

  constructor(
    private readonly config: Config,
    private readonly logger: PinoLogger,
  ) {
    super();
    this.outlet = new LazyConnection(
      'RabbitMQ',
      (lost, signal) => this.openOutlet(lost, signal),
      ({ connection }) => connection.close(),
    );
    this.inlet = new LazyConnection(
      'RabbitMQ',
      (lost) => this.connect(lost),
      (connection) => connection.close(),
    );
  }

  async register(groups: readonly ConsumerGroup[]): Promise<void> {
    const unknown = groups.filter(({ name }) => !this.groups.has(name));
    for (const group of unknown) this.groups.set(group.name, group);
    // Whatever opens anew has their queues made.
    if (unknown.length > 0) await this.outlet.drop();
    await this.outlet.get();
  }

  async publish(events: readonly IntegrationEvent[]): Promise<void> {
    try {
      await within(publishTimeoutMs(this.config.settings), 'RabbitMQ', async () => {
        const { channel, returned } = await this.outlet.get();
        for (const event of events) {
          const { body, headers } = toMessage(event);
          channel.publish(EXCHANGE, event.type, Buffer.from(body), {
            persistent: true,
            mandatory: true,
            messageId: event.id,
            type: event.type,
            contentType: headers['content-type'],
            timestamp: Math.floor(event.occurredAt.getTime() / 1_000),
            headers,
          });
        }
        await channel.waitForConfirms();
        const lost = events.find((event) => returned.has(event.type) && this.isForSomebody(event));
        if (lost) throw new Error(`No queue takes ${lost.type}, though there was one.`);
      });
    } catch (error) {
      // What is still under way on this channel must not come after what is published next.
      await this.outlet.drop();
      throw error;
    }
  }

  async subscribe(group: ConsumerGroup, handle: EventHandler): Promise<Subscription> {
    await this.register([group]);
    const queue = this.queueOf(group);
    this.queues.set(group.name, queue);
    const loop = new PollingLoop(
      { name: `consume ${group.name}`, pollMs: SWEEP_MS, round: () => queue.consume(handle) },
      this.logger,
    );
    queue.onArrival = () => loop.wake();
    await queue.open();
    loop.start();
    return {
      stop: async (graceMs) => {
        await loop.stop(graceMs);
        this.queues.delete(group.name);
        await queue.close();
      },
    };
  }

  /** What has come to another process, and is not acknowledged, is known there only. */
  lag(group: ConsumerGroup): Promise<number> {
    return (this.queues.get(group.name) ?? this.queueOf(group)).lag();
  }

  async check(): Promise<void> {
    // Heartbeats find out when it is gone.
    await within(CONNECT_TIMEOUT_MS, 'RabbitMQ', () => this.outlet.get());
  }

  async close(): Promise<void> {
    await Promise.all([this.outlet.close(), this.inlet.close()]);
  }

  private queueOf(group: ConsumerGroup): RabbitmqQueue {
    return new RabbitmqQueue(group, () => this.inlet.get(), this.logger);
  }

  private async openOutlet(lost: () => void, signal: AbortSignal): Promise<Outlet> {
    const connection = await this.connect(lost);
    endOnAbort(signal, connection);
    try {
      const channel = await connection.createConfirmChannel();
      channel.on('error', () => undefined);
      channel.on('close', () => {
        lost();
        // The broker ends a channel alone when it refuses something.
        void end(connection);
      });
      await channel.assertExchange(EXCHANGE, 'topic', { durable: true });
      for (const group of this.groups.values()) await declareQueue(group, connection, channel, signal);
      const returned = new Set<string>();
      channel.on('return', ({ fields }: { fields: { routingKey: string } }) =>
        returned.add(fields.routingKey),
      );
      return { connection, channel, returned };
    } catch (error) {
      await end(connection);
      throw error;
    }
  }

  private isForSomebody(event: IntegrationEvent): boolean {
    return [...this.groups.values()].some((group) => isWanted(group, event));
  }

  private async connect(lost: () => void): Promise<ChannelModel> {
    const url = new URL(this.config.settings.RABBITMQ_URL ?? '');
    url.searchParams.set('heartbeat', String(HEARTBEAT_SECONDS));
    const connection = await connect(url.href, {
      timeout: CONNECT_TIMEOUT_MS,
      clientProperties: { connection_name: 'steelyard' },
    });
    // Whoever uses it is told by what fails.
    connection.on('error', () => undefined);
    connection.on('close', lost);
    return connection;
  }
}
