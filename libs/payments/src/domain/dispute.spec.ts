import { DISPUTE_STATUSES, type DisputeStatus, holdsMoney, nextDisputeStatus } from './dispute.js';

/** Written down a second time on purpose: a change of the table is a decision. */
const LEGAL: readonly string[] = [
  'inquiry → needs_response',
  'inquiry → under_review',
  'inquiry → won',
  'inquiry → lost',
  'inquiry → closed',
  'needs_response → under_review',
  'needs_response → won',
  'needs_response → lost',
  'under_review → won',
  'under_review → lost',
  'lost → won',
  'closed → needs_response',
  'closed → under_review',
  'closed → won',
  'closed → lost',
];

const pairs = DISPUTE_STATUSES.flatMap((from) => DISPUTE_STATUSES.map((to) => [from, to] as const));
const isLegal = ([from, to]: readonly [DisputeStatus, DisputeStatus]) => LEGAL.includes(`${from} → ${to}`);

describe('the status of a dispute', () => {
  it.each(pairs.filter(isLegal))('goes from %s to %s', (from, to) => {
    expect(nextDisputeStatus(from, to)).toBe(to);
  });

  it.each(pairs.filter((pair) => !isLegal(pair)))('never goes from %s to %s', (from, to) => {
    expect(() => nextDisputeStatus(from, to)).toThrow(
      expect.objectContaining({ code: 'payment_state_conflict' }),
    );
  });

  it('knows every status that the table of this test names', () => {
    expect(pairs.filter(isLegal)).toHaveLength(LEGAL.length);
  });

  it.each<[DisputeStatus, boolean]>([
    ['inquiry', false],
    ['needs_response', true],
    ['under_review', true],
    ['won', false],
    ['lost', true],
    ['closed', false],
  ])('%s: the bank holds the money: %s', (status, expected) => {
    expect(holdsMoney({ status })).toBe(expected);
  });
});
