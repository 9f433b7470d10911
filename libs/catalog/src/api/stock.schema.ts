import { idSchema, pageSchema, quantitySchema, reasonSchema, timeSchema } from '#platform/http';
import { z } from 'zod';
import { MAX_ON_HAND, STOCK_MOVEMENT_KINDS } from '../domain/stock-level.js';

const onHandSchema = z.int().min(0).max(MAX_ON_HAND);

export const stockLevelSchema = z
  .object({
    productId: idSchema,
    onHand: z.int().meta({ description: 'Pieces in the house.' }),
    reserved: z.int().meta({ description: 'Pieces among them that belong to orders.' }),
    available: z.int().meta({ description: 'Pieces that can be sold.' }),
  })
  .meta({
    id: 'StockLevel',
    description: 'The stock of one product.',
    example: {
      productId: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10',
      onHand: 120,
      reserved: 20,
      available: 100,
    },
  });

export type StockLevelView = z.output<typeof stockLevelSchema>;

export const stockReportSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('receive'), quantity: quantitySchema }),
    z.strictObject({
      kind: z.literal('adjust'),
      onHand: onHandSchema.meta({ description: 'How many pieces were counted.' }),
      expectedOnHand: onHandSchema.meta({
        description: 'How many the books say; guards against a stale count.',
      }),
      reason: reasonSchema.meta({ example: 'Yearly count' }),
    }),
  ])
  .meta({
    id: 'RecordStockMovement',
    description: 'Goods that arrived, or a count of what is there.',
    example: { kind: 'receive', quantity: 100 },
  });

const movementFields = {
  id: idSchema,
  productId: idSchema,
  kind: z.enum(STOCK_MOVEMENT_KINDS),
  quantity: z.int().meta({ description: 'Pieces that moved; negative for an adjustment downwards.' }),
  onHandDelta: z.int(),
  reservedDelta: z.int(),
  orderId: idSchema.nullable().meta({ description: 'The order that moved them.' }),
  reason: z.string().nullable(),
  actor: z
    .string()
    .meta({ description: 'Who moved them: `user:<id>`, `key:<id>`, `system:<name>` or `anonymous`.' }),
  occurredAt: timeSchema,
};

const exampleMovement = {
  id: '01976f5f-11aa-7c33-8d1e-7a50c2b4e6f8',
  productId: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10',
  kind: 'receive',
  quantity: 100,
  onHandDelta: 100,
  reservedDelta: 0,
  orderId: null,
  reason: null,
  actor: 'user:01976f50-0000-7000-8000-000000000001',
  occurredAt: '2026-11-20T12:00:00.000Z',
};

const stockMovementSchema = z.object(movementFields).meta({
  id: 'StockMovement',
  description: 'An entry of the journal. The deltas of all entries of a product add up to its level.',
  example: exampleMovement,
});

export type StockMovementView = z.output<typeof stockMovementSchema>;

export const recordedMovementSchema = z.object({ ...movementFields, stock: stockLevelSchema }).meta({
  id: 'RecordedStockMovement',
  description: 'The movement, and the level that it led to.',
  example: {
    ...exampleMovement,
    stock: { productId: exampleMovement.productId, onHand: 120, reserved: 20, available: 100 },
  },
});

export type RecordedMovementView = z.output<typeof recordedMovementSchema>;

export const stockMovementPageSchema = pageSchema('StockMovementPage', stockMovementSchema);
