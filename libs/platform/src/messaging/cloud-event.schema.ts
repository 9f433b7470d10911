import { z } from 'zod';
import { timeSchema } from '../http/index.js';

/** An event in an answer: what `toCloudEvent` makes of it. */
export const cloudEventView = z
  .object({
    specversion: z.literal('1.0'),
    id: z.string().meta({ description: 'Of this event alone: whoever has seen it has seen the event.' }),
    source: z.string(),
    type: z.string().meta({ description: '`steelyard.<aggregate>.<what happened>.v<version>`' }),
    subject: z.string().meta({
      description: 'The id of the aggregate that it happened to. A product and its stock have the same.',
    }),
    time: timeSchema,
    datacontenttype: z.literal('application/json'),
    sequence: z
      .string()
      .meta({ description: 'Counts the events of one `partitionkey` from 1, without a gap.' }),
    partitionkey: z.string().meta({
      description:
        '`<aggregate>/<id>`, one for each aggregate: of events with the same key, `sequence` is the order.',
    }),
    traceparent: z
      .string()
      .optional()
      .meta({ description: 'W3C trace context of what caused it, where there was one.' }),
    data: z.record(z.string(), z.unknown()).meta({ description: 'What the type of the event says.' }),
  })
  .meta({
    id: 'CloudEvent',
    description: 'Something that happened, as CloudEvents 1.0 writes it in JSON.',
    example: {
      specversion: '1.0',
      id: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d21',
      source: '/steelyard',
      type: 'steelyard.order.confirmed.v1',
      subject: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d12',
      time: '2026-11-20T12:00:00.000Z',
      datacontenttype: 'application/json',
      sequence: '2',
      partitionkey: 'order/01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d12',
      data: {
        orderId: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d12',
        status: 'confirmed',
        customerId: null,
        paymentId: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d13',
        paymentStatus: 'captured',
        currency: 'GBP',
        totalAmount: 2500,
      },
    },
  });

export type CloudEventView = z.output<typeof cloudEventView>;
