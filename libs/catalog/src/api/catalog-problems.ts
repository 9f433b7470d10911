import { describeMembers, idSchema } from '#platform/http';
import { z } from 'zod';
import { catalogErrors } from '../domain/catalog.errors.js';

/** The products that are short, each with what was asked for. */
const shortages = (left: 'available' | 'reserved') =>
  z.array(z.object({ productId: idSchema, requested: z.int(), [left]: z.int() }));

describeMembers(catalogErrors.insufficient_stock, { lines: shortages('available') });
describeMembers(catalogErrors.shipment_exceeds_reservation, { lines: shortages('reserved') });
describeMembers(catalogErrors.stale_quantity, { onHand: z.int() });
describeMembers(catalogErrors.stock_reserved, { reserved: z.int() });
describeMembers(catalogErrors.import_rejected, {
  failed: z.int().meta({ description: 'How many rows are faulty; the first of them are in `errors`.' }),
});
describeMembers(catalogErrors.import_header_invalid, { columns: z.array(z.string()) });
