import { Injectable } from '@nestjs/common';
import { Clock, newId } from '#kernel';
import { currentContext } from '../context/index.js';
import { Database, Notifications, statement } from '../database/index.js';
import { EVENTS_APPENDED } from './channels.js';
import type { EventDefinition, IntegrationEvent } from './event.js';

type Reaction = (event: IntegrationEvent) => Promise<void>;

/** A reader of events after their commit, brought at least once and applied exactly once. */
export interface Consumer {
  /** Stable: the inbox remembers by it which events were applied. */
  readonly name: string;
  /** What it is brought; `all` includes kinds that only a newer version of the publishing process knows. */
  readonly types: readonly string[] | 'all';
  readonly apply: (event: IntegrationEvent) => Promise<void>;
}

/** An event with the request that caused it: of one transaction, each may have another cause. */
type OutboxRow = IntegrationEvent & { readonly requestId: string };

/** Above this many, the events of one transaction (an import of a large file) would fill the memory. */
const MAX_BUFFERED_EVENTS = 1_000;

const appendToOutbox = statement(
  'messaging.append_to_outbox',
  `INSERT INTO platform.outbox (id, type, aggregate, aggregate_id, sequence, occurred_at, data, traceparent, request_id)
   SELECT * FROM json_to_recordset($1::json) AS event
     (id uuid, type text, aggregate text, "aggregateId" uuid, sequence bigint, "occurredAt" timestamptz, data jsonb,
      traceparent text, "requestId" text)`,
);

/**
 * Where modules say what happened and hear what happened elsewhere. An event is published inside the transaction of
 * its cause: reactions run at once in that transaction, and the event's outbox row commits with it, for consumers.
 */
@Injectable()
export class EventBus {
  private readonly reactions = new Map<string, Reaction[]>();
  private readonly registeredConsumers: Consumer[] = [];
  private readonly pending = new WeakMap<object, OutboxRow[]>();

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly notifications: Notifications,
  ) {}

  /** Records that `definition` happened to the aggregate and runs every reaction to it before it returns. */
  async publish<Data extends object>(
    definition: EventDefinition<Data>,
    happened: { aggregateId: string; sequence: number; data: Data },
  ): Promise<void> {
    const { traceparent, requestId } = currentContext();
    const event: IntegrationEvent<Data> = {
      id: newId(),
      type: definition.type,
      aggregate: definition.aggregate,
      occurredAt: this.clock.now(),
      traceparent,
      ...happened,
    };
    await this.bufferForOutbox({ ...event, requestId });
    for (const react of this.reactions.get(event.type) ?? []) await react(event);
  }

  /** Has `react` run inside the transaction of every event of this kind: what must change together with it. */
  onPublish<Data extends object>(
    definition: EventDefinition<Data>,
    react: (event: IntegrationEvent<Data>) => Promise<void>,
  ): void {
    const reactions = this.reactions.get(definition.type) ?? [];
    this.reactions.set(definition.type, [...reactions, react as Reaction]);
  }

  /** Has a consumer applied to its events after their commit, wherever consumers run: see `EventConsumers`. */
  consume(consumer: Consumer): void {
    this.registeredConsumers.push(consumer);
  }

  get consumers(): readonly Consumer[] {
    return this.registeredConsumers;
  }

  /** The events of a transaction leave just before it commits, in one statement; of very many, some leave before. */
  private async bufferForOutbox(event: OutboxRow): Promise<void> {
    const unit = this.database.unit;
    const buffered = this.pending.get(unit);
    if (!buffered) {
      const events = [event];
      this.pending.set(unit, events);
      this.database.beforeCommit(() => this.append(events));
      this.database.afterCommit(() => this.notifications.announce(EVENTS_APPENDED));
      return;
    }
    buffered.push(event);
    if (buffered.length >= MAX_BUFFERED_EVENTS) await this.append(buffered.splice(0));
  }

  private async append(events: readonly OutboxRow[]): Promise<void> {
    if (events.length === 0) return;
    await this.database.query(appendToOutbox, [JSON.stringify(events)]);
  }
}
