import { Injectable } from '@nestjs/common';
import { type Currency, money, type Money } from '#kernel';
import { Database, statement } from '#platform/database';

/** How an order names a product: by its id, or else by its SKU. The id decides where both are given. */
export interface ProductReference {
  readonly productId?: string | undefined;
  readonly sku?: string | undefined;
}

/** A product as an order sees it. */
export interface ProductForSale {
  readonly productId: string;
  readonly sku: string;
  readonly name: string;
  readonly unitPrice: Money;
  /** Pieces that could be reserved at the moment of reading. */
  readonly available: number;
}

interface SellableRow {
  /** Place of the reference in the list, from 1. */
  place: number;
  productId: string;
  sku: string;
  name: string;
  priceAmount: number;
  currency: Currency;
  available: number;
}

const findSellable = statement(
  'catalog.find_sellable',
  `WITH requested AS (
     SELECT * FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS r (product_id, sku, place)
   ),
   matched AS (
     SELECT r.place, p.* FROM requested r JOIN catalog.products p ON p.id = r.product_id
     UNION ALL
     SELECT r.place, p.* FROM requested r JOIN catalog.products p ON p.sku = r.sku AND r.product_id IS NULL
   )
   SELECT m.place, m.id AS "productId", m.sku, m.name, m.price_amount AS "priceAmount", m.currency,
          s.on_hand - s.reserved AS available
     FROM matched m JOIN catalog.stock_levels s ON s.product_id = m.id
    WHERE m.active`,
);

/** Looks up what an order asks for, at today's prices. */
@Injectable()
export class FindSellable {
  constructor(private readonly database: Database) {}

  /** In the order of the references; `undefined` for a product that is unknown or not active. One statement. */
  async execute(references: readonly ProductReference[]): Promise<(ProductForSale | undefined)[]> {
    const rows = await this.database.query<SellableRow>(findSellable, [
      references.map(({ productId }) => productId ?? null),
      references.map(({ sku }) => sku ?? null),
    ]);
    const found = new Array<ProductForSale | undefined>(references.length).fill(undefined);
    for (const { place, productId, sku, name, priceAmount, currency, available } of rows) {
      found[place - 1] = { productId, sku, name, unitPrice: money(priceAmount, currency), available };
    }
    return found;
  }
}
