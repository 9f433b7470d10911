import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream';
import type { Consumer, JetStreamClient, JetStreamManager, JsMsg, StreamInfo } from '@nats-io/jetstream';
import { connect, headers, nanos, type NatsConnection } from '@nats-io/transport-node';
import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Config } from '../../config/index.js';
import { Database, Notifications } from '../../database/index.js';
import { PollingLoop } from '../../jobs/index.js';
import { EVENTS_PUBLISHED } from '../channels.js';
import type { IntegrationEvent } from '../event.js';
import { within } from '../../resilience/index.js';
import { BATCH_SIZE, CONNECT_TIMEOUT_MS, publishTimeoutMs, SWEEP_MS } from './bounds.js';
import { ConsumerPositions } from './consumer-positions.js';
import {
  type ConsumerGroup,
  type EventHandler,
  EventTransport,
  type Subscription,
  isWanted,
} from './event-transport.js';
import { LazyConnection } from './lazy-connection.js';
import { fromMessage, toMessage } from './messages.js';
import { natsOptions } from './nats-options.js';

const STREAM = 'STEELYARD';
/** The type of an event is its subject. */
const SUBJECTS = 'steelyard.>';
const DAY_MS = 86_400_000;
/** For so long, an event that is handed over again is not kept again. */
const DUPLICATE_WINDOW_MS = 120_000;
/** The server forgets a reader that has asked for nothing for so long; then there is another. */
const READER_LIFE_MS = 60_000;
/** One that only counts is not needed for longer. */
const COUNT_LIFE_MS = 10_000;
/** Longest wait for events that are there. */
const FETCH_TIMEOUT_MS = 5_000;

interface Link {
  readonly connection: NatsConnection;
  readonly stream: JetStreamClient;
  readonly manager: JetStreamManager;
  /** Of the stream: one that somebody has made anew counts from 1 again. */
  readonly madeAt: number;
  /** Groups of which it is known that they have begun. */
  readonly registered: Set<string>;
}

/** Where one process stands in the stream on behalf of a consumer. */
interface Reader {
  readonly link: Link;
  readonly events: Consumer;
  /** What came last, as the stream counts. */
  position: number;
  /** How many came, as the server counts. */
  delivered: number;
}

/**
 * Events through NATS JetStream: one stream, of which each consumer remembers in PostgreSQL how far it has read. One
 * process at a time reads for a consumer, in the order of the stream, and the next takes over as soon as it is gone.
 */
