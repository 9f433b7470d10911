import { Injectable } from '@nestjs/common';
import { actorReference, type Currency, DomainError } from '#kernel';
import { currentContext } from '#platform/context';
import { Database, isUniqueViolation, statement } from '#platform/database';
import { EventBus } from '#platform/messaging';
import {
  ORDER_LINE_MEMBERS,
  type OrderColumns,
  type OrderLineColumns,
} from '../application/order-columns.js';
import { Order, type OrderLine, type OrderState } from '../domain/order.js';
import { orderErrors } from '../domain/order.errors.js';
import { type Fulfillment, OrderRepository, type OrderReturn } from '../domain/order.repository.js';
import { orderEvents } from '../orders.events.js';

interface OrderRow extends OrderColumns {
  expires_at: Date;
  closed_returned_amount: number | null;
  lines: LineRow[];
}

interface LineRow extends OrderLineColumns {
  position: number;
  allocatedAmount: number;
}

/** What belongs to an order is written from its own row, so that an id that is taken is refused there first. */
const TIMELINE = `timeline AS (
     INSERT INTO orders.timeline (order_id, version, from_status, to_status, cause, reason, actor, request_id, occurred_at)
     SELECT stored.id, version, "from", "to", change, reason, $3, $4, "occurredAt"
       FROM stored, json_to_recordset($2) AS entry (version integer, "from" text, "to" text, change text, reason text,
         "occurredAt" timestamptz))`;

const insertOrder = statement(
  'orders.insert',
  `WITH stored AS (
     INSERT INTO orders.orders (id, number, status, customer_id, email, currency, subtotal_amount, shipping_amount,
       tax_amount, total_amount, payment_id, payment_status, payment_outcome, shipping_address, metadata, version,
       placed_at, updated_at, expires_at)
     VALUES ($1, 'SY-' || nextval('orders.order_numbers'), $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
       $18, $19, $19, $20)
     RETURNING id
   ), ${TIMELINE}
   INSERT INTO orders.order_lines (id, order_id, position, product_id, sku, name, quantity, unit_price_amount,
     total_amount, allocated_amount)
   SELECT line.id, stored.id, position, "productId", sku, name, quantity, "unitPriceAmount", "totalAmount",
          "allocatedAmount"
     FROM stored, json_to_recordset($21) AS line (id uuid, position integer, "productId" uuid, sku text, name text,
       quantity bigint, "unitPriceAmount" bigint, "totalAmount" bigint, "allocatedAmount" bigint)`,
);
const loadOrder = statement(
  'orders.load',
  `SELECT o.*, (SELECT coalesce(json_agg(json_build_object(${ORDER_LINE_MEMBERS},
       'position', l.position, 'allocatedAmount', l.allocated_amount) ORDER BY l.position), '[]')
     FROM orders.order_lines l WHERE l.order_id = o.id) AS lines
   FROM orders.orders o WHERE o.id = $1`,
);
const updateOrder = statement(
  'orders.update',
  `WITH stored AS (
     UPDATE orders.orders SET status = $5, payment_status = $6, payment_outcome = $7, decline_code = $8, version = $9,
       updated_at = $10, customer_id = $12, closed_at = $13,
       closed_returned_amount = $14, email = $15 WHERE id = $1
     RETURNING id
   ), ${TIMELINE}
   UPDATE orders.order_lines l
      SET fulfilled_quantity = line."fulfilledQuantity", canceled_quantity = line."canceledQuantity",
          returned_quantity = line."returnedQuantity", refunded_amount = line."refundedAmount"
     FROM json_to_recordset($11) AS line (id uuid, "fulfilledQuantity" bigint, "canceledQuantity" bigint,
       "returnedQuantity" bigint, "refundedAmount" bigint)
    WHERE l.id = line.id`,
);
const insertFulfillment = statement(
  'orders.insert_fulfillment',
  `INSERT INTO orders.fulfillments (id, order_id, lines, tracking_number, carrier, created_at)
   VALUES ($1, $2, $3, $4, $5, $6)`,
);
const insertReturn = statement(
  'orders.insert_return',
  'INSERT INTO orders.returns (id, order_id, lines, reason, created_at) VALUES ($1, $2, $3, $4, $5)',
);
const dueToExpire = statement(
  'orders.due_to_expire',
  `SELECT id FROM orders.orders
    WHERE status = 'pending_payment' AND expires_at <= $1 AND payment_outcome IS NULL ORDER BY expires_at LIMIT $2`,
);
const dueToComplete = statement(
  'orders.due_to_complete',
  `SELECT id FROM orders.orders
    WHERE status = 'fulfilled' AND payment_status = 'captured' AND updated_at <= $1 ORDER BY updated_at LIMIT $2`,
);

@Injectable()
export class SqlOrderRepository extends OrderRepository {
  constructor(
    private readonly database: Database,
    private readonly bus: EventBus,
  ) {
    super();
  }

  override async add(order: Order): Promise<void> {
    const { state } = order;
    try {
      await this.database.query(insertOrder, [
        state.id,
        ...timelineValues(order),
        state.status,
        state.customerId,
        state.email,
        state.currency,
        state.subtotal.amount,
        state.shipping.amount,
        state.tax.amount,
        state.total.amount,
        state.payment.id,
        state.payment.status,
        state.payment.outcome,
        state.shippingAddress,
        state.metadata,
        state.version,
        state.placedAt,
        state.expiresAt,
        JSON.stringify(order.lines.map(toLineRow)),
      ]);
    } catch (error) {
      if (isUniqueViolation(error, 'orders_pkey'))
        throw new DomainError(orderErrors.order_exists, { cause: error });
      throw error;
    }
    await this.publish(order);
  }

