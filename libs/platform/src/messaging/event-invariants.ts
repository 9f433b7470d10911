import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Database, statement } from '../database/index.js';
import { type Breach, breachesBy, changesById, Invariants } from '../invariants/index.js';

/** How long an event may wait for its delivery. */
const UNPUBLISHED_BOUND_MS = 5 * 60_000;

const newEvents = statement(
  'messaging.new_events',
  `SELECT id::text AS subject, coalesce(uuid_extract_timestamp(id), occurred_at) AS at, id
     FROM platform.outbox WHERE id > $1 ORDER BY id LIMIT $2`,
);
// Events at the beginning of an aggregate may have been pruned; behind the first that is kept nothing is missing.
const eventsAfterAGap = statement(
  'messaging.events_after_a_gap',
  `SELECT e.id AS subject, json_build_object('aggregate', e.aggregate, 'aggregateId', e.aggregate_id,
            'sequence', e.sequence) AS details
     FROM platform.outbox e
    WHERE e.id = ANY($1::uuid[])
      AND NOT EXISTS (SELECT FROM platform.outbox before WHERE before.aggregate = e.aggregate
            AND before.aggregate_id = e.aggregate_id AND before.sequence = e.sequence - 1)
      AND EXISTS (SELECT FROM platform.outbox earlier WHERE earlier.aggregate = e.aggregate
            AND earlier.aggregate_id = e.aggregate_id AND earlier.sequence < e.sequence)`,
);
const unpublishedForLong = statement(
  'messaging.unpublished_for_long',
  `SELECT id AS subject, json_build_object('type', type, 'aggregateId', aggregate_id, 'occurredAt', occurred_at)
            AS details
     FROM platform.outbox
    WHERE published_at IS NULL AND occurred_at < now() - $2 * interval '1 millisecond'
    ORDER BY position LIMIT $1`,
);

/** What the outbox promises, as long as its events are kept. */
@Injectable()
export class EventInvariants implements OnModuleInit {
  constructor(
    private readonly invariants: Invariants,
    private readonly database: Database,
  ) {}

  onModuleInit(): void {
    this.invariants.register(
      {
        id: 'events_without_gap',
        invariant: 10,
        title: 'The events of an aggregate are numbered without a gap',
        changed: changesById(this.database, newEvents),
        examine: breachesBy(this.database, eventsAfterAGap),
      },
      {
        id: 'events_published',
        invariant: 11,
        title: 'No event waits for its delivery for longer than five minutes',
        survey: async ({ limit }) => ({
          breaches: await this.database.query<Breach>(unpublishedForLong, [limit, UNPUBLISHED_BOUND_MS]),
          isComplete: true,
        }),
      },
    );
  }
}
