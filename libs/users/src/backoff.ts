import { DomainError } from '#kernel';
import { securityErrors } from '#platform/security';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

export interface BackoffOptions {
  /** Names its keys among others. */
  readonly name: string;
  /** Failures that cost no pause. */
  readonly freeFailures: number;
  /** How long failures are remembered, from the first. */
  readonly memorySeconds: number;
  /** Pauses double from two seconds up to this. */
  readonly longestPauseSeconds: number;
}

/**
 * Makes guessing slow: after some failures under a key each further try starts a pause, twice as long as the one
 * before. A try counts when it begins, so that many at once are not as good as one. The counts are those of this process.
 */
export class Backoff {
  private readonly failures: RateLimiterMemory;
  private readonly pauses: RateLimiterMemory;

  constructor(private readonly options: BackoffOptions) {
    const { name, memorySeconds: duration } = options;
    this.failures = new RateLimiterMemory({
      keyPrefix: `${name}-failures`,
      points: Number.MAX_SAFE_INTEGER,
      duration,
    });
    this.pauses = new RateLimiterMemory({ keyPrefix: `${name}-pauses`, points: 1, duration });
  }

  /**
   * Begins a try, which counts as a failure until it is taken back.
   *
   * @throws DomainError rate_limited during a pause
   */
  async begin(key: string): Promise<void> {
    const pause = await this.pauses.get(key);
    if (pause && pause.msBeforeNext > 0) throw paused(pause);
    const { consumedPoints } = await this.failures.consume(key);
    const beyond = consumedPoints - this.options.freeFailures;
    if (beyond <= 0) return;
    const customDuration = Math.min(2 ** beyond, this.options.longestPauseSeconds);
    try {
      await this.pauses.consume(key, 1, { customDuration });
    } catch (refusal) {
      // Another try of the same moment has started the pause.
      throw refusal instanceof RateLimiterRes ? paused(refusal) : refusal;
    }
  }

  /**
   * Runs `verify` as one try: nothing found counts as a failure, something found forgets those before. What throws was
   * no guess.
   *
   * @throws DomainError rate_limited during a pause
   */
  async attempt<T>(key: string, verify: () => Promise<T>): Promise<T> {
    await this.begin(key);
    try {
      const result = await verify();
      if (result) await this.forget(key);
      return result;
    } catch (error) {
      await this.takeBack(key);
      throw error;
    }
  }

  /** Takes a try back that was no guess. */
  async takeBack(key: string): Promise<void> {
    await this.failures.reward(key);
  }

  /** Forgets every failure under the key. */
  async forget(key: string): Promise<void> {
    await Promise.all([this.failures.delete(key), this.pauses.delete(key)]);
  }
}

function paused({ msBeforeNext }: RateLimiterRes): DomainError {
  return new DomainError(securityErrors.rate_limited, {
    detail: 'Too many failed attempts: wait before the next one.',
    retryAfterSeconds: Math.max(1, Math.ceil(msBeforeNext / 1000)),
  });
}