  override async update<T>(orderId: string, change: (order: Order) => T | Promise<T>): Promise<T> {
    return this.database.transaction(async () => {
      await this.database.lock('order', orderId);
      const row = await this.database.queryOne<OrderRow>(loadOrder, [orderId]);
      if (!row) throw new DomainError(orderErrors.order_not_found);
      const order = Order.rehydrate(toState(row), row.lines.map(toLine(row.currency)));
      const result = await change(order);
      await this.save(order);
      return result;
    });
  }

  override async addFulfillment(fulfillment: Fulfillment): Promise<void> {
    const { id, orderId, lines, trackingNumber, carrier, createdAt } = fulfillment;
    await this.database.query(insertFulfillment, [
      id,
      orderId,
      JSON.stringify(lines),
      trackingNumber,
      carrier,
      createdAt,
    ]);
  }

  override async addReturn({ id, orderId, lines, reason, createdAt }: OrderReturn): Promise<void> {
    try {
      await this.database.query(insertReturn, [id, orderId, JSON.stringify(lines), reason, createdAt]);
    } catch (error) {
      if (isUniqueViolation(error, 'returns_pkey'))
        throw new DomainError(orderErrors.return_exists, { cause: error });
      throw error;
    }
  }

  override async dueToExpire(now: Date, limit: number): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>(dueToExpire, [now, limit]);
    return rows.map(({ id }) => id);
  }

  override async dueToComplete(unchangedSince: Date, limit: number): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>(dueToComplete, [unchangedSince, limit]);
    return rows.map(({ id }) => id);
  }

  private async save(order: Order): Promise<void> {
    if (order.changes.timeline.length === 0) return;
    const { state } = order;
    await this.database.query(updateOrder, [
      state.id,
      ...timelineValues(order),
      state.status,
      state.payment.status,
      state.payment.outcome,
      state.payment.declineCode,
      state.version,
      state.updatedAt,
      JSON.stringify([...order.changes.lines.values()].map(toLineRow)),
      state.customerId,
      state.closing?.at ?? null,
      state.closing?.returnedMinor ?? null,
      state.email,
    ]);
    await this.publish(order);
  }

  private async publish(order: Order): Promise<void> {
    const { state } = order;
    for (const { change, version, from, to, lines } of order.changes.timeline) {
      await this.bus.publish(orderEvents[change], {
        aggregateId: state.id,
        sequence: version,
        data: {
          orderId: state.id,
          status: to,
          previousStatus: from,
          customerId: state.customerId,
          paymentId: state.payment.id,
          paymentStatus: state.payment.status,
          currency: state.currency,
          totalAmount: state.total.amount,
          lines: lines.map((line) => ({ ...line })),
        },
      });
    }
  }
}

function timelineValues(order: Order): [string, string, string] {
  const { actor, requestId } = currentContext();
  return [JSON.stringify(order.changes.timeline), actorReference(actor), requestId];
}

function toLineRow(line: OrderLine, position: number): LineRow {
  return {
    id: line.id,
    position,
    productId: line.productId,
    sku: line.sku,
    name: line.name,
    quantity: line.quantity,
    unitPriceAmount: line.unitPrice.amount,
    totalAmount: line.total.amount,
    allocatedAmount: line.allocated.amount,
    fulfilledQuantity: line.fulfilledQuantity,
    canceledQuantity: line.canceledQuantity,
    returnedQuantity: line.returnedQuantity,
    refundedAmount: line.refundedAmount,
  };
}

function toLine(currency: Currency): (row: LineRow) => OrderLine {
  return (row) => ({
    id: row.id,
    productId: row.productId,
    sku: row.sku,
    name: row.name,
    quantity: row.quantity,
    unitPrice: { amount: row.unitPriceAmount, currency },
    total: { amount: row.totalAmount, currency },
    allocated: { amount: row.allocatedAmount, currency },
    fulfilledQuantity: row.fulfilledQuantity,
    canceledQuantity: row.canceledQuantity,
    returnedQuantity: row.returnedQuantity,
    refundedAmount: row.refundedAmount,
  });
}

function toState(row: OrderRow): OrderState {
  const inCurrency = (amount: number) => ({ amount, currency: row.currency });
  return {
    id: row.id,
    status: row.status,
    customerId: row.customer_id,
    email: row.email,
    currency: row.currency,
    subtotal: inCurrency(row.subtotal_amount),
    shipping: inCurrency(row.shipping_amount),
    tax: inCurrency(row.tax_amount),
    total: inCurrency(row.total_amount),
    payment: {
      id: row.payment_id,
      status: row.payment_status,
      outcome: row.payment_outcome,
      declineCode: row.decline_code,
    },
    shippingAddress: row.shipping_address,
    metadata: row.metadata,
    version: row.version,
    placedAt: row.placed_at,
    updatedAt: row.updated_at,
    expiresAt: row.expires_at,
    closing: row.closed_at ? { at: row.closed_at, returnedMinor: row.closed_returned_amount ?? 0 } : null,
  };
}
