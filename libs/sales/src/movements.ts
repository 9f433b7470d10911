import { CURRENCIES, type Currency } from '#kernel';
import type { IntegrationEvent } from '#platform/messaging';
import { z } from 'zod';

/** What one event adds to the figures of a product on a day. Amounts are minor units of `currency`. */
export interface Movement {
  readonly eventId: string;
  /** UTC, `2026-11-20`. */
  readonly day: string;
  readonly productId: string;
  readonly currency: Currency;
  readonly orders: number;
  readonly soldQuantity: number;
  readonly soldAmount: number;
  readonly canceledQuantity: number;
  readonly canceledAmount: number;
  readonly returnedQuantity: number;
  readonly refundedAmount: number;
}

/** What is read of an event's data; events that are older than `lines` say nothing about products. */
const readData = z.object({
  currency: z.enum(CURRENCIES),
  previousStatus: z.string().nullish(),
  lines: z.array(z.object({ productId: z.uuid(), quantity: z.int(), amount: z.int() })).default([]),
});
type Data = z.output<typeof readData>;
type Figures = Omit<Movement, 'eventId' | 'day' | 'productId' | 'currency'>;

const NOTHING: Figures = {
  orders: 0,
  soldQuantity: 0,
  soldAmount: 0,
  canceledQuantity: 0,
  canceledAmount: 0,
  returnedQuantity: 0,
  refundedAmount: 0,
};

type Reading = (line: Data['lines'][number], data: Data) => Partial<Figures>;

const givenUp: Reading = ({ quantity, amount }) => ({ canceledQuantity: quantity, canceledAmount: amount });

/** What each kind of event says about the pieces of a product. */
const READINGS: Readonly<Record<string, Reading>> = {
  'steelyard.order.confirmed.v1': ({ quantity, amount }) => ({ soldQuantity: quantity, soldAmount: amount }),
  // From here an order can only be canceled. One that was never confirmed was never counted.
  'steelyard.order.cancel_requested.v1': (line, data) =>
    data.previousStatus === 'confirmed' ? givenUp(line, data) : {},
  'steelyard.order.closed.v1': givenUp,
  'steelyard.order.returned.v1': ({ quantity }) => ({ returnedQuantity: quantity }),
  'steelyard.order.refunded.v1': ({ amount }) => ({ refundedAmount: amount }),
  'steelyard.order.refund_reversed.v1': ({ amount }) => ({ refundedAmount: amount }),
};

/** The kinds of events from which sales are counted. */
export const SALES_EVENTS = Object.keys(READINGS);

/**
 * What an event adds: one movement per product.
 *
 * @throws ZodError when its data are not what they are known to be
 */
export function movementsOf({ id, type, occurredAt, data }: IntegrationEvent): Movement[] {
  const read = READINGS[type];
  if (!read) return [];
  const parsed = readData.parse(data);
  const orders = type === 'steelyard.order.confirmed.v1' ? 1 : 0;
  const day = occurredAt.toISOString().slice(0, 10);
  const byProduct = Map.groupBy(parsed.lines, ({ productId }) => productId);
  return [...byProduct].flatMap(([productId, lines]) => {
    const figures = lines
      .map((line) => ({ ...NOTHING, ...read(line, parsed) }))
      .reduce(plus, { ...NOTHING, orders });
    const isNothing = Object.values(figures).every((figure) => figure === 0);
    return isNothing ? [] : [{ eventId: id, day, productId, currency: parsed.currency, ...figures }];
  });
}

function plus(left: Figures, right: Figures): Figures {
  return {
    orders: left.orders + right.orders,
    soldQuantity: left.soldQuantity + right.soldQuantity,
    soldAmount: left.soldAmount + right.soldAmount,
    canceledQuantity: left.canceledQuantity + right.canceledQuantity,
    canceledAmount: left.canceledAmount + right.canceledAmount,
    returnedQuantity: left.returnedQuantity + right.returnedQuantity,
    refundedAmount: left.refundedAmount + right.refundedAmount,
  };
}
