import { z } from 'zod';

const MAX_TOKEN_LENGTH = 200;

/** A version that a reader has seen. An EventSource that has seen none says nothing, or an empty text. */
const versionSchema = z
  .string()
  .regex(/^\d{0,9}$/, 'Must be the id of a message of this stream: a whole number.')
  .transform(Number);

export const liveOrderQuery = z.strictObject({
  lastEventId: versionSchema.optional().meta({
    description:
      'For whoever begins: the `version` of the order that they have read, so that only later changes come. The ' +
      'header `Last-Event-ID`, which an EventSource sends when it comes back, goes before.',
    example: '2',
  }),
  orderToken: z
    .string()
    .max(MAX_TOKEN_LENGTH)
    .optional()
    .meta({
      description:
        'For a guest’s EventSource, which cannot send the header `X-Order-Token`; whoever can sends that. We log no ' +
        'query; proxies on the way should not either.',
    }),
});

export type LiveOrderQuery = z.output<typeof liveOrderQuery>;

export const lastEventIdHeader = z.object({ 'last-event-id': versionSchema.optional() });

const FIRST_MESSAGES = `retry: 2710

id: 1
data: {"version":1,"change":"placed","status":"pending_payment","paymentStatus":"processing","occurredAt":"2026-11-20T12:00:00.000Z"}

id: 2
data: {"version":2,"change":"confirmed","status":"confirmed","paymentStatus":"captured","occurredAt":"2026-11-20T12:00:00.250Z"}

`;

export const orderChangeStream = z.string().meta({
  description:
    'Server-sent events without an end. Each message is a change of the order: `id` is its version, `data` says in JSON ' +
    'what happened (`change`, in the words of the timeline; there may be more), and how the order is since (`status`, ' +
    '`paymentStatus`). `retry`, which comes first, says after how many milliseconds to ' +
    'come back when the stream ends. Comments are heartbeats.',
  example: FIRST_MESSAGES,
});
