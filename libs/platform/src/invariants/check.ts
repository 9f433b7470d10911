import type { Database, Statement } from '../database/index.js';
import type { InvariantNumber } from './twelve.js';

/** A place in the order in which rows change: by the time of the change, then by the row's id. */
export interface Position {
  readonly at: Date;
  readonly id: string;
}

/** A row that changed, and what to examine because of it. Several rows may name one subject. */
export interface Change extends Position {
  readonly subject: string;
}

/** What breaks an invariant: whose state it is, and what is wrong with it. */
export interface Breach {
  readonly subject: string;
  /** Ids, amounts and states; nothing personal. */
  readonly details: object;
}

interface CheckDescription {
  /** Stable, in snake_case: the checkpoint and the breaches are kept under it. */
  readonly id: string;
  readonly invariant: InvariantNumber;
  readonly title: string;
}

/** A check of what each changed row must satisfy. It follows the changes, so it costs what has changed. */
export interface FollowingCheck extends CheckDescription {
  /** The first `limit` changes after a position, in the order of positions. */
  readonly changed: (after: Position, limit: number) => Promise<readonly Change[]>;
  /** Which of the subjects are broken now. A subject that is gone is not. */
  readonly examine: (subjects: readonly string[]) => Promise<readonly Breach[]>;
}

/** A check that looks for what is overdue, or keeps a running sum: what it reads is small by itself. */
export interface SurveyingCheck extends CheckDescription {
  readonly survey: (step: SurveyStep) => Promise<Survey>;
}

export type InvariantCheck = FollowingCheck | SurveyingCheck;

export interface SurveyStep {
  /** Where the step before ended. */
  readonly position: Position;
  /** What changed before this is there to be read; what changed later may still be on its way. */
  readonly settledBefore: Date;
  /** Breaches to tell of at most, the oldest first. */
  readonly limit: number;
}

export interface Survey {
  readonly breaches: readonly Breach[];
  /** Where the next step begins; left out by a survey that keeps no place. */
  readonly position?: Position;
  /** Whether nothing is left to read, so that `breaches` are all there are. */
  readonly isComplete: boolean;
}

const LOWEST_ID = '00000000-0000-0000-0000-000000000000';

/** The position before whatever changed at `at`. */
export function beginningOf(at: Date): Position {
  return { at, id: LOWEST_ID };
}

/** Whether `a` comes after `b` in the order of changes: later, or at the same time and with a higher id. */
export function isAfter(a: Position, b: Position): boolean {
  return a.at.getTime() === b.at.getTime() ? a.id > b.id : a.at > b.at;
}

/** For rows that are only ever added, with a UUIDv7: the id after which to read, since their ids hold their time. */
function idAfter({ at, id }: Position): string {
  const milliseconds = at.getTime().toString(16).padStart(12, '0');
  const lowest = `${milliseconds.slice(0, 8)}-${milliseconds.slice(8)}-0000-0000-000000000000`;
  return id > lowest ? id : lowest;
}

/** Reads changes by a statement of ($1 time, $2 id, $3 limit) that yields `subject`, `at` and `id`. */
export function changesBy(database: Database, statement: Statement): FollowingCheck['changed'] {
  return ({ at, id }, limit) => database.query<Change>(statement, [at, id, limit]);
}

/** Reads changes by a statement of ($1 id, $2 limit), of rows whose ids hold their time. */
export function changesById(database: Database, statement: Statement): FollowingCheck['changed'] {
  return (after, limit) => database.query<Change>(statement, [idAfter(after), limit]);
}

/** Examines by a statement of ($1 subjects) that yields `subject` and `details`. */
export function breachesBy(database: Database, statement: Statement): FollowingCheck['examine'] {
  return (subjects) => database.query<Breach>(statement, [subjects]);
}

/** Follows two kinds of rows at once: what both tell of is examined after a change of either. */
export function eitherChanged(
  one: FollowingCheck['changed'],
  other: FollowingCheck['changed'],
): FollowingCheck['changed'] {
  return async (after, limit) => {
    const changes = [...(await one(after, limit)), ...(await other(after, limit))];
    return changes.sort((a, b) => (isAfter(a, b) ? 1 : -1)).slice(0, limit);
  };
}
