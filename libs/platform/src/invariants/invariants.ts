import { Injectable } from '@nestjs/common';
import type { InvariantCheck } from './check.js';

/** Where modules register the checks of what they promise, each of its own tables. */
@Injectable()
export class Invariants {
  private readonly registered = new Map<string, InvariantCheck>();

  register(...checks: readonly InvariantCheck[]): void {
    for (const check of checks) {
      if (this.registered.has(check.id))
        throw new Error(`The invariant check ${check.id} is registered twice.`);
      this.registered.set(check.id, check);
    }
  }

  /** All checks, by invariant. */
  get checks(): readonly InvariantCheck[] {
    return [...this.registered.values()].sort((a, b) => a.invariant - b.invariant);
  }
}
