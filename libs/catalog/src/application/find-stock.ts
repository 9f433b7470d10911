import { Injectable } from '@nestjs/common';
import { DomainError } from '#kernel';
import { Database, statement } from '#platform/database';
import { type Page, type PageRequest, Paginator } from '#platform/http';
import { catalogErrors } from '../domain/catalog.errors.js';
import type { StockLevel } from '../domain/stock-level.js';
import type { JournaledMovement } from '../domain/stock.repository.js';

/** Sorts after every UUID, so that the first page needs no statement of its own. */
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

const readLevel = statement(
  'catalog.read_stock_level',
  'SELECT on_hand AS "onHand", reserved FROM catalog.stock_levels WHERE product_id = $1',
);

/** The ids are UUIDv7 drawn under the lock of the level: their order is the order of the movements. */
const readJournal = statement(
  'catalog.read_stock_journal',
  `SELECT id, product_id AS "productId", kind, quantity, on_hand_delta AS "onHandDelta",
          reserved_delta AS "reservedDelta", order_id AS "orderId", reason, actor, occurred_at AS "occurredAt"
     FROM catalog.stock_movements
    WHERE product_id = $1 AND id < $2
    ORDER BY id DESC
    LIMIT $3`,
);

/** Reads of stock for staff. */
@Injectable()
export class FindStock {
  constructor(
    private readonly database: Database,
    private readonly paginator: Paginator,
  ) {}

  /** @throws DomainError product_not_found */
  async level(productId: string): Promise<StockLevel> {
    const level = await this.database.queryOne<StockLevel>(readLevel, [productId]);
    if (!level) throw new DomainError(catalogErrors.product_not_found);
    return level;
  }

  /**
   * The movements of a product, newest first.
   *
   * @throws DomainError product_not_found, invalid_cursor
   */
  async journal(productId: string, request: PageRequest): Promise<Page<JournaledMovement>> {
    await this.level(productId);
    return this.paginator.page<JournaledMovement>(
      'catalog.stock_movements',
      { productId },
      request,
      ({ id }) => [id],
      (after, limit) => this.database.query(readJournal, [productId, after?.[0] ?? LAST_ID, limit]),
    );
  }
}