@Injectable()
export class NatsTransport extends EventTransport {
  readonly name = 'nats';
  private readonly link: LazyConnection<Link>;

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
    const link = await this.link.get();
    for (const group of groups) {
      if (link.registered.has(group.name)) continue;
      await this.begin(link, group);
      link.registered.add(group.name);
    }
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
    const { name } = group;
    await this.register([group]);
    const reading: { reader: Reader | undefined } = { reader: undefined };
    const loop = new PollingLoop(
      {
        name: `consume ${name}`,
        pollMs: SWEEP_MS,
        round: () => this.consume(group, reading, handle),
      },
      this.logger,
    );
    const stopListening = this.notifications.listen(EVENTS_PUBLISHED, () => loop.wake());
    loop.start();
    return {
      stop: async (graceMs) => {
        stopListening();
        await loop.stop(graceMs);
        await reading.reader?.events.delete().catch(() => undefined);
      },
    };
  }

  async lag(group: ConsumerGroup): Promise<number> {
    const link = await this.link.get();
    const position = await this.positions.of(placeOf(link, group));
    if (position === undefined) return 0;
    return within(CONNECT_TIMEOUT_MS, 'NATS', async () => {
      const { events } = await this.newReader(link, position, group, COUNT_LIFE_MS);
      const { num_pending: pending } = await events.info();
      await events.delete();
      return pending;
    });
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

  /**
   * Has a group begin behind what is in the stream. In a stream that was made anew after it had begun, it begins with
   * the oldest: nobody can say any more what it has missed.
   */
  private async begin(link: Link, group: ConsumerGroup): Promise<void> {
    const { state } = await link.manager.streams.info(STREAM);
    await this.database.transaction(async () => {
      const isNew = await this.positions.start(`${this.name}/${group.name}`, 0);
      const isHere = await this.positions.start(placeOf(link, group), isNew ? state.last_seq : 0);
      if (isHere && !isNew) {
        this.logger.error(
          { consumer: group.name, stream: STREAM },
          'The stream is another one; a consumer may have missed what was in the one before',
        );
      }
    });
  }

  private async open(lost: () => void): Promise<Link> {
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
    const manager = await jetstreamManager(connection);
    const { created } = await this.ensureStream(manager);
    return {
      connection,
      manager,
      stream: jetstream(connection),
      madeAt: new Date(created).getTime(),
      registered: new Set(),
    };
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

  /** Handles the next events and moves on. What they change commits apart, before that. */
  private consume(
    group: ConsumerGroup,
    reading: { reader: Reader | undefined },
    handle: EventHandler,
  ): Promise<number> {
    return this.database.transaction(async () => {
      const link = await this.link.get();
      const place = placeOf(link, group);
      const position = await this.positions.lock(place);
      if (position === undefined) return 0;
      try {
        const reader = await this.readerAt(link, position, group, reading.reader);
        reading.reader = reader;
        const read = await nextMessages(reader);
        if (read.length === 0) return 0;
        const events = read.flatMap((message) => this.eventOf(message) ?? []);
        const own = events.filter((event) => isWanted(group, event));
        if (own.length > 0) await handle(own);
        await this.positions.moveTo(place, reader.position);
        return read.length;
      } catch (error) {
        // It may stand behind events that are not handled: the next one begins at the position that is written down.
        void reading.reader?.events.delete().catch(() => undefined);
        reading.reader = undefined;
        throw error;
      }
    });
  }

  /** The reader that there is, where it stands at this position on a connection that lives; else a new one. */
  private async readerAt(
    link: Link,
    position: number,
    group: ConsumerGroup,
    reader: Reader | undefined,
  ): Promise<Reader> {
    if (reader?.link === link && reader.position === position) return reader;
    const { state } = await link.manager.streams.info(STREAM);
    if (state.first_seq > position + 1 && position > 0) {
      this.logger.error(
        { consumer: group.name, position, first: state.first_seq },
        'NATS has dropped events before a consumer has read them; it goes on with those that are left',
      );
    }
    return this.newReader(link, position, group, READER_LIFE_MS);
  }

  private async newReader(
    link: Link,
    position: number,
    { types }: ConsumerGroup,
    lifeMs: number,
  ): Promise<Reader> {
    const { name } = await link.manager.consumers.add(STREAM, {
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: position + 1,
      // Servers before 2.10 know one filter and no more.
      ...(types === 'all' || isOlderThan210(link.connection) ? {} : { filter_subjects: [...types] }),
      inactive_threshold: nanos(lifeMs),
      mem_storage: true,
      num_replicas: 1,
    });
    return {
      link,
      events: await link.stream.consumers.get(STREAM, name),
      position,
      delivered: 0,
    };
  }

  private eventOf(message: JsMsg): IntegrationEvent | undefined {
    const event = fromMessage(message.string());
    if (!event)
      this.logger.error({ sequence: message.seq }, 'A message in the stream is no event; it is left out');
    return event;
  }
}

/** Under which it is written down how far a group has read this very stream. */
function placeOf({ madeAt }: Link, { name }: ConsumerGroup): string {
  return `nats/${name}/${madeAt}`;
}

/** Up to a batch of what the stream has for a reader; empty when there is nothing. */
async function nextMessages(reader: Reader): Promise<JsMsg[]> {
  const { num_pending: pending } = await reader.events.info();
  if (pending === 0) return [];
  const count = Math.min(pending, BATCH_SIZE);
  const messages: JsMsg[] = [];
  const fetched = await reader.events.fetch({ max_messages: count, expires: FETCH_TIMEOUT_MS });
  for await (const message of fetched) {
    reader.delivered += 1;
    if (message.info.deliverySequence !== reader.delivered)
      throw new Error('Messages were lost on their way.');
    messages.push(message);
  }
  reader.position = messages.at(-1)?.seq ?? reader.position;
  return messages;
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

function isOlderThan210({ info }: NatsConnection): boolean {
  const [major = 0, minor = 0] = (info?.version ?? '').split('.').map(Number);
  return major < 2 || (major === 2 && minor < 10);
}
