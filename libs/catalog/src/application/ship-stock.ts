import { Injectable } from '@nestjs/common';
import { DomainError } from '#kernel';
import { Database } from '#platform/database';
import { catalogErrors } from '../domain/catalog.errors.js';
import { quantitiesByProduct, type StockQuantity } from '../domain/reservation.js';
import { StockRepository } from '../domain/stock.repository.js';

/** Pieces that an order had committed leave the house: all of the lines, or none. What can be sold stays the same. */
@Injectable()
export class ShipStock {
  constructor(
    private readonly database: Database,
    private readonly stock: StockRepository,
  ) {}

  /** @throws DomainError shipment_exceeds_reservation, with `lines: [{ productId, requested, reserved }]` */
  async execute(orderId: string, lines: readonly StockQuantity[]): Promise<void> {
    await this.database.transaction(async () => {
      const shortages = await this.stock.ship(orderId, quantitiesByProduct(lines));
      if (shortages.length > 0) {
        throw new DomainError(catalogErrors.shipment_exceeds_reservation, {
          extensions: {
            lines: shortages.map(({ productId, requested, available }) => ({
              productId,
              requested,
              reserved: available,
            })),
          },
        });
      }
    });
  }
}
