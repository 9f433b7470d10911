import { formatMoney, type Money } from '#kernel';
import type { LineChange } from '../domain/order.js';
import type { OrderView } from './order-view.js';

/** A mail but for whom it goes to. */
export interface Letter {
  readonly subject: string;
  readonly paragraphs: readonly string[];
}

/** A parcel, as far as whoever waits for it wants to know. */
export interface ParcelTracking {
  readonly carrier: string | null;
  readonly trackingNumber: string | null;
}

type Parcel = [lines: readonly LineChange[], tracking: readonly ParcelTracking[]];

/** The mails about an order, as plain text: what each says, from the order as it is and what the change was about. */
export const orderLetters = {
  confirmed: (order: OrderView): Letter => ({
    subject: `Your order ${order.number} is confirmed`,
    paragraphs: [
      `Thank you for your order ${order.number}.`,
      order.lines
        .map(({ quantity, name, total }) => `${quantity} × ${name}: ${formatMoney(total)}`)
        .join('\n'),
      [
        `Goods: ${formatMoney(order.subtotal)}`,
        `Shipping: ${formatMoney(order.shipping)}`,
        `Tax: ${formatMoney(order.tax)}`,
        `Total: ${formatMoney(order.total)}`,
      ].join('\n'),
    ],
  }),

  partShipped: (order: OrderView, ...parcel: Parcel): Letter => ({
    subject: `A part of your order ${order.number} is on its way`,
    paragraphs: parcelParagraphs(order, ...parcel),
  }),

  shipped: (order: OrderView, ...parcel: Parcel): Letter => ({
    subject: `Your order ${order.number} is on its way`,
    paragraphs: parcelParagraphs(order, ...parcel),
  }),

  closed: (order: OrderView, lines: readonly LineChange[]): Letter => ({
    subject: `The rest of your order ${order.number} was canceled`,
    paragraphs: [
      'This will not be sent any more:',
      piecesText(order, lines),
      'If you have paid for it, the money goes back to you.',
    ],
  }),

  canceled: (order: OrderView): Letter => ({
    subject: `Your order ${order.number} was canceled`,
    paragraphs: [
      `Your order ${order.number} over ${formatMoney(order.total)} was canceled. If you have paid for it, the money goes back to you.`,
    ],
  }),

  refunded: (order: OrderView, amount: Money): Letter => ({
    subject: `A refund for your order ${order.number}`,
    paragraphs: [
      `We have given you back ${formatMoney(amount)} for your order ${order.number}. Your bank may take some days to show it.`,
    ],
  }),
};

function parcelParagraphs(order: OrderView, ...[lines, tracking]: Parcel): string[] {
  return ['This has left our house:', piecesText(order, lines), ...tracking.flatMap(trackingText)];
}

function piecesText({ lines }: OrderView, changed: readonly LineChange[]): string {
  const names = new Map(lines.map(({ id, name }) => [id, name]));
  return changed.map(({ lineId, quantity }) => `${quantity} × ${names.get(lineId) ?? lineId}`).join('\n');
}

function trackingText({ carrier, trackingNumber }: ParcelTracking): string[] {
  if (trackingNumber === null) return [];
  return [`Tracking number${carrier === null ? '' : ` at ${carrier}`}: ${trackingNumber}`];
}
