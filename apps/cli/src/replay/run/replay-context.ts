import type { ReplayPlan } from '../plan/replay-plan.js';
import type { ApiClient } from './api-client.js';
import type { ExecutionLog, Tally } from './execution-log.js';
import type { Progress } from './progress.js';
import type { Session } from './session.js';

/** The most things that a replay works on at once. */
export const MAX_CONCURRENCY = 64;

/** A phase under way. */
export interface Phase {
  /** Counts one of its kinds of things. */
  readonly tally: (step: string) => Tally;
  /** Moves the progress bar on. */
  readonly advance: (count?: number) => void;
}

/** What every phase of a replay works with. */
export class ReplayContext {
  constructor(
    readonly plan: ReplayPlan,
    readonly client: ApiClient,
    readonly staff: Session,
    readonly admin: Session,
    readonly log: ExecutionLog,
    readonly progress: Progress,
    /** How many things a phase works on at once, at most {@link MAX_CONCURRENCY}. */
    readonly concurrency: number,
  ) {}

  /**
   * Runs a phase, shows its progress and takes its time.
   *
   * @param total how many things it works through
   */
  async phase(name: string, total: number, work: (phase: Phase) => Promise<void>): Promise<void> {
    const startedAtMs = performance.now();
    let endedAtMs: number | undefined;
    const durationMs = () => (endedAtMs ?? performance.now()) - startedAtMs;
    this.progress.start(name, total);
    try {
      await work({
        tally: (step) => this.log.step(step, durationMs),
        advance: (count) => this.progress.advance(count),
      });
    } finally {
      endedAtMs = performance.now();
      this.progress.stop();
    }
  }
}
