import { Injectable } from '@nestjs/common';
import { EventBus } from '#platform/messaging';
import { stockAvailabilityChanged } from '../catalog.events.js';
import { availabilityOf } from '../domain/availability.js';
import type { AvailabilityChange } from '../domain/stock.repository.js';

/** Says what shoppers are now told about a product's stock, in the transaction that changed it. */
@Injectable()
export class AvailabilityAnnouncer {
  constructor(private readonly bus: EventBus) {}

  async announce(changes: readonly AvailabilityChange[]): Promise<void> {
    for (const { productId, availableBefore, available, version } of changes) {
      await this.bus.publish(stockAvailabilityChanged, {
        aggregateId: productId,
        sequence: version,
        data: { productId, previous: availabilityOf(availableBefore), current: availabilityOf(available) },
      });
    }
  }
}
