import { findBreaches, INVARIANTS } from '../support/invariants.js';
import { findConsumerBreaches } from './check-consumers.js';
import { findEffectBreaches } from './check-effects.js';
import { findPartnerBreaches } from './check-partner.js';
import { findBrokenPromises } from './check-promises.js';
import type { Rig } from './rig.js';

/** One of the twelve invariants, and what breaks it. */
export interface InvariantReport {
  readonly number: number;
  readonly rule: string;
  readonly breaches: readonly object[];
}

/** What only somebody who saw the run can say: breaches found there, by the number of their invariant. */
export type Seen = Readonly<Partial<Record<6 | 7 | 12, readonly object[]>>>;

const RULES = [
  'every ledger transaction sums to zero per currency, and so does the whole ledger',
  '0 <= refunded + pending refund <= captured <= authorized, for every payment',
  'each operation has at most one effect at the gateway, and the gateway’s net equals gateway_clearing',
  'captured money belongs to a confirmed-or-later order or is fully refunded; a confirmed order’s money covers it',
  'the stock journal adds up to what is on hand, and reservations to what is reserved',
  'with stock S and N buyers of one piece, exactly min(S, N) orders are confirmed',
  'K calls at once with one key leave one resource',
  'whatever was answered 2xx is there',
  'versions rise by one; only legal transitions; terminal states stay',
  'each event is delivered at least once and applied exactly once; no sequence has a gap',
  'nothing stays transient beyond its bound; no orphan reservation',
  'refunding a whole order by any partition of its lines returns exactly what was captured',
];

/** Which invariant a query of the database stands for. */
const NUMBERS: Readonly<Record<string, number>> = {
  'each ledger transaction has two sides that sum to zero, in its one currency': 1,
  'the whole ledger sums to zero per currency': 1,
  'the ledger holds of each payment what was captured and not refunded': 3,
  'what is disputed of a payment is what banks hold, and the ledger says so': 3,
  'every report of the gateway was applied, and none contradicts the books': 11,
  '0 <= refunded + pending refund <= captured <= authorized <= amount': 2,
  'the amounts of a payment are those of the operations that succeeded': 2,
  'each refund has one operation, with its amount and its fate': 2,
  'what is refunded of the lines is what their refunds say, and the lines make up the payment': 12,
  'captured money belongs to a confirmed-or-later order or is fully refunded': 4,
  'the money of a confirmed order covers its total': 4,
  'an order knows its payment as it is': 4,
  'an order knows what was refunded of its lines': 12,
  'received + returned - shipped + adjusted = on hand, and the journal adds up to the level': 5,
  'active and committed reservations = reserved <= on hand': 5,
  'an order reserves what its lines ask for, and ships what was fulfilled': 5,
  'what was given up of an order is what it gave back to stock': 5,
  'of a closed order every piece has left or was given up': 5,
  'what was returned of a line is what the returns of its order say': 5,
  'what came back on hand of an order is what its returns restocked': 5,
  'each return is a row of the timeline': 9,
  'a reservation is held for as long as its order lives': 11,
  'the timeline of an order has a row for each version, each a legal transition from the row before': 9,
  'the events of an aggregate are numbered without a gap up to its version': 10,
  'every order and payment has told of itself': 10,
  'every event was delivered': 10,
  'no operation, payment or cancellation stays open': 11,
};

/** Judges everything at rest: the database, the gateway's log, what clients were told, and what the run has seen. */
export async function checkInvariants(
  { sql, gateway, caller, mails, webhooks }: Rig,
  seen: Seen = {},
): Promise<InvariantReport[]> {
  const unnumbered = INVARIANTS.filter((name) => NUMBERS[name] === undefined);
  if (unnumbered.length > 0)
    throw new Error(`Say in NUMBERS which invariant each is: ${unnumbered.join('; ')}`);
  const inDatabase = Object.entries(await findBreaches(sql));
  const live = await findLiveBreaches(caller);
  const elsewhere: Readonly<Partial<Record<number, readonly object[]>>> = {
    ...seen,
    3: await findEffectBreaches(sql, gateway),
    8: await findBrokenPromises(sql, caller.told),
    10: [
      ...(await findConsumerBreaches(sql, mails.received)),
      ...(await findPartnerBreaches(sql, webhooks.received)),
    ],
  };
  return RULES.map((rule, index) => {
    const number = index + 1;
    const found = inDatabase.filter(([name]) => NUMBERS[name] === number);
    const rows = found.flatMap(([name, all]) => all.map((row) => ({ rule: name, ...row })));
    const shown = live.filter((breach) => breach.invariant === number);
    return { number, rule, breaches: [...rows, ...shown, ...(elsewhere[number] ?? [])] };
  });
}

/** What the running system says of itself. */
async function findLiveBreaches(caller: Rig['caller']): Promise<{ invariant: number }[]> {
  const answer = await caller.read('/api/v1/admin/invariants');
  if (answer?.status !== 200) return [{ invariant: 11, ...answer }];
  const { invariants } = answer.body as {
    invariants: { number: number; checks: { id: string; upToDate: boolean; breaches: object[] }[] }[];
  };
  return invariants.flatMap(({ number, checks }) =>
    checks
      .filter(({ upToDate, breaches }) => !upToDate || breaches.length > 0)
      .map((check) => ({ invariant: number, live: true, ...check })),
  );
}
