import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Config } from '../config/index.js';
import { runAsSystem } from '../context/index.js';
import { Database } from '../database/index.js';
import { Metrics } from '../telemetry/index.js';
import { CaptureFreeze } from './capture-freeze.js';
import {
  beginningOf,
  type Breach,
  type FollowingCheck,
  type InvariantCheck,
  isAfter,
  type Position,
  type SurveyingCheck,
} from './check.js';
import { type Checkpoint, CheckRecords } from './check-records.js';
import { Invariants } from './invariants.js';
import { INVARIANTS, isAboutMoney } from './twelve.js';

/** What one run of a check came to. */
interface CheckRun {
  readonly watermark: Position;
  readonly checked: number;
  readonly isUpToDate: boolean;
  /** Breaches of which nobody knew. */
  readonly found: readonly Breach[];
  readonly resolved: readonly string[];
  /** Whether breaches were open before or after. */
  readonly isBroken: boolean;
}

const BATCH_SIZE = 1_000;
/** A round ends well inside the deadline of the request that may wait for it. */
const ROUND_BUDGET_MS = 5_000;
/** Open breaches that are looked at again in one round. */
const OPEN_LIMIT = 1_000;
/** A defect in the code may break a thousand orders at once; the log shows enough of them. */
const LOGGED_BREACHES = 20;
/** What a survey tells of: the oldest, which is where somebody starts to look. */
const SURVEY_LIMIT = 100;

/** A transaction is over when each of so many statements has run into its time limit. */
const STATEMENTS_PER_TRANSACTION = 10;
const SHORTEST_OVERLAP_MS = 60_000;
/** Where statements have no time limit. */
const UNLIMITED_OVERLAP_MS = 600_000;

/**
 * Runs every check over what has changed since it was last run. A row's time of change is that of the beginning of its
 * transaction, which may commit much later, and comes from the clock of whichever process wrote it. So a checkpoint
 * never passes the overlap, a time that no transaction outlives, and what is younger is read again in each round.
 */
@Injectable()
export class CheckInvariants {
  private readonly overlapMs: number;
  private readonly mayFreeze: boolean;

  constructor(
    private readonly invariants: Invariants,
    private readonly records: CheckRecords,
    private readonly freeze: CaptureFreeze,
    private readonly database: Database,
    private readonly metrics: Metrics,
    private readonly logger: PinoLogger,
    { settings }: Config,
  ) {
    logger.setContext(CheckInvariants.name);
    this.mayFreeze = settings.INVARIANTS_FREEZE_CAPTURES;
    this.overlapMs =
      settings.DATABASE_STATEMENT_TIMEOUT_MS === 0
        ? UNLIMITED_OVERLAP_MS
        : Math.max(SHORTEST_OVERLAP_MS, settings.DATABASE_STATEMENT_TIMEOUT_MS * STATEMENTS_PER_TRANSACTION);
  }

  /**
   * One bounded round. Any number of processes may run rounds at once: each check is run by one of them.
   *
   * @param minAgeMs leaves out checks that are up to date and were run less than this ago
   * @returns how many checks have not come to the end of the changes
   * @throws AggregateError of the checks that could not be run; the others were
   */
  async execute(minAgeMs = 0): Promise<number> {
    return runAsSystem('invariants', async () => {
      const { checks } = this.invariants;
      await this.records.ensure(checks.map(({ id }) => id));
      const end = performance.now() + ROUND_BUDGET_MS;
      const failures: unknown[] = [];
      let behind = 0;
      for (const [index, check] of checks.entries()) {
        const share = (end - performance.now()) / (checks.length - index);
        try {
          const run = await this.run(check, minAgeMs, performance.now() + share);
          if (run?.isUpToDate === false) behind += 1;
        } catch (error) {
          failures.push(error);
          await this.records.markBehind(check.id);
        }
      }
      await this.publishBreaches(checks);
      if (failures.length > 0) throw new AggregateError(failures, 'Invariants could not be checked.');
      return behind;
    });
  }

