import { Injectable } from '@nestjs/common';
import { Database } from '#platform/database';
import { adjust, receive, type StockCount, type StockLevel } from '../domain/stock-level.js';
import { type JournaledMovement, StockRepository } from '../domain/stock.repository.js';
import { AvailabilityAnnouncer } from './availability-announcer.js';

/** What staff report: goods that arrived, or a count of what is there. Quantities in pieces. */
export type StockReport =
  | { readonly kind: 'receive'; readonly quantity: number }
  | ({ readonly kind: 'adjust'; readonly reason: string } & StockCount);

/** Changes a product's stock by hand. */
@Injectable()
export class RecordStockMovement {
  constructor(
    private readonly database: Database,
    private readonly stock: StockRepository,
    private readonly announcer: AvailabilityAnnouncer,
  ) {}

  /** @throws DomainError product_not_found, stale_quantity, stock_reserved, stock_limit_exceeded */
  async execute(
    productId: string,
    report: StockReport,
  ): Promise<{ movement: JournaledMovement; level: StockLevel }> {
    return this.database.transaction(async () => {
      const { movement, level, change } = await this.stock.update(
        productId,
        (level) => (report.kind === 'receive' ? receive(level, report.quantity) : adjust(level, report)),
        report.kind === 'adjust' ? report.reason : null,
      );
      if (change) await this.announcer.announce([change]);
      return { movement, level };
    });
  }
}
