import { nextPaymentStatus, PAYMENT_STATUSES, type PaymentStatus } from './payment-status.js';

/** What may happen to a payment, written down a second time on purpose: a change of the table is a decision. */
const LEGAL: readonly string[] = [
  'requires_payment_method → processing',
  'requires_payment_method → canceled',
  'requires_payment_method → failed',
  'requires_action → processing',
  'requires_action → canceled',
  'requires_action → failed',
  'processing → requires_payment_method',
  'processing → requires_action',
  'processing → authorized',
  'processing → captured',
  'processing → canceled',
  'processing → failed',
  'authorized → partially_captured',
  'authorized → captured',
  'authorized → canceled',
  'partially_captured → captured',
];

const pairs = PAYMENT_STATUSES.flatMap((from) => PAYMENT_STATUSES.map((to) => [from, to] as const));
const isLegal = ([from, to]: readonly [PaymentStatus, PaymentStatus]) => LEGAL.includes(`${from} → ${to}`);

describe('the status of a payment', () => {
  it.each(pairs.filter(isLegal))('goes from %s to %s', (from, to) => {
    expect(nextPaymentStatus(from, to)).toBe(to);
  });

  it.each(pairs.filter((pair) => !isLegal(pair)))('never goes from %s to %s', (from, to) => {
    expect(() => nextPaymentStatus(from, to)).toThrow(
      expect.objectContaining({
        code: 'payment_state_conflict',
        kind: 'conflict',
        message: `A payment that is ${from} cannot become ${to}.`,
        extensions: { paymentStatus: from },
      }),
    );
  });

  it.each(['captured', 'canceled', 'failed'] satisfies PaymentStatus[])('%s is an end', (end) => {
    expect(LEGAL.filter((pair) => pair.startsWith(`${end} →`))).toEqual([]);
  });

  it('knows every status that the table of this test names', () => {
    expect(pairs.filter(isLegal)).toHaveLength(LEGAL.length);
  });
});
