import { nextOrderStatus, ORDER_STATUSES, type OrderStatus } from './order-status.js';

/** What may happen to an order, written down a second time on purpose: a change of the table is a decision. */
const LEGAL: readonly string[] = [
  'pending_payment → confirmed',
  'pending_payment → expired',
  'pending_payment → cancel_pending',
  'confirmed → partially_fulfilled',
  'confirmed → fulfilled',
  'confirmed → cancel_pending',
  'partially_fulfilled → fulfilled',
  'fulfilled → completed',
  'cancel_pending → canceled',
];

const pairs = ORDER_STATUSES.flatMap((from) => ORDER_STATUSES.map((to) => [from, to] as const));
const isLegal = ([from, to]: readonly [OrderStatus, OrderStatus]) => LEGAL.includes(`${from} → ${to}`);

describe('the status of an order', () => {
  it.each(pairs.filter(isLegal))('goes from %s to %s', (from, to) => {
    expect(nextOrderStatus(from, to)).toBe(to);
  });

  it.each(pairs.filter((pair) => !isLegal(pair)))('never goes from %s to %s', (from, to) => {
    expect(() => nextOrderStatus(from, to)).toThrow(
      expect.objectContaining({
        code: 'order_state_conflict',
        kind: 'conflict',
        message: `An order that is ${from} cannot become ${to}.`,
        extensions: { orderStatus: from },
      }),
    );
  });

  it.each(['completed', 'canceled', 'expired'] satisfies OrderStatus[])('%s is an end', (end) => {
    expect(LEGAL.filter((pair) => pair.startsWith(`${end} →`))).toEqual([]);
  });

  it('knows every status that the table of this test names', () => {
    expect(pairs.filter(isLegal)).toHaveLength(LEGAL.length);
  });
});
