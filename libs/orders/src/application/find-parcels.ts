import { Injectable } from '@nestjs/common';
import { DomainError } from '#kernel';
import { Database, statement } from '#platform/database';
import { orderErrors } from '../domain/order.errors.js';
import type { Fulfillment, OrderReturn } from '../domain/order.repository.js';
import { FindOrders } from './find-orders.js';
import { type FulfillmentView, toFulfillmentView } from './fulfil-order.js';
import { type ReturnView, toReturnView } from './return-order.js';

/** The newest of an order that are shown: an order leaves in a few parcels. */
const PARCELS_LIMIT = 100;

const fulfillmentsOfOrder = statement(
  'orders.fulfillments',
  `SELECT id, order_id AS "orderId", lines, tracking_number AS "trackingNumber", carrier, created_at AS "createdAt"
     FROM orders.fulfillments WHERE order_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2`,
);
const returnsOfOrder = statement(
  'orders.returns',
  `SELECT id, order_id AS "orderId", lines, reason, created_at AS "createdAt"
     FROM orders.returns WHERE order_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2`,
);

/** Reads what left an order and what came back of it, newest first. */
@Injectable()
export class FindParcels {
  constructor(
    private readonly database: Database,
    private readonly findOrders: FindOrders,
  ) {}

  /** @throws DomainError order_not_found */
  async fulfillments(orderId: string): Promise<FulfillmentView[]> {
    return (await this.read<Fulfillment>(fulfillmentsOfOrder, orderId)).map(toFulfillmentView);
  }

  /** @throws DomainError order_not_found */
  async returns(orderId: string): Promise<ReturnView[]> {
    return (await this.read<OrderReturn>(returnsOfOrder, orderId)).map(toReturnView);
  }

  private async read<Row extends object>(
    parcels: ReturnType<typeof statement>,
    orderId: string,
  ): Promise<Row[]> {
    const rows = await this.database.query<Row>(parcels, [orderId, PARCELS_LIMIT]);
    if (rows.length === 0 && (await this.findOrders.customerOf(orderId)) === undefined) {
      throw new DomainError(orderErrors.order_not_found);
    }
    return rows;
  }
}
