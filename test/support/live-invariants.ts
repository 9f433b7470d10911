import type { Shop } from './shop.js';

interface LiveBreach {
  readonly subject: string;
  readonly details: Record<string, unknown>;
  readonly foundAt: string;
}

/** How one check stands, as an admin sees it. */
export interface LiveCheck {
  readonly id: string;
  readonly title: string;
  readonly checked: number;
  readonly upToDate: boolean;
  readonly checkedAt: string | null;
  readonly breachCount: number;
  readonly breaches: readonly LiveBreach[];
}

export interface LiveInvariants {
  readonly holds: boolean;
  readonly checkedAt: string | null;
  readonly captures: { frozen: boolean; since: string | null; reason: string | null; by: string | null };
  readonly invariants: readonly {
    number: number;
    title: string;
    how: 'live' | 'tests';
    provenBy: string[];
    checks: LiveCheck[];
  }[];
}

export const INVARIANTS_PATH = '/api/v1/admin/invariants';

/** One more round, and how everything stands after it. */
export async function readInvariants(shop: Shop): Promise<LiveInvariants> {
  return (await shop.read(INVARIANTS_PATH)) as LiveInvariants;
}

/** One check of the report. */
export function checkOf(report: LiveInvariants, id: string): LiveCheck {
  const check = report.invariants.flatMap(({ checks }) => checks).find((candidate) => candidate.id === id);
  if (!check) throw new Error(`There is no check ${id}.`);
  return check;
}

/** The ids of the checks that found something. */
export function brokenChecks(report: LiveInvariants): string[] {
  return report.invariants.flatMap(({ checks }) =>
    checks.filter(({ breachCount }) => breachCount > 0).map(({ id }) => id),
  );
}
