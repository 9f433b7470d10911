import type { Currency } from '#kernel';
import type { ShippingAddress } from '../domain/order.js';
import type { OrderStatus } from '../domain/order-status.js';

/** What everybody who reads an order's row reads of it; amounts in minor units. */
export interface OrderColumns {
  id: string;
  status: OrderStatus;
  customer_id: string | null;
  email: string;
  currency: Currency;
  subtotal_amount: number;
  shipping_amount: number;
  tax_amount: number;
  total_amount: number;
  payment_id: string;
  payment_status: string;
  payment_outcome: 'pending' | 'unknown' | null;
  decline_code: string | null;
  shipping_address: ShippingAddress | null;
  metadata: Record<string, string>;
  version: number;
  placed_at: Date;
  updated_at: Date;
  closed_at: Date | null;
}

/** What everybody who reads a line reads of it, as JSON travels to and from PostgreSQL; amounts in minor units. */
export interface OrderLineColumns {
  id: string;
  productId: string;
  sku: string;
  name: string;
  quantity: number;
  unitPriceAmount: number;
  totalAmount: number;
  fulfilledQuantity: number;
  canceledQuantity: number;
  returnedQuantity: number;
  refundedAmount: number;
}

/** The members of `OrderLineColumns` for `json_build_object`, of a line `l`. */
export const ORDER_LINE_MEMBERS = `'id', l.id, 'productId', l.product_id, 'sku', l.sku, 'name', l.name,
      'quantity', l.quantity, 'unitPriceAmount', l.unit_price_amount, 'totalAmount', l.total_amount,
      'fulfilledQuantity', l.fulfilled_quantity, 'canceledQuantity', l.canceled_quantity,
      'returnedQuantity', l.returned_quantity, 'refundedAmount', l.refunded_amount`;
