import { setTimeout as delay } from 'node:timers/promises';
import { say, writeReport } from './report.js';
import { Rig } from './rig.js';
import { runSchedule, type ScheduleReport } from './schedule.js';
import { planSchedule } from './schedule-plan.js';
import type { Totals } from './totals.js';

const SETTINGS = { DATABASE_POOL_MAX: '40', GATEWAY_TIMEOUT_MS: '500', REQUEST_TIMEOUT_MS: '5000' };

/** How many schedules, and from which seed on. */
export interface Length {
  readonly seed: number;
  readonly schedules: number;
  /** No further schedule begins after that. */
  readonly minutes: number;
}

/** Runs one random schedule after the other on the same servers. A breach does not end the run. */
export async function runSchedules(totals: Totals, { seed, schedules, minutes }: Length): Promise<void> {
  const reports: ScheduleReport[] = [];
  const until = performance.now() + minutes * 60_000;
  const rig = await Rig.start(SETTINGS);
  try {
    for (let next = seed; next < seed + schedules && performance.now() < until; next += 1) {
      await rig.caller.staySignedIn();
      const report = await runSchedule(rig, planSchedule(next));
      reports.push(report);
      tell(report, totals);
      // What the last one has left in flight at the gateway comes to nothing.
      await delay(50);
    }
  } finally {
    await rig.stop();
  }
  await reportSchedules(reports);
}

function isBroken({ invariants }: ScheduleReport): boolean {
  return invariants.some(({ breaches }) => breaches.length > 0);
}

function tell(report: ScheduleReport, totals: Totals): void {
  const { seed, calls, orders, effects, kills, seconds, invariants } = report;
  const verdict = isBroken(report) ? 'BROKEN' : 'ok';
  say(
    `schedule ${seed}: ${verdict}; ${calls} calls, ${orders} orders, ${effects} effects, killed: app ${kills.app}, PostgreSQL ${kills.postgres} (${seconds.toFixed(1)} s)`,
  );
  totals.invariants(`schedule ${seed}`, invariants);
  if (isBroken(report))
    say(`  replay: npm run test:faults -- --seed ${seed} --schedules 1 --no-matrix --no-outage`);
}

async function reportSchedules(reports: readonly ScheduleReport[]): Promise<void> {
  const broken = reports.filter(isBroken);
  const sum = (count: (report: ScheduleReport) => number) =>
    reports.reduce((total, report) => total + count(report), 0);
  const summary = `${reports.length} schedules, ${broken.length} broken; ${sum(({ calls }) => calls)} calls, ${sum(({ orders }) => orders)} orders, ${sum(({ kills }) => kills.app)} kills of the application, ${sum(({ kills }) => kills.postgres)} of PostgreSQL.`;
  const rows = reports.map((report) => {
    const { seed, calls, orders, effects, kills, seconds, invariants } = report;
    const numbers = invariants.filter(({ breaches }) => breaches.length > 0).map(({ number }) => number);
    const verdict = numbers.length === 0 ? 'ok' : `breaks ${numbers.join(', ')}`;
    return `| ${seed} | ${calls} | ${orders} | ${effects} | ${kills.app} | ${kills.postgres} | ${seconds.toFixed(1)} | ${verdict} |`;
  });
  const markdown = [
    '# Random schedules',
    '',
    summary,
    '',
    '| seed | calls | orders | effects | kills of the app | of PostgreSQL | seconds | |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
  await writeReport('schedules', markdown, { summary, schedules: reports });
  say(`schedules: ${summary}`);
}