  /** All that a run reads, in whichever modules, is of one moment. */
  private async run(
    check: InvariantCheck,
    minAgeMs: number,
    deadline: number,
  ): Promise<CheckRun | undefined> {
    const run = await this.database.snapshot(async () => {
      const checkpoint = await this.records.claim(check.id, minAgeMs, this.overlapMs);
      if (!checkpoint) return undefined;
      const result =
        'survey' in check
          ? await this.survey(check, checkpoint, deadline)
          : await this.follow(check, checkpoint, deadline);
      await this.records.save(check.id, result.watermark, result.checked, result.isUpToDate);
      return result;
    });
    if (!run) return undefined;
    this.metrics.countChecked(check.id, run.checked);
    this.report(check, run);
    if (run.isBroken && this.mayFreeze && isAboutMoney(check.invariant)) {
      await this.freeze.freezeForBreachOf(check.id);
    }
    return run;
  }

  private async follow(check: FollowingCheck, checkpoint: Checkpoint, deadline: number): Promise<CheckRun> {
    const open = await this.records.openSubjects(check.id, OPEN_LIMIT);
    const broken = open.length > 0 ? await check.examine(open) : [];
    const found = await this.records.record(check.id, broken);
    const resolved = without(open, broken);
    await this.records.resolve(check.id, resolved);

    let position: Position = checkpoint;
    let checked = open.length;
    let isUpToDate: boolean;
    do {
      const changes = await check.changed(position, BATCH_SIZE);
      const subjects = [...new Set(changes.map(({ subject }) => subject))];
      if (subjects.length > 0) {
        found.push(...(await this.records.record(check.id, await check.examine(subjects))));
      }
      checked += subjects.length;
      position = changes.at(-1) ?? position;
      isUpToDate = changes.length < BATCH_SIZE;
    } while (!isUpToDate && performance.now() < deadline);

    const settled = beginningOf(checkpoint.settledBefore);
    const reached = isUpToDate || isAfter(position, settled) ? settled : position;
    const watermark = isAfter(reached, checkpoint) ? reached : checkpoint;
    return { watermark, checked, isUpToDate, found, resolved, isBroken: open.length + found.length > 0 };
  }

  private async survey(check: SurveyingCheck, checkpoint: Checkpoint, deadline: number): Promise<CheckRun> {
    const { settledBefore } = checkpoint;
    let position: Position = checkpoint;
    let checked = 0;
    let survey;
    do {
      survey = await check.survey({ position, settledBefore, limit: SURVEY_LIMIT });
      position = survey.position ?? position;
      checked += 1;
    } while (!survey.isComplete && performance.now() < deadline);

    const { breaches, isComplete } = survey;
    const open = await this.records.openSubjects(check.id, OPEN_LIMIT);
    const found = await this.records.record(check.id, breaches);
    // Of what did not fit into the list, and of what was not read, nobody knows whether it holds again.
    const resolved = isComplete && breaches.length < SURVEY_LIMIT ? without(open, breaches) : [];
    await this.records.resolve(check.id, resolved);
    const isBroken = open.length + found.length > 0;
    return { watermark: position, checked, isUpToDate: isComplete, found, resolved, isBroken };
  }

  private report(check: InvariantCheck, { found, resolved }: CheckRun): void {
    const about = { check: check.id, invariant: check.invariant };
    for (const { subject, details } of found.slice(0, LOGGED_BREACHES)) {
      this.logger.error({ ...about, subject, details, found: found.length }, 'An invariant is broken');
    }
    if (resolved.length > 0) {
      const subjects = resolved.slice(0, LOGGED_BREACHES);
      this.logger.warn({ ...about, subjects, resolved: resolved.length }, 'An invariant holds again');
    }
  }

  /** What other processes found counts as well, so that every process shows the same. */
  private async publishBreaches(checks: readonly InvariantCheck[]): Promise<void> {
    const counts = await this.records.openCounts();
    for (const { number } of INVARIANTS) {
      const ofInvariant = checks.filter(({ invariant }) => invariant === number);
      const open = ofInvariant.reduce((sum, { id }) => sum + (counts.get(id) ?? 0), 0);
      this.metrics.setBreaches(number, open);
    }
  }
}

/** The subjects that are not broken. */
function without(subjects: readonly string[], breaches: readonly Breach[]): string[] {
  const broken = new Set(breaches.map(({ subject }) => subject));
  return subjects.filter((subject) => !broken.has(subject));
}
