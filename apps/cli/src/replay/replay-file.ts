import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { readTradeFile, TradeFileError } from './plan/parse-trade.js';
import { planTrade } from './plan/plan-trade.js';
import type { ReplayPlan } from './plan/replay-plan.js';
import { reconcile, type ReplayStep } from './report/reconcile.js';
import { renderReport } from './report/report-text.js';
import { ApiClient } from './run/api-client.js';
import { ExecutionLog } from './run/execution-log.js';
import type { Progress } from './run/progress.js';
import { ReplayContext } from './run/replay-context.js';
import { ReplayError, ReplayInterrupted } from './run/replay-errors.js';
import { runReplay } from './run/run-replay.js';
import { type Credentials, Session } from './run/session.js';

/** Exit codes: reconciled; anything else went wrong; stopped by a signal, as shells write SIGINT. */
const EXIT_RECONCILED = 0;
const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;

export interface ReplaySettings {
  /** Where the API is, such as `http://127.0.0.1:3000`. */
  readonly url: string;
  readonly concurrency: number;
  readonly staff: Credentials;
  readonly admin: Credentials;
  /** Files that get the report as text and as JSON. */
  readonly reportPath?: string | undefined;
  readonly jsonPath?: string | undefined;
}

/** Whoever watches the replay, and may stop it. */
export interface ReplayTerminal {
  readonly progress: Progress;
  readonly signal: AbortSignal;
  print(text: string): void;
  complain(text: string): void;
}

/**
 * Replays a trade file through the API and reconciles the file with the ledger.
 *
 * @returns the exit code; what happened has been told to the terminal
 */
export async function replayFile(
  path: string,
  settings: ReplaySettings,
  terminal: ReplayTerminal,
): Promise<number> {
  const log = new ExecutionLog();
  try {
    const plan = planTrade(await readTradeFile(path));
    terminal.print(planLine(plan));
    const ledger = await runReplay(contextOf(plan, settings, terminal, log));
    const report = reconcile(plan, ledger, log.read());
    const text = renderReport(report, basename(path));
    terminal.print(`\n${text}`);
    if (settings.reportPath !== undefined) await writeFile(settings.reportPath, text);
    if (settings.jsonPath !== undefined) {
      await writeFile(settings.jsonPath, `${JSON.stringify(report, null, 2)}\n`);
    }
    return report.problems.length === 0 ? EXIT_RECONCILED : EXIT_FAILED;
  } catch (error) {
    return explain(error, log, terminal);
  }
}

function contextOf(
  plan: ReplayPlan,
  { url, staff, admin, concurrency }: ReplaySettings,
  { progress, signal }: ReplayTerminal,
  log: ExecutionLog,
): ReplayContext {
  const client = new ApiClient({
    baseUrl: url,
    signal,
    onRateLimited: () => progress.remark('waiting for the rate limit; RATE_LIMIT_ENABLED=false lifts it'),
  });
  return new ReplayContext(
    plan,
    client,
    new Session(client, staff),
    new Session(client, admin),
    log,
    progress,
    concurrency,
  );
}

function explain(error: unknown, log: ExecutionLog, terminal: ReplayTerminal): number {
  const { steps } = log.read();
  if (error instanceof ReplayInterrupted) {
    terminal.complain(`Interrupted. ${howFar(steps)} Run the same command again to carry on.`);
    return EXIT_INTERRUPTED;
  }
  if (error instanceof ReplayError) {
    terminal.complain(
      steps.length === 0 ? error.message : `${error.message} ${howFar(steps)} A rerun carries on from there.`,
    );
    return EXIT_FAILED;
  }
  if (error instanceof TradeFileError || isSystemError(error)) {
    terminal.complain(error.message);
    return EXIT_FAILED;
  }
  throw error;
}

function planLine({ fileRowCount, products, customers, orders }: ReplayPlan): string {
  const refundCount = orders.reduce((sum, order) => sum + order.refunds.length, 0);
  const parts = [
    `${count(products.length)} products`,
    `${count(customers.length)} customers`,
    `${count(orders.length)} orders`,
    `${count(refundCount)} refunds`,
  ];
  return `${count(fileRowCount)} rows make ${parts.join(', ')}.`;
}

function howFar(steps: readonly ReplayStep[]): string {
  if (steps.length === 0) return 'Nothing has been sent.';
  const parts = steps.map(({ name, changed, unchanged }) => `${count(changed + unchanged)} ${name}`);
  return `The server has ${parts.join(', ')}.`;
}

/** An error of the file system, such as a report that cannot be written. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}

function count(value: number): string {
  return value.toLocaleString('en-GB');
}
