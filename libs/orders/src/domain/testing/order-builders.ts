import type { Money } from '#kernel';
import { Order, type OrderLine, type OrderState, type PaymentNews } from '../order.js';
import type { OrderStatus } from '../order-status.js';

export const gbp = (amount: number): Money => ({ amount, currency: 'GBP' });
export const at = (time: string) => new Date(`2026-11-20T${time}:00.000Z`);

export const PLACED_AT = at('12:00');
export const EXPIRES_AT = at('12:15');
export const LATER = at('12:05');

export const aLine = (id: string, quantity: number, allocated: number): OrderLine => ({
  id,
  productId: `product of ${id}`,
  sku: `SKU-${id}`,
  name: id,
  quantity,
  unitPrice: gbp(100),
  total: gbp(100 * quantity),
  allocated: gbp(allocated),
  fulfilledQuantity: 0,
  canceledQuantity: 0,
  returnedQuantity: 0,
  refundedAmount: 0,
});

/** An order of three mugs and one pot with a tenth of tax, which waits for its payment. */
export function placed(): Order {
  return Order.place(
    {
      id: 'order',
      customerId: 'customer',
      email: 'ada@example.com',
      currency: 'GBP',
      subtotal: gbp(400),
      shipping: gbp(0),
      tax: gbp(40),
      total: gbp(440),
      paymentId: 'payment',
      shippingAddress: null,
      metadata: { note: 'gift' },
      placedAt: PLACED_AT,
      expiresAt: EXPIRES_AT,
    },
    [aLine('mug', 3, 331), aLine('pot', 1, 109)],
  );
}

/** The order as it is loaded again, with nothing changed since. */
export const reloaded = ({ state, lines }: Order) => Order.rehydrate(state, lines);

export const news = (difference: Partial<PaymentNews> = {}): PaymentNews => ({
  id: 'payment',
  status: 'captured',
  outcome: null,
  declineCode: null,
  cause: 'payment_captured',
  refundedMinor: 0,
  refunded: [],
  ...difference,
});

/** An order whose payment was declined: nothing is on its way, so it expires when its time is over. */
export function declined(): Order {
  const order = placed();
  order.applyPayment(news({ status: 'requires_payment_method', declineCode: 'expired_card' }), LATER);
  return reloaded(order);
}

export function confirmed(): Order {
  const order = placed();
  order.applyPayment(news(), LATER);
  return reloaded(order);
}

export const inStatus: Readonly<Record<OrderStatus, () => Order>> = {
  pending_payment: () => reloaded(placed()),
  confirmed,
  partially_fulfilled: () => {
    const order = confirmed();
    order.fulfil([{ lineId: 'mug', quantity: 1 }], LATER);
    return reloaded(order);
  },
  fulfilled: () => {
    const order = confirmed();
    order.fulfil(
      [
        { lineId: 'mug', quantity: 3 },
        { lineId: 'pot', quantity: 1 },
      ],
      LATER,
    );
    return reloaded(order);
  },
  completed: () => {
    const order = inStatus.fulfilled();
    order.complete(LATER, LATER);
    return reloaded(order);
  },
  cancel_pending: () => {
    const order = confirmed();
    order.requestCancel(null, LATER);
    return reloaded(order);
  },
  canceled: () => {
    const order = inStatus.cancel_pending();
    order.completeCancel(LATER);
    return reloaded(order);
  },
  expired: () => {
    const order = declined();
    order.expire(EXPIRES_AT);
    return reloaded(order);
  },
};

export function withState(difference: Partial<OrderState>): Order {
  const { state, lines } = placed();
  return Order.rehydrate({ ...state, ...difference }, lines);
}
