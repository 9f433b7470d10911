import type { PlannedProduct } from '../plan/replay-plan.js';
import type { ImportResult } from './api-types.js';
import type { ReplayContext } from './replay-context.js';
import { ReplayError } from './replay-errors.js';

/** Products of one upload: enough for speed, few enough for a progress bar that moves. */
const CHUNK_PRODUCTS = 1_000;

/**
 * Brings the products into the catalog. The import goes by SKU: a product that is there already is made what the file
 * says, or left alone when it is that.
 *
 * @throws ReplayError when the API refuses: without products there is nothing to replay
 */
export async function importProducts(context: ReplayContext): Promise<void> {
  const { products } = context.plan;
  await context.phase('products', products.length, async ({ tally, advance }) => {
    const imported = tally('products');
    for (let from = 0; from < products.length; from += CHUNK_PRODUCTS) {
      const chunk = products.slice(from, from + CHUNK_PRODUCTS);
      const ndjson = chunk.map(toNdjson).join('');
      const answer = await context.staff.send<ImportResult>((api, init) =>
        api.POST('/api/v1/products/import', {
          ...init,
          headers: { 'content-type': 'application/x-ndjson' },
          body: ndjson,
          bodySerializer: () => ndjson,
        }),
      );
      if (!answer.ok) throw new ReplayError(`The API refused the products: ${answer.code}, ${answer.detail}`);
      const { created, updated, unchanged } = answer.body;
      imported.changed += created + updated;
      imported.unchanged += unchanged;
      advance(chunk.length);
    }
  });
}

function toNdjson({ sku, name, unitPriceMinor }: PlannedProduct): string {
  return `${JSON.stringify({ sku, name, price: { amount: unitPriceMinor, currency: 'GBP' } })}\n`;
}
