import {
  jetstream,
  type JetStreamClient,
  type JetStreamManager,
  jetstreamManager,
  StorageType,
  type StreamInfo,
} from '@nats-io/jetstream';
import { connect, headers, nanos } from '@nats-io/transport-node';
import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Config } from '../../config/index.js';
import { Database, Notifications } from '../../database/index.js';
import { PollingLoop } from '../../jobs/index.js';
import { EVENTS_PUBLISHED } from '../channels.js';
import type { IntegrationEvent } from '../event.js';
import { within } from '../../resilience/index.js';
import { CONNECT_TIMEOUT_MS, publishTimeoutMs, SWEEP_MS } from './bounds.js';
import { ConsumerPositions } from './consumer-positions.js';
import {
  type ConsumerGroup,
  type EventHandler,
  EventTransport,
  type Subscription,
} from './event-transport.js';
import { LazyConnection } from './lazy-connection.js';
import { toMessage } from './messages.js';
import { natsOptions } from './nats-options.js';
import { type NatsLink, NatsReader, STREAM } from './nats-reader.js';

/** The type of an event is its subject. */
const SUBJECTS = 'steelyard.>';
const DAY_MS = 86_400_000;
/** For so long, an event that is handed over again is not kept again. */
const DUPLICATE_WINDOW_MS = 120_000;

/**
 * Events through NATS JetStream: one stream, of which each consumer remembers in PostgreSQL how far it has read. One
 * process at a time reads for a consumer, in the order of the stream, and the next takes over as soon as it is gone.
 */
@Injectable()
export class NatsTransport extends EventTransport {
  readonly name = 'nats';
  private readonly link: LazyConnection<NatsLink>;

  constructor(
    private readonly config: Config,
    private readonly database: Database,
    private readonly positions: ConsumerPositions,
    private readonly notifications: Notifications,
    private readonly logger: PinoLogger,
  ) {
    super();
    this.link = new LazyConnection(
      'NATS',
      (lost) => this.open(lost),
      ({ connection }) => connection.close(),
    );
  }

  async register(groups: readonly ConsumerGroup[]): Promise<void> {
    for (const group of groups) await this.readerOf(group).begin();
  }

  async publish(events: readonly IntegrationEvent[]): Promise<void> {
    const timeoutMs = publishTimeoutMs(this.config.settings);
    try {
      await within(timeoutMs, 'NATS', async (signal) => {
        const { stream } = await this.link.get();
        // Of an aggregate, the next event is sent when the one before is kept: a gap would be filled too late.
        for (const wave of inWaves(events)) {
          signal.throwIfAborted();
          await Promise.all(wave.map((event) => send(stream, event, timeoutMs)));
        }
      });
    } catch (error) {
      // What is wrong may be mended by whoever connects anew: a stream that is not there any more is made again.
      await this.link.drop();
      throw error;
    }
  }

  async subscribe(group: ConsumerGroup, handle: EventHandler): Promise<Subscription> {
    const reader = this.readerOf(group);
    await reader.begin();
    const loop = new PollingLoop(
      { name: `consume ${group.name}`, pollMs: SWEEP_MS, round: () => reader.consume(handle) },
      this.logger,
    );
    const stopListening = this.notifications.listen(EVENTS_PUBLISHED, () => loop.wake());
    loop.start();
    return {
      stop: async (graceMs) => {
        stopListening();
        await loop.stop(graceMs);
        await reader.close();
      },
    };
  }

  lag(group: ConsumerGroup): Promise<number> {
    return this.readerOf(group).lag();
  }

  async check(): Promise<void> {
    await within(CONNECT_TIMEOUT_MS, 'NATS', async () => {
      const { connection } = await this.link.get();
      await connection.rtt();
    });
  }

  close(): Promise<void> {
    return this.link.close();
  }

  private readerOf(group: ConsumerGroup): NatsReader {
    return new NatsReader(group, () => this.link.get(), this.database, this.positions, this.logger);
  }

  private async open(lost: () => void): Promise<NatsLink> {
    // Whoever needs it connects anew: what the client would keep for later, the outbox keeps better.
    const connection = await connect({
      ...natsOptions(this.config.settings.NATS_URL ?? []),
      name: 'steelyard',
      reconnect: false,
      timeout: CONNECT_TIMEOUT_MS,
      pingInterval: CONNECT_TIMEOUT_MS,
      maxPingOut: 2,
    });
    void connection.closed().then(lost);
    try {
      const manager = await jetstreamManager(connection);
      const { created } = await this.ensureStream(manager);
      return {
        connection,
        manager,
        stream: jetstream(connection),
        madeAt: new Date(created).getTime(),
        registered: new Set(),
      };
    } catch (error) {
      // No JetStream, or no room for a stream: each try would leave one more connection behind.
      await connection.close();
      throw error;
    }
  }

  /** Makes the stream where there is none. One that somebody has made otherwise stays as it is. */
  private async ensureStream(manager: JetStreamManager): Promise<StreamInfo> {
    try {
      return await manager.streams.info(STREAM);
    } catch {
      return manager.streams.add({
        name: STREAM,
        subjects: [SUBJECTS],
        storage: StorageType.File,
        max_age: nanos(this.config.settings.EVENTS_RETENTION_DAYS * DAY_MS),
        duplicate_window: nanos(DUPLICATE_WINDOW_MS),
      });
    }
  }
}

async function send(stream: JetStreamClient, event: IntegrationEvent, timeoutMs: number): Promise<void> {
  const message = toMessage(event);
  const fields = headers();
  for (const [name, value] of Object.entries(message.headers)) fields.set(name, value);
  await stream.publish(event.type, message.body, { msgID: event.id, headers: fields, timeout: timeoutMs });
}

/** The events in groups, each with no more than one of an aggregate, that keep the order of each aggregate. */
function inWaves(events: readonly IntegrationEvent[]): IntegrationEvent[][] {
  const waves: IntegrationEvent[][] = [];
  const counts = new Map<string, number>();
  for (const event of events) {
    const wave = counts.get(event.aggregateId) ?? 0;
    counts.set(event.aggregateId, wave + 1);
    (waves[wave] ??= []).push(event);
  }
  return waves;
}
