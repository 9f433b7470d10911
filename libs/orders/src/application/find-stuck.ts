import { Injectable } from '@nestjs/common';
import { PaymentsFacade, type StuckPayments } from '#payments';
import { Database, statement } from '#platform/database';
import type { OrderStatus } from '../domain/order-status.js';

/** An order that does not come to its end by itself. */
export interface StuckOrder {
  id: string;
  number: string;
  status: OrderStatus;
  paymentId: string;
  paymentStatus: string;
  updatedAt: string;
}

export interface StuckView extends StuckPayments {
  orders: StuckOrder[];
}

/** A cancellation that takes longer than this waits for something. */
const USUAL_SECONDS = 60;
const SHOWN = 100;

const stuckOrders = statement(
  'orders.stuck',
  `SELECT id, number, status, payment_id AS "paymentId", payment_status AS "paymentStatus", updated_at AS "updatedAt"
     FROM orders.orders
    WHERE status = 'cancel_pending' AND updated_at < now() - interval '${USUAL_SECONDS} seconds'
    ORDER BY updated_at LIMIT ${SHOWN}`,
);

/** What needs somebody to look at it: cancellations that wait, and what is stuck of the payments. Oldest first. */
@Injectable()
export class FindStuck {
  constructor(
    private readonly database: Database,
    private readonly payments: PaymentsFacade,
  ) {}

  async execute(): Promise<StuckView> {
    const rows = await this.database.query<Omit<StuckOrder, 'updatedAt'> & { updatedAt: Date }>(stuckOrders);
    const orders = rows.map(({ updatedAt, ...row }) => ({ ...row, updatedAt: updatedAt.toISOString() }));
    return { orders, ...(await this.payments.stuck()) };
  }
}
