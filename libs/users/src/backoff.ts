import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DomainError } from '#kernel';
import { type Limiter, Limiters } from '#platform/redis';
import { securityErrors } from '#platform/security';
import { RateLimiterRes } from 'rate-limiter-flexible';

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
 * before. A try counts when it begins, so that many at once are not as good as one. Keys are kept as hashes: they are
 * addresses of people, and Redis is no place for those.
 */
export class Backoff {
  private readonly failures: Limiter;
  private readonly pauses: Limiter;

  constructor(
    private readonly options: BackoffOptions,
    limiters: Pick<Limiters, 'create'>,
  ) {
    const { name, memorySeconds: duration } = options;
    const keyPrefix = `steelyard:backoff:${name}`;
    const points = Number.MAX_SAFE_INTEGER;
    this.failures = limiters.create({ keyPrefix: `${keyPrefix}-failures`, points, duration });
    this.pauses = limiters.create({ keyPrefix: `${keyPrefix}-pauses`, points: 1, duration });
  }

  /**
   * Begins a try, which counts as a failure until it is taken back.
   *
   * @throws DomainError rate_limited during a pause
   */
  async begin(key: string): Promise<void> {
    const hash = hashOf(key);
    const pause = await this.pauses.get(hash);
    if (pause && pause.msBeforeNext > 0) throw paused(pause);
    const { consumedPoints } = await this.failures.consume(hash);
    const beyond = consumedPoints - this.options.freeFailures;
    if (beyond <= 0) return;
    const customDuration = Math.min(2 ** beyond, this.options.longestPauseSeconds);
    try {
      await this.pauses.consume(hash, 1, { customDuration });
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

  /** Takes a try back that was no guess. Where it has been forgotten meanwhile, there is nothing to take. */
  async takeBack(key: string): Promise<void> {
    const hash = hashOf(key);
    const { consumedPoints } = await this.failures.reward(hash);
    // Each puts back its own one, so that of any number at once none leaves a credit, and none a failure.
    if (consumedPoints < 0) await this.failures.penalty(hash);
  }

  /** Forgets every failure under the key. */
  async forget(key: string): Promise<void> {
    const hash = hashOf(key);
    await Promise.all([this.failures.delete(hash), this.pauses.delete(hash)]);
  }
}

/** Makes what slows guessing down: it counts for all processes where there is a Redis. */
@Injectable()
export class Backoffs {
  constructor(private readonly limiters: Limiters) {}

  create(options: BackoffOptions): Backoff {
    return new Backoff(options, this.limiters);
  }
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('base64url');
}

function paused({ msBeforeNext }: RateLimiterRes): DomainError {
  return new DomainError(securityErrors.rate_limited, {
    detail: 'Too many failed attempts: wait before the next one.',
    retryAfterSeconds: Math.max(1, Math.ceil(msBeforeNext / 1000)),
  });
}
