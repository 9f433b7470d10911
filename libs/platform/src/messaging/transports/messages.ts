import { type CloudEvent, fromCloudEvent, toCloudEvent } from '../cloud-event.js';
import type { IntegrationEvent } from '../event.js';

const CONTENT_TYPE = 'application/cloudevents+json; charset=UTF-8';

/** An event as brokers carry it: the CloudEvent as JSON, and what a reader wants to know before it parses that. */
export function toMessage(event: IntegrationEvent): { body: string; headers: Record<string, string> } {
  return {
    body: JSON.stringify(toCloudEvent(event)),
    headers: {
      'content-type': CONTENT_TYPE,
      ce_id: event.id,
      ce_type: event.type,
      ...(event.traceparent ? { traceparent: event.traceparent } : {}),
    },
  };
}

/** The event in the body of a message; undefined for what somebody else has put there. */
export function fromMessage(body: string): IntegrationEvent | undefined {
  try {
    const event = JSON.parse(body) as Partial<CloudEvent> | null;
    const isEvent = event?.specversion === '1.0' && [event.id, event.type, event.subject].every(isText);
    return isEvent ? fromCloudEvent(event as CloudEvent) : undefined;
  } catch {
    return undefined;
  }
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
