import { z } from 'zod';
import { idSchema, newIdSchema, quantitySchema, reasonSchema, text, timeSchema } from '#platform/http';
import { MAX_LINES } from './orders.schema.js';

const ORDER_ID = '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d11';
const LINE_ID = '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d12';
const TIME = '2026-11-20T12:00:00.000Z';

export const fulfilOrderRequest = z
  .strictObject({
    lines: z
      .array(z.strictObject({ lineId: idSchema, quantity: quantitySchema }))
      .min(1)
      .max(MAX_LINES)
      .refine((lines) => new Set(lines.map(({ lineId }) => lineId)).size === lines.length, {
        message: 'Each line may be named once.',
        params: { code: 'duplicate_line' },
      }),
    trackingNumber: text(100).optional(),
    carrier: text(100).optional(),
  })
  .meta({
    id: 'FulfilOrder',
    description: 'Pieces of lines that leave the house.',
    example: {
      lines: [{ lineId: LINE_ID, quantity: 1 }],
      trackingNumber: 'RB123456785GB',
      carrier: 'royal_mail',
    },
  });
export type FulfilOrderRequest = z.output<typeof fulfilOrderRequest>;

export const fulfillmentView = z
  .object({
    id: idSchema,
    orderId: idSchema,
    lines: z.array(z.object({ lineId: idSchema, quantity: z.int() })),
    trackingNumber: z.string().nullable(),
    carrier: z.string().nullable(),
    createdAt: timeSchema,
  })
  .meta({
    id: 'Fulfillment',
    description: 'What left the house in one parcel.',
    example: {
      id: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d17',
      orderId: ORDER_ID,
      lines: [{ lineId: LINE_ID, quantity: 1 }],
      trackingNumber: 'RB123456785GB',
      carrier: 'royal_mail',
      createdAt: TIME,
    },
  });

export const fulfillmentListView = z.object({ data: z.array(fulfillmentView) }).meta({
  id: 'FulfillmentList',
  description: 'What left the house of one order, newest first: the newest hundred.',
});

const restock = z.boolean().meta({
  description: 'Whether the pieces can be sold again. The others are noted, and change no stock.',
});

export const returnOrderRequest = z
  .strictObject({
    id: newIdSchema.optional(),
    lines: z
      .array(z.strictObject({ lineId: idSchema, quantity: quantitySchema, restock }))
      .min(1)
      .max(2 * MAX_LINES)
      .refine(
        (lines) => new Set(lines.map((line) => `${line.lineId} ${line.restock}`)).size === lines.length,
        {
          message: 'Each line may be named once with `restock` and once without.',
          params: { code: 'duplicate_line' },
        },
      ),
    reason: reasonSchema.optional(),
  })
  .meta({
    id: 'ReturnOrder',
    description: 'Pieces of lines that came back.',
    example: {
      lines: [
        { lineId: LINE_ID, quantity: 1, restock: true },
        { lineId: LINE_ID, quantity: 1, restock: false },
      ],
      reason: 'one of two arrived chipped',
    },
  });
export type ReturnOrderRequest = z.output<typeof returnOrderRequest>;

export const returnView = z
  .object({
    id: idSchema,
    orderId: idSchema,
    lines: z.array(z.object({ lineId: idSchema, quantity: z.int(), restock })),
    reason: z.string().nullable(),
    createdAt: timeSchema,
  })
  .meta({
    id: 'OrderReturn',
    description: 'What came back of an order at one time.',
    example: {
      id: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d19',
      orderId: ORDER_ID,
      lines: [
        { lineId: LINE_ID, quantity: 1, restock: true },
        { lineId: LINE_ID, quantity: 1, restock: false },
      ],
      reason: 'one of two arrived chipped',
      createdAt: TIME,
    },
  });

export const returnListView = z.object({ data: z.array(returnView) }).meta({
  id: 'OrderReturnList',
  description: 'What came back of one order, newest first: the newest hundred.',
});
