/** An event of `platform.outbox`, column by column. */
export const EVENT_COLUMNS = `id, type, aggregate, aggregate_id AS "aggregateId", sequence::int,
       occurred_at AS "occurredAt", traceparent, data`;

/** Under which name `platform.consumer_positions` holds how far the feed was pruned, as if somebody had read it away. */
export const PRUNED_UP_TO = 'feed.pruned';
