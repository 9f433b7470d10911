import { Injectable } from '@nestjs/common';
import { within } from '../resilience/index.js';
import { REDIS_TIMEOUT_MS } from './limiters.js';
import { Redis } from './redis.js';
import { type BucketLevel, type BucketSize, missingAt, take, type Taking, takingOf } from './token-bucket.js';

/** Buckets that are full again are looked for when there are twice as many as after the last look, and this many. */
const SWEEP_FROM = 1_024;

/**
 * `take` of token-bucket.ts beside the counts, on the clock of Redis, so that processes whose clocks differ agree. A
 * number goes back as text, or Redis would cut its fraction off.
 */
const TAKE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local capacity = tonumber(ARGV[1])
local refill = tonumber(ARGV[2]) * 1000
local level = redis.call('HMGET', KEYS[1], 'missing', 'at')
local missing = tonumber(level[1] or 0)
missing = math.max(0, missing - math.max(0, now - tonumber(level[2] or now)) * capacity / refill)
local taken = 0
if missing + 1 <= capacity then
  missing = missing + 1
  taken = 1
end
redis.call('HSET', KEYS[1], 'missing', string.format('%.9f', missing), 'at', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], math.max(1, math.ceil(missing * refill / capacity)))
return { taken, string.format('%.9f', missing) }`;

export interface TokenBucketsOptions extends BucketSize {
  /** Names its keys among others. */
  readonly keyPrefix: string;
}

/** Buckets of one size, one for each key. */
export class TokenBuckets {
  private readonly levels = new Map<string, BucketLevel>();
  private sweepAt = SWEEP_FROM;
  private size: BucketSize;

  constructor(
    private readonly options: TokenBucketsOptions,
    private readonly client: Redis['client'],
  ) {
    this.size = options;
  }

  /** How many tokens a full bucket holds. */
  get capacity(): number {
    return this.size.capacity;
  }

  /** Changes how many fit in. What was taken stays taken: nobody is let in afresh. */
  resize(capacity: number): void {
    this.size = { ...this.size, capacity };
  }

  /** Takes a token out of the bucket of `key`, if there is one. */
  async take(key: string): Promise<Taking> {
    const { client } = this;
    if (!client?.isReady) return this.takeHere(key);
    try {
      const { capacity, refillSeconds } = this.size;
      const call = {
        keys: [`${this.options.keyPrefix}:${key}`],
        arguments: [String(capacity), String(refillSeconds)],
      };
      const [taken, missing] = (await within(REDIS_TIMEOUT_MS, 'Redis', () => client.eval(TAKE, call))) as [
        number,
        string,
      ];
      return takingOf(taken === 1, Number(missing), this.size);
    } catch {
      // It has gone just now, which its connection tells; the buckets of this process stand in.
      return this.takeHere(key);
    }
  }

  private takeHere(key: string): Taking {
    const now = performance.now();
    const { level, taking } = take(this.levels.get(key), now, this.size);
    this.levels.set(key, level);
    if (this.levels.size >= this.sweepAt) this.sweep(now);
    return taking;
  }

  private sweep(now: number): void {
    for (const [key, level] of this.levels) {
      if (missingAt(level, now, this.size) === 0) this.levels.delete(key);
    }
    this.sweepAt = Math.max(SWEEP_FROM, 2 * this.levels.size);
  }
}

/**
 * Makes token buckets, which bound how often something happens: a burst of as much as a bucket holds, and in the long run
 * as much as flows in. They are those of all processes where there is a Redis, and of this process while it is away.
 */
@Injectable()
export class TokenBucketFactory {
  constructor(private readonly redis: Redis) {}

  create(options: TokenBucketsOptions): TokenBuckets {
    return new TokenBuckets(options, this.redis.client);
  }
}
