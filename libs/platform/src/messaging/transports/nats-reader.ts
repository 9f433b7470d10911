import {
  AckPolicy,
  type Consumer,
  DeliverPolicy,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
} from '@nats-io/jetstream';
import { nanos, type NatsConnection } from '@nats-io/transport-node';
import type { PinoLogger } from 'nestjs-pino';
import type { Database } from '../../database/index.js';
import type { IntegrationEvent } from '../event.js';
import { within } from '../../resilience/index.js';
import { BATCH_SIZE, CONNECT_TIMEOUT_MS } from './bounds.js';
import type { ConsumerPositions } from './consumer-positions.js';
import { type ConsumerGroup, type EventHandler, isWanted } from './event-transport.js';
import { fromMessage } from './messages.js';

export const STREAM = 'STEELYARD';

/** The server forgets a cursor that has asked for nothing for so long; then there is another. */
const CURSOR_LIFE_MS = 60_000;
/** One that only counts is not needed for longer. */
const COUNT_LIFE_MS = 10_000;
/** Longest wait for events that are there. */
const FETCH_TIMEOUT_MS = 5_000;

/** A connection with the stream that it leads to. */
export interface NatsLink {
  readonly connection: NatsConnection;
  readonly stream: JetStreamClient;
  readonly manager: JetStreamManager;
  /** Of the stream: one that somebody has made anew counts from 1 again. */
  readonly madeAt: number;
  /** Groups of which it is known that they have begun. */
  readonly registered: Set<string>;
}

/** Where the server stands in the stream on behalf of one process. */
interface Cursor {
  readonly link: NatsLink;
  readonly events: Consumer;
  /** What came last, as the stream counts. */
  position: number;
  /** How many came, as the server counts. */
  delivered: number;
}

/**
 * What one process reads of the stream for a consumer. How far the consumer has read is in PostgreSQL, and whoever has
 * that row is the one who reads; what the server remembers is only a cursor that lasts as long as the process goes on.
 */
export class NatsReader {
  private cursor: Cursor | undefined;

  constructor(
    private readonly group: ConsumerGroup,
    private readonly link: () => Promise<NatsLink>,
    private readonly database: Database,
    private readonly positions: ConsumerPositions,
    private readonly logger: PinoLogger,
  ) {}

  /**
   * Has the consumer begin behind what is in the stream, once. In a stream that was made anew after it had begun, it
   * begins with the oldest: nobody can say any more what it has missed.
   */
  async begin(): Promise<void> {
    const link = await this.link();
    const { name } = this.group;
    if (link.registered.has(name)) return;
    const { state } = await link.manager.streams.info(STREAM);
    await this.database.transaction(async () => {
      const isNew = await this.positions.start(`nats/${name}`, 0);
      const isHere = await this.positions.start(this.placeIn(link), isNew ? state.last_seq : 0);
      if (isHere && !isNew) {
        this.logger.error(
          { consumer: name, stream: STREAM },
          'The stream is another one; a consumer may have missed what was in the one before',
        );
      }
    });
    link.registered.add(name);
  }

  /** Handles the next events and moves on; returns how many came. What they change commits apart, before that. */
  consume(handle: EventHandler): Promise<number> {
    return this.database.transaction(async () => {
      const link = await this.link();
      const place = this.placeIn(link);
      const position = await this.positions.lock(place);
      if (position === undefined) return 0;
      try {
        const cursor = await this.cursorAt(link, position);
        this.cursor = cursor;
        const messages = await nextMessages(cursor);
        if (messages.length === 0) return 0;
        const events = messages.flatMap((message) => this.eventOf(message) ?? []);
        if (events.length > 0) await handle(events);
        await this.positions.moveTo(place, cursor.position);
        return messages.length;
      } catch (error) {
        // It stands behind events that are not handled: the next one begins at the position that is written down.
        void this.close();
        throw error;
      }
    });
  }

  /** How many messages that are for the consumer it has still to read. */
  async lag(): Promise<number> {
    const link = await this.link();
    const position = await this.positions.of(this.placeIn(link));
    if (position === undefined) return 0;
    return within(CONNECT_TIMEOUT_MS, 'NATS', async () => {
      const { events } = await this.newCursor(link, position, COUNT_LIFE_MS);
      const { num_pending: pending } = await events.info();
      await events.delete();
      return pending;
    });
  }

  /** Tells the server, where that is possible, that nobody reads on from here. */
  async close(): Promise<void> {
    const { cursor } = this;
    this.cursor = undefined;
    await cursor?.events.delete().catch(() => undefined);
  }

  /** Under which it is written down how far the consumer has read this very stream. */
  private placeIn({ madeAt }: NatsLink): string {
    return `nats/${this.group.name}/${madeAt}`;
  }

  /** The cursor that there is, where it stands at this position on a connection that lives; else a new one. */
  private async cursorAt(link: NatsLink, position: number): Promise<Cursor> {
    const { cursor } = this;
    if (cursor?.link === link && cursor.position === position) return cursor;
    const { state } = await link.manager.streams.info(STREAM);
    if (state.first_seq > position + 1 && position > 0) {
      this.logger.error(
        { consumer: this.group.name, position, first: state.first_seq },
        'NATS has dropped events before a consumer has read them; it goes on with those that are left',
      );
    }
    return this.newCursor(link, position, CURSOR_LIFE_MS);
  }

  private async newCursor(link: NatsLink, position: number, lifeMs: number): Promise<Cursor> {
    const { types } = this.group;
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
    return event && isWanted(this.group, event) ? event : undefined;
  }
}

/** Up to a batch of what the stream has behind a cursor, which it moves on; empty when there is nothing. */
async function nextMessages(cursor: Cursor): Promise<JsMsg[]> {
  const { num_pending: pending } = await cursor.events.info();
  if (pending === 0) return [];
  const count = Math.min(pending, BATCH_SIZE);
  const messages: JsMsg[] = [];
  const fetched = await cursor.events.fetch({ max_messages: count, expires: FETCH_TIMEOUT_MS });
  for await (const message of fetched) {
    cursor.delivered += 1;
    if (message.info.deliverySequence !== cursor.delivered)
      throw new Error('Messages were lost on their way.');
    messages.push(message);
    cursor.position = message.seq;
  }
  return messages;
}

function isOlderThan210({ info }: NatsConnection): boolean {
  const [major = 0, minor = 0] = (info?.version ?? '').split('.').map(Number);
  return major < 2 || (major === 2 && minor < 10);
}
