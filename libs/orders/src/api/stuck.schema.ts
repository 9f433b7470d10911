import { z } from 'zod';
import { idSchema, moneySchema, timeSchema } from '#platform/http';
import { PAYMENT_STATUSES } from '../application/order-view.js';
import { ORDER_STATUSES } from '../domain/order-status.js';

const ORDER_ID = '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d11';
const PAYMENT_ID = '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10';
const TIME = '2026-11-20T12:00:00.000Z';

export const stuckView = z
  .object({
    orders: z
      .array(
        z.object({
          id: idSchema,
          number: z.string(),
          status: z.enum(ORDER_STATUSES),
          paymentId: idSchema,
          paymentStatus: z.enum(PAYMENT_STATUSES),
          updatedAt: timeSchema,
        }),
      )
      .meta({ description: 'Cancellations that wait: cancel again to have the next step tried once more.' }),
    operations: z
      .array(
        z.object({
          id: idSchema,
          kind: z.string(),
          status: z.string(),
          paymentId: idSchema,
          orderId: idSchema,
          amount: moneySchema,
          attempts: z.int(),
          needsAttention: z.boolean(),
          createdAt: timeSchema,
        }),
      )
      .meta({
        description:
          'Open for unusually long; what needs attention waits for `POST /admin/operations/{id}/resolve`.',
      }),
    refusals: z
      .array(
        z.object({
          operationId: idSchema,
          kind: z.string(),
          paymentId: idSchema,
          orderId: idSchema,
          amount: moneySchema,
          declineCode: z.string().nullable(),
          refusedAt: timeSchema,
        }),
      )
      .meta({
        description:
          'Captures, voids and refunds that the gateway refused, or took back, and that nobody has done since: newest first.',
      }),
    contradictions: z
      .array(
        z.object({
          id: z.string(),
          gateway: z.string(),
          type: z.string(),
          operationId: idSchema.nullable(),
          gatewayPaymentId: z.string().nullable(),
          receivedAt: timeSchema,
        }),
      )
      .meta({
        description:
          'What the gateway says has happened although the books say that it has not: newest first, until somebody settles it by `POST /admin/reports/{id}/settle`.',
      }),
    reports: z
      .array(
        z.object({
          id: z.string(),
          gateway: z.string(),
          type: z.string(),
          status: z.string(),
          attempts: z.int(),
          receivedAt: timeSchema,
        }),
      )
      .meta({ description: 'Reports of the gateway that cannot be applied yet; they are tried again.' }),
  })
  .meta({
    id: 'Stuck',
    description: 'What does not come to an end by itself, or takes unusually long: a hundred of each.',
    example: {
      orders: [],
      operations: [
        {
          id: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d15',
          kind: 'authorize',
          status: 'unknown',
          paymentId: PAYMENT_ID,
          orderId: ORDER_ID,
          amount: { amount: 1250, currency: 'GBP' },
          attempts: 14,
          needsAttention: true,
          createdAt: TIME,
        },
      ],
      refusals: [],
      contradictions: [],
      reports: [],
    },
  });
