import { Injectable } from '@nestjs/common';
import type { Currency } from '#kernel';
import { Database, statement } from '#platform/database';
import type { ProductText } from '../products/product.schema.js';

/** A product that an import created or changed. */
export interface MergedProduct {
  readonly id: string;
  readonly sku: string;
  readonly name: string;
  readonly priceAmount: number;
  readonly currency: Currency;
  readonly active: boolean;
  readonly version: number;
}

interface MergeRow {
  staged: number;
  lastSku: string | null;
  merged: MergedProduct[] | null;
}

/** Rows of an import that was cut off, by a crash for instance, are forgotten after this time. */
const ABANDONED_AFTER_HOURS = 24;

const stageRows = statement(
  'catalog.stage_import_rows',
  `INSERT INTO catalog.import_rows (import_id, sku, name, description, price_amount, currency, active)
   SELECT $1, r.* FROM json_to_recordset($2::json) AS r
     (sku text, name text, description text, "priceAmount" bigint, currency text, active boolean)
   ON CONFLICT DO NOTHING
   RETURNING sku`,
);
const mergeRows = statement(
  'catalog.merge_import_rows',
  `WITH
   staged AS MATERIALIZED (
     SELECT sku, name, description, price_amount, currency, active
       FROM catalog.import_rows
      WHERE import_id = $1 AND sku > $2
      ORDER BY sku
      LIMIT $3
   ),
   merged AS (
     INSERT INTO catalog.products AS p
       (id, sku, name, description, price_amount, currency, active, created_at, updated_at)
     SELECT uuidv7(), sku, name, description, price_amount, currency, active, $4, $4 FROM staged
     ON CONFLICT (sku) DO UPDATE
       SET name = excluded.name, description = excluded.description, price_amount = excluded.price_amount,
           currency = excluded.currency, active = excluded.active, version = p.version + 1,
           updated_at = excluded.updated_at
       WHERE (p.name, p.description, p.price_amount, p.currency, p.active) IS DISTINCT FROM
             (excluded.name, excluded.description, excluded.price_amount, excluded.currency, excluded.active)
     RETURNING p.id, p.sku, p.name, p.price_amount AS "priceAmount", p.currency, p.active, p.version
   ),
   stocked AS (
     INSERT INTO catalog.stock_levels (product_id) SELECT id FROM merged WHERE version = 1
   )
   SELECT (SELECT count(*) FROM staged) AS staged, (SELECT max(sku) FROM staged) AS "lastSku",
          (SELECT json_agg(merged) FROM merged) AS merged`,
);
const discardRows = statement(
  'catalog.discard_import_rows',
  `DELETE FROM catalog.import_rows
    WHERE import_id = $1 OR staged_at < now() - interval '${ABANDONED_AFTER_HOURS} hours'`,
);

/**
 * Where the good rows of an import wait until all of the file has been read. So no transaction is open while a client
 * sends its file, at whatever pace, and duplicates are found without holding every SKU in memory.
 */
@Injectable()
export class StagedRows {
  constructor(private readonly database: Database) {}

  /** Adds rows of an import. Returns the SKUs that it had not had before. */
  async add(importId: string, products: readonly ProductText[]): Promise<Set<string>> {
    const rows = products.map(({ price, ...product }) => ({
      ...product,
      priceAmount: price.amount,
      currency: price.currency,
    }));
    const added = await this.database.query<{ sku: string }>(stageRows, [importId, JSON.stringify(rows)]);
    return new Set(added.map(({ sku }) => sku));
  }

  /** Creates or changes the products of the next rows in the order of their SKUs, at most `limit`. */
  async merge(
    importId: string,
    afterSku: string,
    limit: number,
    now: Date,
  ): Promise<{ staged: number; lastSku: string | null; merged: readonly MergedProduct[] }> {
    const row = await this.database.queryOne<MergeRow>(mergeRows, [importId, afterSku, limit, now]);
    return { staged: row?.staged ?? 0, lastSku: row?.lastSku ?? null, merged: row?.merged ?? [] };
  }

  /** Forgets the rows of an import, and those of abandoned ones. */
  async discard(importId: string): Promise<void> {
    await this.database.query(discardRows, [importId]);
  }
}
