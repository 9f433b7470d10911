import type { Currency } from '#kernel';
import { statement } from '#platform/database';

/** A product with what its stock says about it. */
export interface ProductRow {
  id: string;
  sku: string;
  name: string;
  description: string | null;
  priceAmount: number;
  currency: Currency;
  active: boolean;
  version: number;
  createdAt: Date;
  updatedAt: Date;
  available: number;
  availabilityVersion: number;
}

const COLUMNS = `p.id, p.sku, p.name, p.description, p.price_amount AS "priceAmount", p.currency, p.active, p.version,
   p.created_at AS "createdAt", p.updated_at AS "updatedAt",
   s.on_hand - s.reserved AS available, s.version AS "availabilityVersion"`;

const FROM_PRODUCTS = 'FROM catalog.products p JOIN catalog.stock_levels s ON s.product_id = p.id';

/** As in the index products_search. */
const SEARCHED_TEXT = `(lower(p.sku) || ' ' || lower(p.name))`;

/** A page of the products with an activity among $1, after the position ($2, $3), at most $4. */
function listStatement(name: string, condition: string) {
  return statement(
    `catalog.list_products${name}`,
    `SELECT ${COLUMNS} ${FROM_PRODUCTS}
      WHERE p.active = ANY($1::boolean[]) AND (p.created_at, p.id) < ($2::timestamptz, $3::uuid) ${condition}
      ORDER BY p.created_at DESC, p.id DESC
      LIMIT $4`,
  );
}

export const listProducts = listStatement('', '');
export const listProductsBySearch = listStatement('_by_search', `AND ${SEARCHED_TEXT} LIKE lower($5)`);
export const listProductsBySku = listStatement(
  '_by_sku',
  `AND ${SEARCHED_TEXT} LIKE lower($5) AND p.sku = $6`,
);

export const readProduct = statement(
  'catalog.read_product',
  `SELECT ${COLUMNS} ${FROM_PRODUCTS} WHERE p.id = $1`,
);

export const lockProduct = statement(
  'catalog.lock_product',
  `SELECT ${COLUMNS} ${FROM_PRODUCTS} WHERE p.id = $1 FOR NO KEY UPDATE OF p`,
);

export const insertProduct = statement(
  'catalog.insert_product',
  `WITH
   p AS (
     INSERT INTO catalog.products
       (id, sku, name, description, price_amount, currency, active, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
     RETURNING *
   ),
   s AS (
     INSERT INTO catalog.stock_levels (product_id) SELECT id FROM p RETURNING *
   )
   SELECT ${COLUMNS} FROM p JOIN s ON s.product_id = p.id`,
);

export const updateProduct = statement(
  'catalog.update_product',
  `WITH p AS (
     UPDATE catalog.products
        SET sku = $2, name = $3, description = $4, price_amount = $5, currency = $6, active = $7,
            version = version + 1, updated_at = $8
      WHERE id = $1
     RETURNING *
   )
   SELECT ${COLUMNS} FROM p JOIN catalog.stock_levels s ON s.product_id = p.id`,
);
