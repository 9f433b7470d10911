import { Injectable } from '@nestjs/common';
import { DomainError } from '#kernel';
import { Database } from '#platform/database';
import { catalogErrors } from '../domain/catalog.errors.js';
import { quantitiesByProduct, type StockQuantity } from '../domain/reservation.js';
import { StockRepository } from '../domain/stock.repository.js';
import { AvailabilityAnnouncer } from './availability-announcer.js';

/** Reserves all that an order needs, or nothing. */
@Injectable()
export class ReserveStock {
  constructor(
    private readonly database: Database,
    private readonly stock: StockRepository,
    private readonly announcer: AvailabilityAnnouncer,
  ) {}

  /** @throws DomainError insufficient_stock, with `lines: [{ productId, requested, available }]` of all that are short */
  async execute(orderId: string, lines: readonly StockQuantity[]): Promise<void> {
    await this.database.transaction(async () => {
      const { shortages, changes } = await this.stock.reserve(orderId, quantitiesByProduct(lines));
      if (shortages.length > 0) {
        throw new DomainError(catalogErrors.insufficient_stock, { extensions: { lines: shortages } });
      }
      await this.announcer.announce(changes);
    });
  }
}
