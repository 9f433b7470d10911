import { type Behaviour, BEHAVIOURS } from './behaviours.js';
import { FAILPOINTS } from './failpoint-registry.js';
import { Random } from './random.js';

/** Something that dies, so long after the beginning. */
export type Disaster =
  | { readonly afterMs: number; readonly what: 'app' | 'postgres' }
  /** The application kills itself as soon as somebody gets there. */
  | { readonly afterMs: number; readonly what: 'failpoint'; readonly failpoint: string };

/** What somebody does in a schedule. */
export const ROLES = ['shopper', 'returner', 'crowd', 'buyer'] as const;
export type Role = (typeof ROLES)[number];

/** Everything about a schedule that is drawn before it begins; it follows from the seed alone. */
export interface Schedule {
  readonly seed: number;
  /** How probable each behaviour of the gateway is. */
  readonly chances: Readonly<Partial<Record<Exclude<Behaviour, 'plain'>, number>>>;
  readonly prices: readonly number[];
  /** Pieces that are there of the product of the flash sale. */
  readonly flashStock: number;
  /** Who takes part, each with chance of their own. */
  readonly people: readonly { readonly role: Role; readonly random: Random }[];
  readonly disasters: readonly Disaster[];
}

const SHOPPERS = 8;
const RETURNERS = 2;
const CROWDS = 2;
/** Nobody gets that far with the storm still on. */
const LATEST_DISASTER_MS = 1_800;

export function planSchedule(seed: number): Schedule {
  const random = new Random(seed);
  const flashStock = random.integer(1, 5);
  const buyers = random.integer(Math.max(1, flashStock - 1), flashStock + 4);
  const people = { shopper: SHOPPERS, returner: RETURNERS, crowd: CROWDS, buyer: buyers };
  return {
    seed,
    chances: drawChances(random),
    prices: Array.from({ length: 4 }, () => random.integer(1, 20_000)),
    flashStock,
    people: ROLES.flatMap((role) =>
      Array.from({ length: people[role] }, () => ({ role, random: random.fork() })),
    ),
    disasters: drawDisasters(random),
  };
}

/** A few behaviours share a probability that leaves most calls alone, or hardly any. */
function drawChances(random: Random): Schedule['chances'] {
  const known = BEHAVIOURS.filter((name) => name !== 'plain');
  const together = random.pick([0, 0.1, 0.25, 0.5]);
  const kinds = random.integer(2, known.length);
  const chosen = new Set(Array.from({ length: kinds }, () => random.pick(known)));
  return Object.fromEntries([...chosen].map((name) => [name, together / chosen.size]));
}

function drawDisasters(random: Random): Disaster[] {
  const count = random.pick([1, 1, 1, 2]);
  const disasters = Array.from({ length: count }, (): Disaster => {
    const afterMs = random.integer(50, LATEST_DISASTER_MS);
    return random.happens(0.5)
      ? { afterMs, what: 'app' }
      : { afterMs, what: 'failpoint', failpoint: random.pick(FAILPOINTS) };
  });
  if (random.happens(0.15)) {
    disasters.push({ afterMs: random.integer(50, LATEST_DISASTER_MS), what: 'postgres' });
  }
  return disasters.sort((a, b) => a.afterMs - b.afterMs);
}
