import { idSchema, type ProblemMembers } from '#platform/http';
import { z } from 'zod';
import type { catalogErrors } from '../domain/catalog.errors.js';

/** The products that are short, each with what was asked for. */
const shortages = (left: 'available' | 'reserved') =>
  z.array(z.object({ productId: idSchema, requested: z.int(), [left]: z.int() })).meta({
    example: [{ productId: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d12', requested: 3, [left]: 2 }],
  });

/** What problems of the catalog hold. */
export const catalogProblems = {
  insufficient_stock: { lines: shortages('available') },
  shipment_exceeds_reservation: { lines: shortages('reserved') },
  stale_quantity: { onHand: z.int() },
  stock_reserved: { reserved: z.int() },
  import_rejected: {
    failed: z.int().meta({ description: 'How many rows are faulty; the first of them are in `errors`.' }),
  },
  import_header_invalid: { columns: z.array(z.string()) },
} satisfies ProblemMembers<keyof typeof catalogErrors>;
