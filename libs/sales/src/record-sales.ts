import { Injectable, type OnModuleInit } from '@nestjs/common';
import { EventBus } from '#platform/messaging';
import { movementsOf, SALES_EVENTS } from './movements.js';
import { SalesStore } from './sales.store.js';

/** Counts sales as their events come. */
@Injectable()
export class RecordSales implements OnModuleInit {
  constructor(
    private readonly bus: EventBus,
    private readonly store: SalesStore,
  ) {}

  onModuleInit(): void {
    this.bus.consume({
      name: 'sales.daily',
      types: SALES_EVENTS,
      apply: async (event) => {
        const generation = await this.store.holdCurrent();
        await this.store.add(generation, movementsOf(event));
      },
    });
  }
}
