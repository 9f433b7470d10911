import { defineEvent } from '#platform/messaging';
import { z } from 'zod';
import { AVAILABILITIES } from './domain/availability.js';

const productState = z.object({
  productId: z.string(),
  sku: z.string(),
  name: z.string(),
  priceAmount: z.int(),
  currency: z.string(),
  active: z.boolean(),
});

/** A product came into the catalog. Its sequence is the product's version, as for every event of a product. */
export const productCreated = defineEvent('product', 'steelyard.product.created.v1', productState);

/** A product's text, price or activity changed; its data say how it is now. */
export const productUpdated = defineEvent('product', 'steelyard.product.updated.v1', productState);

const availabilityChange = z.object({
  productId: z.string(),
  previous: z.enum(AVAILABILITIES),
  current: z.enum(AVAILABILITIES),
});
export type AvailabilityChangeData = z.output<typeof availabilityChange>;

/** What shoppers are told about a product's stock changed. Not one event per sold piece: only when the word changes. */
export const stockAvailabilityChanged = defineEvent(
  'stock',
  'steelyard.stock.availability_changed.v1',
  availabilityChange,
);
