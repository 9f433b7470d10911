import { Injectable } from '@nestjs/common';
import { Database } from '#platform/database';
import { quantitiesByProduct, type StockQuantity } from '../domain/reservation.js';
import { StockRepository } from '../domain/stock.repository.js';
import { AvailabilityAnnouncer } from './availability-announcer.js';

/** Pieces that an order had shipped came back and can be sold again. Whether it had is for the order to know. */
@Injectable()
export class ReturnStock {
  constructor(
    private readonly database: Database,
    private readonly stock: StockRepository,
    private readonly announcer: AvailabilityAnnouncer,
  ) {}

  /** @throws DomainError stock_limit_exceeded */
  async execute(orderId: string, lines: readonly StockQuantity[]): Promise<void> {
    await this.database.transaction(async () => {
      await this.announcer.announce(await this.stock.takeBack(orderId, quantitiesByProduct(lines)));
    });
  }
}
