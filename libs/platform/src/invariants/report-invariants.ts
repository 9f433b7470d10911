import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { CaptureFreeze } from './capture-freeze.js';
import { CheckInvariants } from './check-invariants.js';
import { type BreachRecord, type CheckRecord, CheckRecords } from './check-records.js';
import type { InvariantCheck } from './check.js';
import { Invariants } from './invariants.js';
import type { CapturesView, InvariantCheckView, InvariantsReport } from './invariants.schema.js';
import { INVARIANTS } from './twelve.js';

/** Open breaches that are shown of each check; their number is always told. */
const SHOWN_BREACHES = 20;

/** How the twelve stand: one more round over what has changed, and then everything that is known. */
@Injectable()
export class ReportInvariants {
  constructor(
    private readonly checkInvariants: CheckInvariants,
    private readonly invariants: Invariants,
    private readonly records: CheckRecords,
    private readonly freeze: CaptureFreeze,
    private readonly logger: PinoLogger,
  ) {
    logger.setContext(ReportInvariants.name);
  }

  async execute(): Promise<InvariantsReport> {
    try {
      await this.checkInvariants.execute();
    } catch (error) {
      // What could not be checked is shown as not up to date; the rest is worth showing.
      this.logger.error({ err: error }, 'Invariants could not be checked');
    }
    const { checks } = this.invariants;
    const ids = checks.map(({ id }) => id);
    const records = new Map((await this.records.checks(ids)).map((record) => [record.id, record]));
    const breaches = Map.groupBy(await this.records.breaches(ids, SHOWN_BREACHES), ({ checkId }) => checkId);
    const times = checks.map(({ id }) => records.get(id)?.checkedAt?.getTime());
    return {
      holds: breaches.size === 0,
      checkedAt: times.every((time) => time !== undefined)
        ? new Date(Math.min(...times)).toISOString()
        : null,
      captures: await this.captures(),
      invariants: INVARIANTS.map(({ number, title, provenBy }) => {
        const views = checks
          .filter(({ invariant }) => invariant === number)
          .map((check) => toCheckView(check, records.get(check.id), breaches.get(check.id) ?? []));
        return {
          number,
          title,
          how: views.length > 0 ? ('live' as const) : ('tests' as const),
          provenBy: [...provenBy],
          checks: views,
        };
      }),
    };
  }

  async captures(): Promise<CapturesView> {
    const inForce = await this.freeze.current();
    return {
      frozen: inForce !== undefined,
      since: inForce?.since.toISOString() ?? null,
      reason: inForce?.reason ?? null,
      by: inForce?.by ?? null,
    };
  }
}

function toCheckView(
  { id, title }: InvariantCheck,
  record: CheckRecord | undefined,
  breaches: readonly BreachRecord[],
): InvariantCheckView {
  return {
    id,
    title,
    checked: record?.checked ?? 0,
    upToDate: record?.isUpToDate ?? false,
    checkedAt: record?.checkedAt?.toISOString() ?? null,
    breachCount: breaches[0]?.ofCheck ?? 0,
    breaches: breaches.map(({ subject, details, foundAt }) => ({
      subject,
      details: { ...details },
      foundAt: foundAt.toISOString(),
    })),
  };
}
