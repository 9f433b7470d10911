import { idSchema, pageQuerySchema, pageSchema, text, timeSchema } from '#platform/http';
import { isEventType } from '#platform/messaging';
import { z } from 'zod';
import { isSuccess } from '../domain/retry-schedule.js';
import { eventTypesSchema } from '../endpoints/endpoint.schema.js';
import { type Delivery, DELIVERY_STATUSES } from './deliveries.js';
import type { Replay } from './replay-events.js';
import type { Attempt } from './webhook-sender.js';

const EXAMPLE_ATTEMPT = {
  number: 1,
  attemptedAt: '2026-11-20T12:00:01.000Z',
  durationMs: 82,
  statusCode: 503,
  failure: null,
  response: 'Down for maintenance',
};
const EXAMPLE = {
  id: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d12',
  endpointId: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10',
  eventId: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d11',
  eventType: 'steelyard.order.placed.v1',
  status: 'pending' as const,
  attemptCount: 1,
  nextAttemptAt: '2026-11-20T12:00:06.000Z',
  createdAt: '2026-11-20T12:00:00.000Z',
  completedAt: null,
  attempts: [EXAMPLE_ATTEMPT],
};

const answerShape = {
  durationMs: z.int(),
  statusCode: z.int().nullable().meta({ description: 'Of the answer; null where there was none.' }),
  failure: z
    .string()
    .nullable()
    .meta({
      description:
        'Why there was none: `target_not_allowed`, `name_not_resolved`, `timed_out`, `connection_failed`, ' +
        '`secret_unreadable`.',
    }),
  response: z.string().nullable().meta({ description: 'The beginning of its body.' }),
};

export const pingSchema = z
  .strictObject({})
  .meta({ id: 'PingWebhookEndpoint', description: 'Nothing has to be said.', example: {} });

export const pingResultSchema = z
  .object({
    eventId: idSchema.meta({ description: 'The `webhook-id` under which it was sent.' }),
    succeeded: z.boolean(),
    ...answerShape,
  })
  .meta({
    id: 'WebhookPingResult',
    description: 'What came back from the endpoint.',
    example: {
      eventId: EXAMPLE.eventId,
      succeeded: true,
      durationMs: 82,
      statusCode: 204,
      failure: null,
      response: '',
    },
  });

export const deliverySchema = z
  .object({
    id: idSchema,
    endpointId: idSchema,
    eventId: idSchema.meta({ description: 'The `webhook-id` under which it is sent.' }),
    eventType: z.string(),
    status: z.enum(DELIVERY_STATUSES).meta({
      description: '`canceled`: the endpoint was disabled or deleted before it was delivered.',
    }),
    attemptCount: z.int(),
    nextAttemptAt: timeSchema.nullable(),
    createdAt: timeSchema,
    completedAt: timeSchema.nullable(),
    attempts: z
      .array(z.object({ number: z.int(), attemptedAt: timeSchema, ...answerShape }))
      .meta({ description: 'The latest twenty, oldest first.' }),
  })
  .meta({ id: 'WebhookDelivery', description: 'An event on its way to an endpoint.', example: EXAMPLE });

export const deliveryWithEventSchema = deliverySchema
  .extend({
    event: z.record(z.string(), z.unknown()).meta({
      description: 'The body that is sent: a CloudEvent, as its type in `contracts/asyncapi.yaml` says.',
    }),
  })
  .meta({
    id: 'WebhookDeliveryWithEvent',
    description: 'An event on its way to an endpoint, and what it says.',
    example: {
      ...EXAMPLE,
      event: {
        ...{ specversion: '1.0', id: EXAMPLE.eventId, source: '/steelyard', type: EXAMPLE.eventType },
        data: { orderId: EXAMPLE.endpointId },
      },
    },
  });

export const deliveryPageSchema = pageSchema('WebhookDeliveryPage', deliverySchema);

export const deliveriesQuerySchema = z.strictObject({
  ...pageQuerySchema.shape,
  status: z.enum(DELIVERY_STATUSES).optional(),
  eventType: text(200)
    .refine(isEventType, {
      message: 'There are no events of this type.',
      params: { code: 'unknown_event_type' },
    })
    .optional()
    .meta({ description: 'The exact type.', example: EXAMPLE.eventType }),
  eventId: idSchema.optional().meta({ description: 'The `webhook-id` under which it is sent.' }),
});

export const retrySchema = z
  .strictObject({})
  .meta({ id: 'RetryWebhookDelivery', description: 'Nothing has to be said.', example: {} });

export const replaySchema = z
  .strictObject({
    after: timeSchema.meta({ description: 'Events that happened then or later.' }),
    before: timeSchema
      .optional()
      .meta({ description: 'Events that happened before then; absent: until now.' }),
    eventTypes: eventTypesSchema.optional(),
  })
  .refine(({ after, before }) => before === undefined || new Date(after) < new Date(before), {
    path: ['before'],
    message: 'Must be later than `after`.',
    params: { code: 'range_empty' },
  })
  .meta({
    id: 'ReplayWebhookEvents',
    description: 'Which events to send again: of those that the endpoint wants, and that are still kept.',
    example: { after: '2026-11-20T12:00:00.000Z', eventTypes: ['steelyard.order.*'] },
  });

export const replayResultSchema = z
  .object({
    deliveries: z.int().meta({ description: 'Events that will be sent.' }),
    continueAfter: timeSchema.nullable().meta({
      description:
        'There may be more than one call takes: call again with this as `after`. It is a second before the last event ' +
        'that was looked at, so what happened in that second may come again. null: that was all.',
    }),
  })
  .meta({
    id: 'WebhookReplay',
    description: 'How many events will be sent again.',
    example: { deliveries: 12, continueAfter: null },
  });

export type DeliveriesQuery = z.output<typeof deliveriesQuerySchema>;
export type DeliveryWithEventView = z.output<typeof deliveryWithEventSchema>;
export type DeliveryView = z.output<typeof deliverySchema>;
export type PingResultView = z.output<typeof pingResultSchema>;
export type ReplayRequest = z.output<typeof replaySchema>;
export type ReplayResultView = z.output<typeof replayResultSchema>;

/** A delivery as the API shows it. */
export function toDeliveryView({ attempts, ...delivery }: Delivery): DeliveryView {
  return {
    ...delivery,
    nextAttemptAt: delivery.status === 'pending' ? delivery.nextAttemptAt.toISOString() : null,
    createdAt: delivery.createdAt.toISOString(),
    completedAt: delivery.completedAt?.toISOString() ?? null,
    attempts: attempts.map((attempt) => ({
      ...attempt,
      attemptedAt: new Date(attempt.attemptedAt).toISOString(),
    })),
  };
}

export function toPingResultView(eventId: string, attempt: Attempt): PingResultView {
  const { durationMs, statusCode, failure, response } = attempt;
  return { eventId, succeeded: isSuccess(attempt), durationMs, statusCode, failure, response };
}

export function toReplayResultView({ deliveries, continueAfter }: Replay): ReplayResultView {
  return { deliveries, continueAfter: continueAfter?.toISOString() ?? null };
}
