import { Injectable } from '@nestjs/common';
import { Database } from '#platform/database';
import { StockRepository } from '../domain/stock.repository.js';

/** The order is paid for: what it reserved is its own until it is shipped or given back. */
@Injectable()
export class CommitReservations {
  constructor(
    private readonly database: Database,
    private readonly stock: StockRepository,
  ) {}

  async execute(orderId: string): Promise<void> {
    await this.database.transaction(() => this.stock.commit(orderId));
  }
}
