import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';

/** Where the process is in its life. Terminus does not flip readiness on a drain, so this does. */
@Injectable()
export class Lifecycle {
  private readonly drainListeners: (() => void)[] = [];
  private phase: 'starting' | 'serving' | 'draining' = 'starting';

  /** All is started: from now on the process takes requests. */
  markStarted(): void {
    if (this.phase === 'starting') this.phase = 'serving';
  }

  /** The process is about to stop: readiness says so for `delayMs`, until load balancers send nothing new. */
  async drain(delayMs: number): Promise<void> {
    this.phase = 'draining';
    for (const listener of this.drainListeners) listener();
    await delay(delayMs);
  }

  /** Has `listener` called when the process begins to drain: what would never end by itself ends then. */
  onDrain(listener: () => void): void {
    this.drainListeners.push(listener);
  }

  get isStarted(): boolean {
    return this.phase !== 'starting';
  }

  get isDraining(): boolean {
    return this.phase === 'draining';
  }
}
