import { Injectable } from '@nestjs/common';
import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible';
import { within } from '../resilience/index.js';
import { Redis } from './redis.js';

/** A Redis that takes longer is as good as away: counting must not be what a request waits for. */
export const REDIS_TIMEOUT_MS = 100;

export type Limiter = RateLimiterMemory | RateLimiterRedis;

export interface LimiterOptions {
  /** Names its keys among others. */
  readonly keyPrefix: string;
  /** How many points may be consumed under a key in `duration`. */
  readonly points: number;
  /** In seconds, from the first point on. */
  readonly duration: number;
}

/**
 * Counts what has happened, so that it does not happen too often: failures, notices. How often somebody may call is
 * bounded by `TokenBuckets`. The counts are those of all processes where there is a Redis, and of this
 * process while it is away.
 */
@Injectable()
export class Limiters {
  constructor(private readonly redis: Redis) {}

  create(options: LimiterOptions): Limiter {
    const insuranceLimiter = new RateLimiterMemory(options);
    const { client } = this.redis;
    if (!client) return insuranceLimiter;
    return new RateLimiterRedis({
      ...options,
      insuranceLimiter,
      rejectIfRedisNotReady: true,
      useRedisPackage: true,
      storeClient: {
        get isReady() {
          return client.isReady;
        },
        eval: (...call: Parameters<typeof client.eval>) => inTime(() => client.eval(...call)),
        del: (key: string) => inTime(() => client.del(key)),
        multi: () => {
          const commands = client.multi();
          const exec = commands.exec.bind(commands);
          return Object.assign(commands, { exec: (asPipeline: boolean) => inTime(() => exec(asPipeline)) });
        },
      },
    });
  }
}

function inTime<T>(ask: () => Promise<T>): Promise<T> {
  return within(REDIS_TIMEOUT_MS, 'Redis', ask);
}
