import type { Money } from '#kernel';
import type { OrderStatus } from '../domain/order-status.js';
import type { ShippingAddress } from '../domain/order.js';
import type { OrderColumns, OrderLineColumns } from './order-columns.js';

/** The words that an order takes over from its payment. */
export { CAPTURE_MODES, PAYMENT_STATUSES } from '#payments';

/** An order as its readers see it. */
export interface OrderView {
  id: string;
  number: string;
  status: OrderStatus;
  customerId: string | null;
  email: string;
  lines: {
    id: string;
    productId: string;
    sku: string;
    name: string;
    quantity: number;
    unitPrice: Money;
    total: Money;
    fulfilledQuantity: number;
    canceledQuantity: number;
    returnedQuantity: number;
    refundedAmount: Money;
  }[];
  subtotal: Money;
  shipping: Money;
  tax: Money;
  total: Money;
  payment: { id: string; status: string; outcome: 'pending' | 'unknown' | null; declineCode: string | null };
  shippingAddress: ShippingAddress | null;
  metadata: Record<string, string>;
  version: number;
  placedAt: string;
  updatedAt: string;
  closedAt: string | null;
}

/** A row of the queries of this folder. */
export interface OrderViewRow extends OrderColumns {
  number: string;
  lines: OrderLineColumns[];
}

export function toOrderView(row: OrderViewRow): OrderView {
  const inCurrency = (amount: number): Money => ({ amount, currency: row.currency });
  return {
    id: row.id,
    number: row.number,
    status: row.status,
    customerId: row.customer_id,
    email: row.email,
    lines: row.lines.map(({ unitPriceAmount, totalAmount, refundedAmount, ...line }) => ({
      ...line,
      unitPrice: inCurrency(unitPriceAmount),
      total: inCurrency(totalAmount),
      refundedAmount: inCurrency(refundedAmount),
    })),
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
    placedAt: row.placed_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    closedAt: row.closed_at?.toISOString() ?? null,
  };
}
