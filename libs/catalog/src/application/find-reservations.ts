import { Injectable } from '@nestjs/common';
import { Database, statement } from '#platform/database';
import type { ReservationStatus } from '../domain/reservation.js';

/** What an order has of a product, in pieces. */
export interface ReservationView {
  readonly orderId: string;
  readonly productId: string;
  readonly status: ReservationStatus;
  readonly quantity: number;
  readonly shipped: number;
  readonly released: number;
}

const reservationsOfOrders = statement(
  'catalog.reservations_of_orders',
  `SELECT order_id AS "orderId", product_id AS "productId", status, quantity, shipped, released
     FROM catalog.reservations WHERE order_id = ANY($1::uuid[])`,
);

/** Reads reservations, for whoever compares them with orders. */
@Injectable()
export class FindReservations {
  constructor(private readonly database: Database) {}

  async execute(orderIds: readonly string[]): Promise<ReservationView[]> {
    return this.database.query<ReservationView>(reservationsOfOrders, [orderIds]);
  }
}
