/** A promise of the domain, by its number there. */
export interface Invariant {
  readonly number: InvariantNumber;
  readonly title: string;
  /** Suites that prove what no look at our own database can decide; empty where the checks decide all of it. */
  readonly provenBy: readonly string[];
}

export type InvariantNumber = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12;

/** What the house promises about money, stock and orders. Modules register the checks that watch it live. */
export const INVARIANTS: readonly Invariant[] = [
  {
    number: 1,
    title: 'Every ledger transaction sums to zero per currency, and so does the whole ledger',
    provenBy: [],
  },
  {
    number: 2,
    title: '0 <= refunded + pending refund <= captured <= authorized, for every payment',
    provenBy: [],
  },
  {
    number: 3,
    title:
      'Each operation has at most one effect at the gateway, and the ledger holds what the gateway moved',
    // What the gateway really did is known to the gateway alone.
    provenBy: ['test/faults', 'test/integration/stripe-gateway.spec.ts'],
  },
  {
    number: 4,
    title:
      'Captured money belongs to a confirmed-or-later order or is given back, and a confirmed order is covered',
    provenBy: [],
  },
  {
    number: 5,
    title: 'The journal of a product adds up to its level, and its reservations to what is reserved',
    provenBy: [],
  },
  {
    number: 6,
    title: 'With stock S and N buyers of one piece, exactly min(S, N) orders are confirmed',
    provenBy: ['test/faults', 'test/integration/concurrency.spec.ts'],
  },
  {
    number: 7,
    title: 'Any number of calls at once with one key leave one resource',
    provenBy: ['test/faults', 'test/integration/idempotency.spec.ts'],
  },
  {
    number: 8,
    title: 'Whatever was answered 2xx is there after any process was killed',
    provenBy: ['test/faults', 'test/integration/standalone.spec.ts'],
  },
  {
    number: 9,
    title: 'Versions rise by one, transitions are legal, terminal states stay',
    provenBy: [],
  },
  {
    number: 10,
    title: 'Each event is applied exactly once, and the sequence of an aggregate has no gap',
    // Whether a consumer applied an event once is seen in what it did, which is its own.
    provenBy: ['test/faults', 'test/integration/events.spec.ts', 'test/integration/transports.spec.ts'],
  },
  {
    number: 11,
    title: 'Nothing stays transient beyond its bound',
    provenBy: [],
  },
  {
    number: 12,
    title: 'Refunding an order by any partition of its lines returns exactly what was captured',
    provenBy: ['test/faults', 'libs/payments/src/domain/payment.refunds.spec.ts'],
  },
];

/** Those whose breach means that money may be wrong. */
const MONEY_INVARIANTS: ReadonlySet<InvariantNumber> = new Set([1, 2, 3, 4]);

/** Whether a breach may freeze the captures. */
export function isAboutMoney(invariant: InvariantNumber): boolean {
  return MONEY_INVARIANTS.has(invariant);
}
