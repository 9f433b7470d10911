import {
  idSchema,
  moneySchema,
  newIdSchema,
  pageQuerySchema,
  pageSchema,
  priceSchema,
  text,
  timeSchema,
} from '#platform/http';
import { z } from 'zod';
import { AVAILABILITIES, LOW_STOCK_MAX } from '../domain/availability.js';

const MAX_SKU_LENGTH = 64;
const MAX_NAME_LENGTH = 200;
const MAX_DESCRIPTION_LENGTH = 5_000;
const MAX_SEARCH_LENGTH = 200;

/** Text on one line: what stands on labels, invoices and in tables. */
const line = (maxLength: number) =>
  text(maxLength).refine((value) => !/[\p{Cc}\u2028\u2029]/u.test(value), {
    message: 'Must be one line without control characters.',
    params: { code: 'invalid_text' },
  });

const skuSchema = line(MAX_SKU_LENGTH).meta({
  description: 'Stock keeping unit: unique, and upper and lower case differ.',
  example: 'MUG-STONE-350',
});
const nameSchema = line(MAX_NAME_LENGTH).meta({ example: 'Stoneware mug, 350 ml' });
const descriptionSchema = text(MAX_DESCRIPTION_LENGTH)
  .nullable()
  .meta({ example: 'Thrown by hand, glazed inside and out.' });
const activeSchema = z.boolean().meta({ description: 'Whether shoppers see it and can order it.' });

/** What staff say of a new product, wherever it comes from. */
export const productTextSchema = z.strictObject({
  sku: skuSchema,
  name: nameSchema,
  description: descriptionSchema.default(null),
  price: priceSchema,
  active: activeSchema.default(true),
});

export type ProductText = z.output<typeof productTextSchema>;

export const createProductSchema = productTextSchema.extend({ id: newIdSchema.optional() }).meta({
  id: 'CreateProduct',
  description: 'A new product. It has no stock until some is received.',
  example: {
    sku: 'MUG-STONE-350',
    name: 'Stoneware mug, 350 ml',
    description: 'Thrown by hand, glazed inside and out.',
    price: { amount: 1250, currency: 'GBP' },
  },
});

export const updateProductSchema = z
  .strictObject({
    sku: skuSchema.optional(),
    name: nameSchema.optional(),
    description: descriptionSchema.optional(),
    price: priceSchema.optional().meta({
      description:
        'Replaces amount and currency. Orders that were placed keep the price they were placed at.',
    }),
    active: activeSchema.optional(),
  })
  .meta({
    id: 'UpdateProduct',
    description: 'The fields to change; the others stay as they are. `description: null` removes it.',
    example: { price: { amount: 1350, currency: 'GBP' } },
  });

export type ProductChange = z.output<typeof updateProductSchema>;

export const listProductsQuerySchema = z.strictObject({
  ...pageQuerySchema.shape,
  q: text(MAX_SEARCH_LENGTH, 0)
    .optional()
    .meta({ description: 'Part of the SKU or the name; case does not matter.', example: 'mug' }),
  sku: text(MAX_SKU_LENGTH).optional().meta({ description: 'The exact SKU.' }),
  active: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .optional()
    .meta({ description: 'Staff may ask for inactive products; nobody else ever sees one.' }),
});

export type ListProductsQuery = z.output<typeof listProductsQuerySchema>;

export const productSchema = z
  .object({
    id: idSchema,
    sku: z.string(),
    name: z.string(),
    description: z.string().nullable(),
    price: moneySchema,
    active: z.boolean(),
    availability: z
      .enum(AVAILABILITIES)
      .meta({ description: `\`low_stock\`: ${LOW_STOCK_MAX} pieces or fewer can be sold.` }),
    version: z.int(),
    createdAt: timeSchema,
    updatedAt: timeSchema,
  })
  .meta({
    id: 'Product',
    description: 'A product of the catalog.',
    example: {
      id: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10',
      sku: 'MUG-STONE-350',
      name: 'Stoneware mug, 350 ml',
      description: 'Thrown by hand, glazed inside and out.',
      price: { amount: 1250, currency: 'GBP' },
      active: true,
      availability: 'in_stock',
      version: 1,
      createdAt: '2026-11-20T12:00:00.000Z',
      updatedAt: '2026-11-20T12:00:00.000Z',
    },
  });

export type ProductView = z.output<typeof productSchema>;

export const productPageSchema = pageSchema('ProductPage', productSchema);
