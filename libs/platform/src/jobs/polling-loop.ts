import { setTimeout as delay } from 'node:timers/promises';
import type { PinoLogger } from 'nestjs-pino';
import { backoffMs } from '../resilience/index.js';

/** A job that looks again and again whether there is something to do. */
export interface PollingJob {
  /** Names it in the log. */
  readonly name: string;
  /** Pause after a round that found nothing to do. */
  readonly pollMs: number;
  /**
   * Does one bounded piece of work and returns how much there was. After more than nothing, the next round follows at
   * once.
   */
  readonly round: () => Promise<number>;
}

/** The pause doubles with each failure in a row, up to this. */
const LONGEST_PAUSE_MS = 30_000;

/** Runs the rounds of one job, one after the other, from `start` to `stop`. A failed round is tried again, later. */
export class PollingLoop {
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  /** Failed rounds since the last one that worked. */
  private failures = 0;
  /** Ends the pause between two rounds. */
  private alarm = new AbortController();

  constructor(
    private readonly job: PollingJob,
    private readonly logger: Pick<PinoLogger, 'error' | 'info' | 'warn'>,
  ) {}

  start(): void {
    this.running = this.run();
  }

  /** Has the next round follow at once, also when one is running that may have looked too early. */
  wake(): void {
    this.alarm.abort();
  }

  /** Begins no further round and waits for the end of the one in flight, but not longer than `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.stopping.abort();
    this.wake();
    const waiting = new AbortController();
    const finished = await Promise.race([
      this.running.then(() => true),
      delay(graceMs, false, { signal: waiting.signal }),
    ]);
    waiting.abort();
    if (!finished) this.logger.warn({ job: this.job.name }, 'A job did not end in time and is left behind');
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      this.alarm = new AbortController();
      const pauseMs = await this.runRound();
      // Even a job that always finds something to do lets the rest of the process have its turn.
      await delay(0);
      await delay(pauseMs, undefined, { signal: this.alarm.signal }).catch(() => undefined);
    }
  }

  /** Returns how long to wait before the next one. */
  private async runRound(): Promise<number> {
    const { name, pollMs, round } = this.job;
    try {
      const done = await round();
      if (this.failures > 0) this.logger.info({ job: name, failures: this.failures }, 'A job works again');
      this.failures = 0;
      return done > 0 ? 0 : pollMs;
    } catch (error) {
      this.failures += 1;
      // Whatever keeps failing would fill the log: its first failure says what is wrong.
      if (this.failures === 1)
        this.logger.error({ err: error, job: name }, 'A job fails; it is tried again and again');
      return Math.max(pollMs, backoffMs({ firstMs: pollMs, longestMs: LONGEST_PAUSE_MS }, this.failures));
    }
  }
}
