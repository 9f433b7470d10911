import { Injectable } from '@nestjs/common';
import { Database } from '#platform/database';
import type { ReservationRelease } from '../domain/reservation.js';
import { StockRepository } from '../domain/stock.repository.js';
import { AvailabilityAnnouncer } from './availability-announcer.js';

/** The order gives back what it holds and has not shipped. The second time there is nothing left to give back. */
@Injectable()
export class ReleaseReservations {
  constructor(
    private readonly database: Database,
    private readonly stock: StockRepository,
    private readonly announcer: AvailabilityAnnouncer,
  ) {}

  async execute(orderId: string, as: ReservationRelease): Promise<void> {
    await this.database.transaction(async () => {
      await this.announcer.announce(await this.stock.release(orderId, as));
    });
  }
}
