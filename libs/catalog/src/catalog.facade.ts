import { Injectable } from '@nestjs/common';
import { CommitReservations } from './application/commit-reservations.js';
import { FindReservations, type ReservationView } from './application/find-reservations.js';
import { FindSellable, type ProductForSale, type ProductReference } from './application/find-sellable.js';
import { ReleaseReservations } from './application/release-reservations.js';
import { ReserveStock } from './application/reserve-stock.js';
import { ReturnStock } from './application/return-stock.js';
import { ShipStock } from './application/ship-stock.js';
import type { ReservationRelease, StockQuantity } from './domain/reservation.js';

/**
 * What an order may ask of the catalog. Everything takes part in the caller's transaction, and each call is one
 * statement, however many lines the order has. The caller holds the order's own lock before it touches stock; the
 * levels are locked by product id, so orders that share products never wait for each other in a circle.
 */
@Injectable()
export class CatalogFacade {
  constructor(
    private readonly sellable: FindSellable,
    private readonly reserveStock: ReserveStock,
    private readonly committer: CommitReservations,
    private readonly releaser: ReleaseReservations,
    private readonly shipStock: ShipStock,
    private readonly returnStock: ReturnStock,
    private readonly reservations: FindReservations,
  ) {}

  /** The products of the references, in their order; `undefined` for one that is unknown or not active. */
  findSellable(references: readonly ProductReference[]): Promise<(ProductForSale | undefined)[]> {
    return this.sellable.execute(references);
  }

  /**
   * Reserves for an order, once in its life. Several lines may name one product.
   *
   * @param lines positive whole quantities
   * @throws DomainError insufficient_stock with `lines: [{ productId, requested, available }]` for every product that
   *   is short; nothing is reserved then
   */
  reserve(orderId: string, lines: readonly StockQuantity[]): Promise<void> {
    return this.reserveStock.execute(orderId, lines);
  }

  /** The order is confirmed: its active reservations become committed. Without effect the second time. */
  commitReservations(orderId: string): Promise<void> {
    return this.committer.execute(orderId);
  }

  /**
   * Gives back all that the order holds and has not shipped. `expired` is for an order that was not paid in time and
   * leaves committed reservations alone. Without effect the second time.
   */
  releaseReservations(orderId: string, resolution: ReservationRelease): Promise<void> {
    return this.releaser.execute(orderId, resolution);
  }

  /**
   * Committed pieces leave the house: on hand and reserved go down together.
   *
   * @throws DomainError shipment_exceeds_reservation with `lines: [{ productId, requested, reserved }]`; nothing is
   *   shipped then
   */
  ship(orderId: string, lines: readonly StockQuantity[]): Promise<void> {
    return this.shipStock.execute(orderId, lines);
  }

  /**
   * Pieces that the order had shipped are on hand again and can be sold. The caller answers for it that they had left.
   *
   * @throws DomainError stock_limit_exceeded when a product cannot hold them; nothing comes back then
   */
  returnToStock(orderId: string, lines: readonly StockQuantity[]): Promise<void> {
    return this.returnStock.execute(orderId, lines);
  }

  /** All that was ever reserved for the orders, to compare it with them. */
  reservationsOf(orderIds: readonly string[]): Promise<ReservationView[]> {
    return this.reservations.execute(orderIds);
  }
}
