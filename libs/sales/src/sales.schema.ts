import { defineFieldCodes } from '#kernel';
import { dateSchema, idSchema, moneySchema, pageQuerySchema, pageSchema } from '#platform/http';
import { z } from 'zod';

const count = z.int();

const dailySalesView = z
  .object({
    day: dateSchema.meta({ description: 'UTC.' }),
    productId: idSchema,
    orders: count.meta({
      description:
        'Orders confirmed on this day that hold the product. Of several products they do not add up.',
    }),
    soldQuantity: count.meta({ description: 'Pieces in them.' }),
    gross: moneySchema.meta({
      description:
        'What those cost, with their share of shipping and tax: over all products, the totals of the orders.',
    }),
    canceledQuantity: count.meta({
      description:
        'Pieces given up on this day, whenever they were sold: of confirmed orders that were canceled, and of the rest of closed ones.',
    }),
    canceled: moneySchema.meta({ description: 'What those had cost, whether or not it had been captured.' }),
    returnedQuantity: count.meta({
      description: 'Pieces that came back on this day, whenever they were sold.',
    }),
    refunded: moneySchema.meta({
      description:
        'Money that went back on this day, for whatever reason, less refunds that came back: in all, what the ledger says of refunds. ' +
        'Goods that were captured and canceled are in `canceled` as well, so the two do not add up.',
    }),
  })
  .meta({
    id: 'DailySales',
    description: 'What was sold of a product in one currency on one day.',
    example: {
      day: '2026-11-20',
      productId: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d12',
      orders: 3,
      soldQuantity: 5,
      gross: { amount: 6250, currency: 'GBP' },
      canceledQuantity: 1,
      canceled: { amount: 1250, currency: 'GBP' },
      returnedQuantity: 0,
      refunded: { amount: 1250, currency: 'GBP' },
    },
  });

export const dailySalesPageView = pageSchema('DailySalesPage', dailySalesView);

defineFieldCodes({ days_reversed: 'The first day is after the last one' });

export const dailySalesQuery = pageQuerySchema
  .extend({
    from: dateSchema.optional().meta({ description: 'First day, UTC.' }),
    to: dateSchema.optional().meta({ description: 'Last day, UTC, included.' }),
    productId: idSchema.optional(),
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from <= to, {
    message: 'The first day must not be after the last one.',
    path: ['from'],
    params: { code: 'days_reversed' },
  });
export type DailySalesQuery = z.output<typeof dailySalesQuery>;
