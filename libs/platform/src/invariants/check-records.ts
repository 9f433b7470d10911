import { Injectable } from '@nestjs/common';
import { Database, statement } from '../database/index.js';
import type { Breach, Position } from './check.js';

/** What a runner has in hand while it runs a check. */
export interface Checkpoint extends Position {
  readonly settledBefore: Date;
}

/** How a check stands. */
export interface CheckRecord {
  readonly id: string;
  readonly checked: number;
  readonly isUpToDate: boolean;
  readonly checkedAt: Date | null;
}

/** A breach that is open, with how many there are of its check. */
export interface BreachRecord extends Breach {
  readonly checkId: string;
  readonly foundAt: Date;
  readonly ofCheck: number;
}

const ensureChecks = statement(
  'invariants.ensure_checks',
  'INSERT INTO platform.invariant_checks (id) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING',
);
// The row is the lock: whoever has it runs the check, and everybody else goes on to the next.
const claimCheck = statement(
  'invariants.claim_check',
  `SELECT watermark_at AS at, watermark_id AS id, now() - $3 * interval '1 millisecond' AS "settledBefore"
     FROM platform.invariant_checks
    WHERE id = $1 AND (NOT up_to_date OR checked_at IS NULL OR checked_at <= now() - $2 * interval '1 millisecond')
      FOR UPDATE SKIP LOCKED`,
);
const saveCheck = statement(
  'invariants.save_check',
  `UPDATE platform.invariant_checks
      SET watermark_at = $2, watermark_id = $3, checked_count = checked_count + $4, up_to_date = $5,
          checked_at = clock_timestamp()
    WHERE id = $1`,
);
const markBehind = statement(
  'invariants.mark_behind',
  'UPDATE platform.invariant_checks SET up_to_date = false WHERE id = $1',
);
const openBreaches = statement(
  'invariants.open_breaches',
  `SELECT subject FROM platform.invariant_breaches WHERE check_id = $1 AND resolved_at IS NULL
    ORDER BY looked_at LIMIT $2`,
);
const recordBreaches = statement(
  'invariants.record_breaches',
  `INSERT INTO platform.invariant_breaches (check_id, subject, details)
   SELECT $1, subject, details FROM json_to_recordset($2::json) AS found (subject text, details jsonb)
   ON CONFLICT (check_id, subject) WHERE resolved_at IS NULL
     DO UPDATE SET details = excluded.details, looked_at = excluded.looked_at
   RETURNING subject, details, xmax = 0 AS "isNew"`,
);
const resolveBreaches = statement(
  'invariants.resolve_breaches',
  `UPDATE platform.invariant_breaches SET resolved_at = now(), looked_at = now()
    WHERE check_id = $1 AND resolved_at IS NULL AND subject = ANY($2::text[])`,
);
const checkRecords = statement(
  'invariants.check_records',
  `SELECT id, checked_count AS checked, up_to_date AS "isUpToDate", checked_at AS "checkedAt"
     FROM platform.invariant_checks WHERE id = ANY($1::text[])`,
);
const breachRecords = statement(
  'invariants.breach_records',
  `SELECT check_id AS "checkId", subject, details, found_at AS "foundAt", of_check::int AS "ofCheck"
     FROM (SELECT *, row_number() OVER (PARTITION BY check_id ORDER BY found_at, subject) AS place,
                  count(*) OVER (PARTITION BY check_id) AS of_check
             FROM platform.invariant_breaches WHERE resolved_at IS NULL AND check_id = ANY($1::text[])) open
    WHERE place <= $2 ORDER BY check_id, place`,
);
const breachCounts = statement(
  'invariants.breach_counts',
  `SELECT check_id AS "checkId", count(*)::int AS count FROM platform.invariant_breaches
    WHERE resolved_at IS NULL GROUP BY check_id`,
);

/** How far each check has come, and the breaches that are open. */
@Injectable()
export class CheckRecords {
  constructor(private readonly database: Database) {}

  /** Gives every check its row. */
  async ensure(ids: readonly string[]): Promise<void> {
    await this.database.query(ensureChecks, [ids]);
  }

  /**
   * Takes a check until the running transaction ends. Undefined while somebody else has it, and when it is up to date
   * and younger than `minAgeMs`.
   */
  async claim(id: string, minAgeMs: number, overlapMs: number): Promise<Checkpoint | undefined> {
    return this.database.queryOne<Checkpoint>(claimCheck, [id, minAgeMs, overlapMs]);
  }

  async save(id: string, watermark: Position, checked: number, isUpToDate: boolean): Promise<void> {
    await this.database.query(saveCheck, [id, watermark.at, watermark.id, checked, isUpToDate]);
  }

  /** A check that cannot be run is not up to date, whatever it was before. */
  async markBehind(id: string): Promise<void> {
    await this.database.query(markBehind, [id]);
  }

  /** The subjects of open breaches, those first at which nobody has looked for longest. */
  async openSubjects(id: string, limit: number): Promise<string[]> {
    const rows = await this.database.query<{ subject: string }>(openBreaches, [id, limit]);
    return rows.map(({ subject }) => subject);
  }

  /** Keeps what was found, and returns those of which nobody knew. */
  async record(id: string, breaches: readonly Breach[]): Promise<Breach[]> {
    if (breaches.length === 0) return [];
    const rows = await this.database.query<Breach & { isNew: boolean }>(recordBreaches, [
      id,
      JSON.stringify(breaches),
    ]);
    return rows.filter(({ isNew }) => isNew).map(({ subject, details }) => ({ subject, details }));
  }

  async resolve(id: string, subjects: readonly string[]): Promise<void> {
    if (subjects.length > 0) await this.database.query(resolveBreaches, [id, subjects]);
  }

  async checks(ids: readonly string[]): Promise<CheckRecord[]> {
    return this.database.query<CheckRecord>(checkRecords, [ids]);
  }

  /** The open breaches, oldest first, at most `limit` of each check. */
  async breaches(ids: readonly string[], limit: number): Promise<BreachRecord[]> {
    return this.database.query<BreachRecord>(breachRecords, [ids, limit]);
  }

  /** How many breaches are open, by check. */
  async openCounts(): Promise<ReadonlyMap<string, number>> {
    const rows = await this.database.query<{ checkId: string; count: number }>(breachCounts);
    return new Map(rows.map(({ checkId, count }) => [checkId, count]));
  }
}
