import type { IntegrationEvent } from './event.js';

/** Who publishes. A URI reference, as CloudEvents wants it. */
const EVENT_SOURCE = '/steelyard';

/** An event as others see it: CloudEvents 1.0 in its JSON form, with the extensions that order and trace it. */
export interface CloudEvent {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: string;
  /** The id of the aggregate; its kind is the second word of the type. Aggregates of two kinds may share an id. */
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: 'application/json';
  /** Counts the events of the aggregate from 1; decimal digits, as the extension is defined. */
  readonly sequence: string;
  /** `<aggregate>/<id>`: of events with the same key, `sequence` is the order. A product and its stock share an id. */
  readonly partitionkey: string;
  readonly traceparent?: string;
  readonly data: object;
}

/** The event as others see it, which is also how a transport carries it. `fromCloudEvent` reads it again. */
export function toCloudEvent(event: IntegrationEvent): CloudEvent {
  return {
    specversion: '1.0',
    id: event.id,
    source: EVENT_SOURCE,
    type: event.type,
    subject: event.aggregateId,
    time: event.occurredAt.toISOString(),
    datacontenttype: 'application/json',
    sequence: String(event.sequence),
    partitionkey: `${event.aggregate}/${event.aggregateId}`,
    ...(event.traceparent ? { traceparent: event.traceparent } : {}),
    data: event.data,
  };
}

/** The event in what a transport brought. It is one of our own: the transport is no border of trust. */
export function fromCloudEvent(event: CloudEvent): IntegrationEvent {
  const [, aggregate = ''] = event.type.split('.');
  return {
    id: event.id,
    type: event.type,
    aggregate,
    aggregateId: event.subject,
    sequence: Number(event.sequence),
    occurredAt: new Date(event.time),
    traceparent: event.traceparent,
    data: event.data,
  };
}
