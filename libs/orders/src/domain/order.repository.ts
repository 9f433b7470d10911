import type { LinePieces, Order } from './order.js';

/** What left the house in one parcel. */
export interface Fulfillment {
  readonly id: string;
  readonly orderId: string;
  readonly lines: readonly LinePieces[];
  readonly trackingNumber: string | null;
  readonly carrier: string | null;
  readonly createdAt: Date;
}

/** Pieces that came back, and whether they can be sold again. */
export interface ReturnedPieces extends LinePieces {
  readonly restock: boolean;
}

/** What came back of an order at one time. */
export interface OrderReturn {
  readonly id: string;
  readonly orderId: string;
  readonly lines: readonly ReturnedPieces[];
  readonly reason: string | null;
  readonly createdAt: Date;
}

/** Where orders are kept. */
export abstract class OrderRepository {
  /**
   * Stores a new order in the running transaction.
   *
   * @throws DomainError order_exists
   */
  abstract add(order: Order): Promise<void>;

  /**
   * Loads an order under its lock, lets `change` change it, and saves it with its timeline and events.
   *
   * @throws DomainError order_not_found
   */
  abstract update<T>(orderId: string, change: (order: Order) => T | Promise<T>): Promise<T>;

  abstract addFulfillment(fulfillment: Fulfillment): Promise<void>;

  /** @throws DomainError return_exists */
  abstract addReturn(orderReturn: OrderReturn): Promise<void>;

  /** Orders whose payment window is over and that hold no money on its way, oldest first. */
  abstract dueToExpire(now: Date, limit: number): Promise<string[]>;

  /** Orders that are fulfilled and paid for and have not changed since, oldest change first. */
  abstract dueToComplete(unchangedSince: Date, limit: number): Promise<string[]>;
}
