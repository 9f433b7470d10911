import { CACHE_MANAGER, type Cache } from '@nestjs/cache-manager';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Database } from '#platform/database';
import { EventBus } from '#platform/messaging';
import { productUpdated, stockAvailabilityChanged } from '../catalog.events.js';
import type { ProductView } from './product.schema.js';

/** A product as it is answered, with the entity tag of this representation. */
export interface TaggedProduct {
  readonly view: ProductView;
  readonly etag: string;
}

interface Flight {
  readonly loaded: Promise<TaggedProduct | undefined>;
  /** Set when the product changed while it was being loaded: then what was loaded may be old. */
  stale: boolean;
}

/**
 * The cache before reads of one product. Many requests for a product that is not cached load it once, and a change
 * that overtakes a load keeps the old state out of the cache. Another process learns of a change when its entry ends.
 */
@Injectable()
export class ProductCache implements OnModuleInit {
  private readonly flights = new Map<string, Flight>();

  constructor(
    @Inject(CACHE_MANAGER) private readonly cache: Cache,
    private readonly bus: EventBus,
    private readonly database: Database,
  ) {}

  onModuleInit(): void {
    const evictAfterCommit = ({ aggregateId }: { aggregateId: string }): Promise<void> => {
      this.database.afterCommit(() => void this.evict(aggregateId));
      return Promise.resolve();
    };
    this.bus.onPublish(productUpdated, evictAfterCommit);
    this.bus.onPublish(stockAvailabilityChanged, evictAfterCommit);
  }

  /** The product from the cache, or else what `load` finds. What does not exist is not remembered. */
  async get(id: string, load: () => Promise<TaggedProduct | undefined>): Promise<TaggedProduct | undefined> {
    const cached = await this.cache.get<TaggedProduct>(keyOf(id));
    if (cached) return cached;
    const running = this.flights.get(id);
    if (running) return running.loaded;
    const flight: Flight = { loaded: load(), stale: false };
    this.flights.set(id, flight);
    try {
      const product = await flight.loaded;
      if (product && !flight.stale) await this.store(id, product, flight);
      return product;
    } finally {
      if (this.flights.get(id) === flight) this.flights.delete(id);
    }
  }

  async evict(id: string): Promise<void> {
    const flight = this.flights.get(id);
    if (flight) {
      flight.stale = true;
      this.flights.delete(id);
    }
    await this.cache.del(keyOf(id));
  }

  private async store(id: string, product: TaggedProduct, flight: Flight): Promise<void> {
    await this.cache.set(keyOf(id), product);
    if (flight.stale) await this.cache.del(keyOf(id));
  }
}

function keyOf(id: string): string {
  return `catalog:product:${id}`;
}
