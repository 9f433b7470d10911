import type { ProductRow } from './product-statements.js';

/** What the event of a product says, numbered by the product's version. */
export function productEvent(
  product: Pick<ProductRow, 'id' | 'sku' | 'name' | 'priceAmount' | 'currency' | 'active' | 'version'>,
) {
  const { id, sku, name, priceAmount, currency, active, version } = product;
  return {
    aggregateId: id,
    sequence: version,
    data: { productId: id, sku, name, priceAmount, currency, active },
  };
}
