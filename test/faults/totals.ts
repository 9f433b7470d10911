import type { InvariantReport } from './check-invariants.js';
import { say } from './report.js';

/** What was proven, and what was not, in the words of Jest, so that the same script counts both. */
export class Totals {
  passed = 0;
  failed = 0;

  /** Counts one thing that was to be proven. */
  count(isProven: boolean): void {
    if (isProven) this.passed += 1;
    else this.failed += 1;
  }

  /** Counts each invariant, and says what breaks it. */
  invariants(where: string, reports: readonly InvariantReport[]): void {
    for (const { number, rule, breaches } of reports) {
      if (breaches.length === 0) {
        this.passed += 1;
        continue;
      }
      this.failed += 1;
      say(`${where}: invariant ${number} is broken: ${rule}`);
      for (const breach of breaches.slice(0, 5)) say(`  ${JSON.stringify(breach)}`);
    }
  }

  toString(): string {
    const { passed, failed } = this;
    return `Tests: ${failed} failed, ${passed} passed, ${passed + failed} total`;
  }
}
