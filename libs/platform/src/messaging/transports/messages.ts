import { z } from 'zod';
import { fromCloudEvent, toCloudEvent } from '../cloud-event.js';
import type { IntegrationEvent } from '../event.js';

const CONTENT_TYPE = 'application/cloudevents+json; charset=UTF-8';
/** Of what PostgreSQL cannot keep, as JSON writes it. */
const NUL = '\\u0000';

/** What `toMessage` writes: everything that a reader relies on, and whatever else there is besides. */
const messageSchema = z.object({
  specversion: z.literal('1.0'),
  id: z.uuid(),
  source: z.string(),
  type: z.string().regex(/^steelyard\.[a-z_]+\.[a-z_]+\.v\d+$/),
  subject: z.uuid(),
  time: z.iso.datetime({ offset: true }),
  datacontenttype: z.literal('application/json'),
  sequence: z
    .string()
    .regex(/^[1-9]\d*$/)
    .refine((sequence) => Number.isSafeInteger(Number(sequence))),
  partitionkey: z.string(),
  traceparent: z.string().optional(),
  data: z.record(z.string(), z.unknown()),
});

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

/**
 * The event in the body of a message; undefined for what somebody else has put there. Whatever passes can be applied or
 * put aside: what cannot even be put aside would stop its consumer for good.
 */
export function fromMessage(body: string): IntegrationEvent | undefined {
  try {
    if (body.includes(NUL)) return undefined;
    const { traceparent, ...event } = messageSchema.parse(JSON.parse(body));
    return fromCloudEvent({ ...event, ...(traceparent ? { traceparent } : {}) });
  } catch {
    return undefined;
  }
}
