import {
  isOpen,
  nextOperationStatus,
  OPERATION_KINDS,
  OPERATION_STATUSES,
  type OperationKind,
  type OperationResult,
  type OperationStatus,
  worthOf,
} from './operation.js';

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

/** The bank of a customer may send a refund back. */
const LEGAL_FOR_REFUNDS = [...LEGAL, 'succeeded → failed'];

type Transition = readonly [OperationKind, OperationStatus, OperationStatus];

const transitions = OPERATION_KINDS.flatMap((kind) =>
  OPERATION_STATUSES.flatMap((from) => OPERATION_STATUSES.map((to): Transition => [kind, from, to])),
);
const isLegal = ([kind, from, to]: Transition) =>
  (kind === 'refund' ? LEGAL_FOR_REFUNDS : LEGAL).includes(`${from} → ${to}`);

describe('the status of an operation', () => {
  it.each(transitions.filter(isLegal))('%s: goes from %s to %s', (kind, from, to) => {
    expect(nextOperationStatus(kind, from, to)).toBe(to);
  });

  it.each(transitions.filter((each) => !isLegal(each)))('%s: never goes from %s to %s', (kind, from, to) => {
    expect(() => nextOperationStatus(kind, from, to)).toThrow(
      expect.objectContaining({
        code: 'payment_state_conflict',
        message: `A ${kind} that is ${from} cannot become ${to}.`,
      }),
    );
  });

  it('knows every status that the table of this test names', () => {
    expect(transitions.filter(isLegal)).toHaveLength(3 * LEGAL.length + LEGAL_FOR_REFUNDS.length);
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

describe('a report about an operation', () => {
  const results: OperationResult[] = ['succeeded', 'declined', 'failed'];

  it.each(OPERATION_KINDS.flatMap((kind) => results.map((told) => [kind, told] as const)))(
    'of a %s is new while it is open, and old when it says what is known: %s',
    (kind, told) => {
      for (const status of ['created', 'sent', 'unknown'] as const) {
        expect(worthOf({ kind, status, gatewayId: null }, told)).toBe('new');
      }
      expect(worthOf({ kind, status: told, gatewayId: null }, told)).toBe('old');
    },
  );

  it.each<[OperationKind, OperationStatus, OperationResult, string]>([
    ['authorize', 'succeeded', 'declined', 'old'],
    ['authorize', 'declined', 'failed', 'old'],
    ['authorize', 'declined', 'succeeded', 'contradiction'],
    ['capture', 'failed', 'succeeded', 'contradiction'],
    ['void', 'failed', 'succeeded', 'contradiction'],
    ['refund', 'succeeded', 'failed', 'new'],
    ['refund', 'failed', 'succeeded', 'old'],
    ['refund', 'failed', 'declined', 'old'],
  ])('of a %s that is %s and would be %s is %s', (kind, status, told, worth) => {
    expect(worthOf({ kind, status, gatewayId: 'gateway-id' }, told)).toBe(worth);
  });

  it('that a refund was made contradicts one that failed before the gateway had begun with it', () => {
    const refund = { kind: 'refund', status: 'failed', gatewayId: null } as const;
    expect(worthOf(refund, 'succeeded')).toBe('contradiction');
  });
});
