import { Injectable } from '@nestjs/common';
import { Database, statement } from '#platform/database';
import type { Movement } from './movements.js';

const FIGURES = `orders, sold_quantity, sold_amount, canceled_quantity, canceled_amount, returned_quantity,
  refunded_amount`;

const currentGeneration = statement('sales.current_generation', 'SELECT generation FROM sales.current');
const newGeneration = statement(
  'sales.new_generation',
  `SELECT nextval('sales.generation_numbers') AS generation`,
);
const switchGeneration = statement('sales.switch_generation', 'UPDATE sales.current SET generation = $1');
// A movement that is there already came with the same event.
const addMovements = statement(
  'sales.add_movements',
  `INSERT INTO sales.movements (generation, event_id, day, product_id, currency, ${FIGURES})
   SELECT $1, "eventId", day, "productId", currency, orders, "soldQuantity", "soldAmount", "canceledQuantity",
          "canceledAmount", "returnedQuantity", "refundedAmount"
     FROM json_to_recordset($2::json) AS movement ("eventId" uuid, day date, "productId" uuid, currency text,
          orders integer, "soldQuantity" bigint, "soldAmount" bigint, "canceledQuantity" bigint,
          "canceledAmount" bigint, "returnedQuantity" bigint, "refundedAmount" bigint)
   ON CONFLICT DO NOTHING`,
);
const eventsMissing = statement(
  'sales.events_missing',
  `SELECT DISTINCT event_id AS id FROM sales.movements old
    WHERE generation = $1 AND ($3::uuid IS NULL OR event_id > $3)
      AND NOT EXISTS (SELECT FROM sales.movements fresh
                       WHERE fresh.generation = $2 AND fresh.event_id = old.event_id)
    ORDER BY event_id LIMIT $4`,
);
const copyMovements = statement(
  'sales.copy_movements',
  `INSERT INTO sales.movements (generation, event_id, day, product_id, currency, ${FIGURES})
   SELECT $2, event_id, day, product_id, currency, ${FIGURES}
     FROM sales.movements WHERE generation = $1 AND event_id = ANY($3::uuid[])
   ON CONFLICT DO NOTHING`,
);
const dropMovements = statement(
  'sales.drop_movements',
  `DELETE FROM sales.movements WHERE (generation, event_id, product_id) IN (
     SELECT generation, event_id, product_id FROM sales.movements
      WHERE generation BETWEEN $1 AND $2 ORDER BY generation, event_id LIMIT $3)
   RETURNING 1`,
);

const BATCH_SIZE = 10_000;

/**
 * What was counted, a row per event and product. Rows belong to a generation, and one of these is current: another one
 * is counted beside it and becomes current at once.
 */
@Injectable()
export class SalesStore {
  constructor(private readonly database: Database) {}

  async current(): Promise<number> {
    const row = await this.database.queryOne<{ generation: number }>(currentGeneration);
    if (!row) throw new Error('sales.current has no row: the migrations make it, and nothing deletes it.');
    return row.generation;
  }

  /** The generation that stays current until the running transaction ends. */
  async holdCurrent(): Promise<number> {
    await this.database.lock('sales', 'generation', { shared: true });
    return this.current();
  }

  /** Like `holdCurrent`, while nobody else adds to it. */
  async holdCurrentAlone(): Promise<number> {
    await this.database.lock('sales', 'generation');
    return this.current();
  }

  /** A number that is higher than all before. */
  async newGeneration(): Promise<number> {
    const row = await this.database.queryOne<{ generation: number }>(newGeneration);
    return row?.generation ?? 0;
  }

  /** Adds movements; those of an event that is counted already are not counted again. */
  async add(generation: number, movements: readonly Movement[]): Promise<void> {
    if (movements.length === 0) return;
    await this.database.query(addMovements, [generation, JSON.stringify(movements)]);
  }

  /** Events that `from` has counted and `to` has not, in the order of their ids, after one of them. */
  async missing(from: number, to: number, after: string | undefined, limit: number): Promise<string[]> {
    const values = [from, to, after ?? null, limit];
    return (await this.database.query<{ id: string }>(eventsMissing, values)).map(({ id }) => id);
  }

  async copy(from: number, to: number, eventIds: readonly string[]): Promise<void> {
    if (eventIds.length > 0) await this.database.query(copyMovements, [from, to, eventIds]);
  }

  /** Makes a generation the current one, in the running transaction. */
  async switchTo(generation: number): Promise<void> {
    await this.database.query(switchGeneration, [generation]);
  }

  /** Deletes what belongs to the generations from `first` to `last`. */
  async drop(first: number, last: number): Promise<void> {
    while ((await this.database.query(dropMovements, [first, last, BATCH_SIZE])).length === BATCH_SIZE);
  }
}
