import type { ReservationRelease, StockQuantity } from './reservation.js';
import type { StockLevel, StockMovement } from './stock-level.js';

/** A product of which fewer pieces are there than were asked for. */
export interface Shortage {
  readonly productId: string;
  readonly requested: number;
  readonly available: number;
}

/** A product whose availability has changed. */
export interface AvailabilityChange {
  readonly productId: string;
  /** Pieces that can be sold before and after. */
  readonly availableBefore: number;
  readonly available: number;
  /** Counts the changes of this product's availability from 1. */
  readonly version: number;
}

/** Either every product had enough and all of it moved, or some were short and nothing did. */
export interface StockOutcome {
  readonly shortages: readonly Shortage[];
  readonly changes: readonly AvailabilityChange[];
}

/** A movement with what the journal adds to it, and the level that it led to. */
export interface JournaledMovement extends StockMovement {
  readonly id: string;
  readonly productId: string;
  readonly orderId: string | null;
  readonly reason: string | null;
  readonly actor: string;
  readonly occurredAt: Date;
}

/**
 * Stock levels, reservations and the journal of their movements. Every method works in the running transaction and
 * locks the levels that it changes in the order of their product ids, so that no two of them wait for each other.
 */
export abstract class StockRepository {
  /** Reserves for an order that has reserved nothing yet. At most one entry per product. */
  abstract reserve(orderId: string, quantities: readonly StockQuantity[]): Promise<StockOutcome>;

  /** Has the order's active reservations hold until they are shipped. */
  abstract commit(orderId: string): Promise<void>;

  /** Gives back what the order holds and has not shipped. Finds nothing to do the second time. */
  abstract release(orderId: string, as: ReservationRelease): Promise<readonly AvailabilityChange[]>;

  /** Takes pieces of committed reservations out of the house. At most one entry per product. */
  abstract ship(orderId: string, quantities: readonly StockQuantity[]): Promise<readonly Shortage[]>;

  /**
   * Puts pieces that an order had shipped back on hand. At most one entry per product.
   *
   * @throws DomainError stock_limit_exceeded
   */
  abstract takeBack(
    orderId: string,
    quantities: readonly StockQuantity[],
  ): Promise<readonly AvailabilityChange[]>;

  /**
   * Locks the level of one product, has `decide` make a movement of it, and applies and journals that.
   *
   * @throws DomainError product_not_found, and whatever `decide` throws
   */
  abstract update(
    productId: string,
    decide: (level: StockLevel) => StockMovement,
    reason: string | null,
  ): Promise<{ movement: JournaledMovement; level: StockLevel; change: AvailabilityChange | undefined }>;
}
