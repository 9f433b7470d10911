import { isOpen, nextOperationStatus, OPERATION_STATUSES, type OperationStatus } from './operation.js';

/** What may happen to an operation, written down a second time on purpose: a change of the table is a decision. */
const LEGAL: readonly string[] = [
  'created → sent',
  'sent → succeeded',
  'sent → declined',
  'sent → failed',
  'sent → unknown',
  'unknown → succeeded',
  'unknown → declined',
  'unknown → failed',
];

const pairs = OPERATION_STATUSES.flatMap((from) => OPERATION_STATUSES.map((to) => [from, to] as const));
const isLegal = ([from, to]: readonly [OperationStatus, OperationStatus]) =>
  LEGAL.includes(`${from} → ${to}`);

describe('the status of an operation', () => {
  it.each(pairs.filter(isLegal))('goes from %s to %s', (from, to) => {
    expect(nextOperationStatus(from, to)).toBe(to);
  });

  it.each(pairs.filter((pair) => !isLegal(pair)))('never goes from %s to %s', (from, to) => {
    expect(() => nextOperationStatus(from, to)).toThrow(
      expect.objectContaining({
        code: 'payment_state_conflict',
        message: `An operation that is ${from} cannot become ${to}.`,
      }),
    );
  });

  it('knows every status that the table of this test names', () => {
    expect(pairs.filter(isLegal)).toHaveLength(LEGAL.length);
  });
});

describe('an operation is open', () => {
  it.each<[OperationStatus, boolean]>([
    ['created', true],
    ['sent', true],
    ['unknown', true],
    ['succeeded', false],
    ['declined', false],
    ['failed', false],
  ])('while it may still have an effect: %s, %s', (status, expected) => {
    expect(isOpen({ status })).toBe(expected);
  });
});
