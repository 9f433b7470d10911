import { defineErrors, defineFieldCodes } from '#kernel';

export const orderErrors = defineErrors({
  order_not_found: { kind: 'not_found', title: 'There is no such order' },
  order_exists: { kind: 'conflict', title: 'There is an order with this id already' },
  order_state_conflict: { kind: 'conflict', title: 'The order is in a state that does not allow this' },
  orders_not_transferable: { kind: 'conflict', title: 'Some of the orders are not of this customer' },
  same_customer: { kind: 'invalid', title: 'Orders are moved from one customer to another' },
  email_required: { kind: 'invalid', title: 'An order without an account needs an email' },
  unknown_product: { kind: 'unprocessable', title: 'A line names a product that is not for sale' },
  mixed_currencies: {
    kind: 'unprocessable',
    title: 'The products of one order must be priced in one currency',
  },
  price_changed: { kind: 'conflict', title: 'The total is not the expected one' },
  payment_declined: {
    kind: 'payment_required',
    title: 'The payment was declined; the order waits for another attempt',
  },
  payment_action_required: {
    kind: 'payment_required',
    title: 'The payment needs an action of the customer; the order waits for another attempt',
  },
  unknown_order_line: { kind: 'unprocessable', title: 'The order has no such line' },
  quantity_exceeds_open: { kind: 'conflict', title: 'More would be fulfilled than is open on the line' },
  return_exists: { kind: 'conflict', title: 'There is a return with this id already' },
  quantity_exceeds_fulfilled: {
    kind: 'conflict',
    title: 'More would be returned than was fulfilled of the line and not returned yet',
  },
});

defineFieldCodes({
  duplicate_line: 'An earlier line names the same',
  product_id_or_sku: 'A line names its product by `productId` or by `sku`',
});
