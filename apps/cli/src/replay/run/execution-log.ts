import type { ReplayExecution, ReplayFailure, ReplayStep } from '../report/reconcile.js';

/** Counts what becomes of the things of one kind. */
export class Tally {
  changed = 0;
  unchanged = 0;
  failed = 0;
}

/** What has been done so far. It survives an interruption, so that the replay can say how far it came. */
export class ExecutionLog {
  private readonly tallies = new Map<string, { readonly tally: Tally; readonly durationMs: () => number }>();
  private readonly failures: ReplayFailure[] = [];

  /** Opens a step. `durationMs` is asked when the log is read. */
  step(name: string, durationMs: () => number): Tally {
    const tally = new Tally();
    this.tallies.set(name, { tally, durationMs });
    return tally;
  }

  fail(failure: ReplayFailure): void {
    this.failures.push(failure);
  }

  read(): ReplayExecution {
    const steps = [...this.tallies].map(([name, { tally, durationMs }]): ReplayStep => {
      const { changed, unchanged, failed } = tally;
      return { name, changed, unchanged, failed, durationMs: Math.round(durationMs()) };
    });
    return { steps, failures: [...this.failures] };
  }
}
