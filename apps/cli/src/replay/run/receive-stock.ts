import type { PlannedProduct } from '../plan/replay-plan.js';
import type { Product } from './api-types.js';
import { forEachConcurrently } from './concurrency.js';
import { readOrder } from './read-order.js';
import { readPages } from './read-pages.js';
import { MAX_CONCURRENCY, type ReplayContext } from './replay-context.js';
import { ReplayError } from './replay-errors.js';
import { tradeUnits } from './trade-units.js';

/**
 * Receives all that will be sold, before any of it is.
 *
 * A receipt is made once by its idempotency key, which the API forgets after a week. Orders, which stay, tell for
 * longer: none is placed before every receipt is made, so where one of this file exists, no receipt is missing.
 *
 * @throws ReplayError when the API refuses a receipt
 */
export async function receiveStock(context: ReplayContext): Promise<void> {
  const { products } = context.plan;
  await context.phase('stock', products.length, async ({ tally, advance }) => {
    const receipts = tally('stock receipts');
    if (await hasBegunToTrade(context)) {
      receipts.unchanged += products.length;
      advance(products.length);
      return;
    }
    const idBySku = await findProductIds(context);
    await forEachConcurrently(products, context.concurrency, async (product) => {
      const isNew = await receive(context, product, idBySku.get(product.sku));
      receipts[isNew ? 'changed' : 'unchanged'] += 1;
      advance();
    });
  });
}

/**
 * Whether an earlier run has placed orders of this file. Runs take the units of trade in order, a few at a time: if any
 * order was placed, one of the first was.
 */
async function hasBegunToTrade({ plan, staff }: ReplayContext): Promise<boolean> {
  for (const { orders } of tradeUnits(plan.orders).slice(0, MAX_CONCURRENCY)) {
    const answer = await readOrder(staff, orders[0].id);
    if (answer.ok) return true;
    if (answer.status !== 404) throw new ReplayError(`The API refused to show an order: ${answer.code}.`);
  }
  return false;
}

/** The ids that the import gave to the products of the plan, by SKU. The newest are listed first. */
async function findProductIds({ plan: { products }, staff }: ReplayContext): Promise<Map<string, string>> {
  const missing = new Set(products.map((product) => product.sku));
  const idBySku = new Map<string, string>();
  const pages = readPages<Product>(staff, 'the products', (page) => (api, init) => {
    return api.GET('/api/v1/products', { ...init, params: { query: page } });
  });
  for await (const page of pages) {
    for (const { id, sku } of page) {
      if (missing.delete(sku)) idBySku.set(sku, id);
    }
    if (missing.size === 0) break;
  }
  return idBySku;
}

/** @returns whether it is this run that received the stock */
async function receive(
  { staff }: ReplayContext,
  { sku, receipt }: PlannedProduct,
  productId: string | undefined,
): Promise<boolean> {
  if (productId === undefined) throw new ReplayError(`The product ${sku} has vanished from the catalog.`);
  const { quantity, idempotencyKey } = receipt;
  const answer = await staff.send((api, init) =>
    api.POST('/api/v1/products/{id}/stock-movements', {
      ...init,
      params: { path: { id: productId }, header: { 'Idempotency-Key': idempotencyKey } },
      body: { kind: 'receive', quantity },
    }),
  );
  if (answer.ok) return !answer.isReplayed;
  throw new ReplayError(`The API refused to receive ${quantity} pieces of ${sku}: ${answer.code}.`);
}
