import { Injectable } from '@nestjs/common';
import { ANONYMOUS, DomainError } from '#kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { Config, type Settings } from '../config/index.js';
import { Redis } from '../redis/index.js';
import { Metrics } from '../telemetry/index.js';
import { Authentication } from './authentication.js';
import { principalOf } from './principal.js';
import { securityErrors } from './security.errors.js';

const WINDOW_SECONDS = 60;
/** A Redis that takes longer is as good as away: counting must not be what a request waits for. */
const REDIS_TIMEOUT_MS = 100;

/** What counts a call: reading, writing, guessing passwords, reporting. Each call counts under one of them. */
type RateLimitPolicy = 'requests' | 'writes' | 'login' | 'webhook';

/** The setting that says how many calls there may be in a window. */
const LIMIT_SETTINGS = {
  requests: 'RATE_LIMIT_REQUESTS_PER_MINUTE',
  writes: 'RATE_LIMIT_WRITES_PER_MINUTE',
  login: 'RATE_LIMIT_LOGINS_PER_MINUTE',
  webhook: 'RATE_LIMIT_WEBHOOKS_PER_MINUTE',
} as const satisfies Record<RateLimitPolicy, keyof Settings>;

type Limiter = RateLimiterMemory | RateLimiterRedis;

const READING_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Bounds how often one principal may call, or one address where nobody is known. The counts are those of all processes
 * where there is a Redis, and of this process while it is away.
 */
@Injectable()
export class RateLimits {
  private readonly limiters: Readonly<Record<RateLimitPolicy, Limiter>>;

  constructor(
    private readonly config: Config,
    private readonly redis: Redis,
    private readonly authentication: Authentication,
    private readonly metrics: Metrics,
  ) {
    this.limiters = {
      requests: this.limiter('requests'),
      writes: this.limiter('writes'),
      login: this.limiter('login'),
      webhook: this.limiter('webhook'),
    };
  }

  /**
   * Counts a request and says in the headers of its answer how many are left. It is counted before anybody has asked
   * whether it is allowed, or whether there is anything at its address: a flood of bad tokens is a flood, too.
   *
   * @throws DomainError rate_limited
   */
  async admit(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (!this.config.settings.RATE_LIMIT_ENABLED) return;
    const policy = policyOf(request);
    const limiter = this.limiters[policy];
    const key = await this.keyOf(policy, request);
    const state = await limiter.consume(key).catch((refusal: unknown) => refusal);
    if (!(state instanceof RateLimiterRes)) throw state;

    const { points } = limiter;
    const resetSeconds = Math.max(1, Math.ceil(state.msBeforeNext / 1000));
    void reply.header('RateLimit-Policy', `"${policy}";q=${points};w=${WINDOW_SECONDS}`);
    void reply.header('RateLimit', `"${policy}";r=${Math.max(0, state.remainingPoints)};t=${resetSeconds}`);
    if (state.consumedPoints > points) {
      this.metrics.countRateLimited(policy);
      throw new DomainError(securityErrors.rate_limited, { retryAfterSeconds: resetSeconds });
    }
  }

  /** Whoever guesses passwords is known by nothing but an address. */
  private async keyOf(policy: RateLimitPolicy, request: FastifyRequest): Promise<string> {
    const actor =
      policy === 'login' ? ANONYMOUS : await this.authentication.actorOf(request).catch(() => ANONYMOUS);
    return principalOf(actor, request.ip);
  }

  private limiter(policy: RateLimitPolicy): Limiter {
    const setting = LIMIT_SETTINGS[policy];
    const options = {
      keyPrefix: `steelyard:rate:${policy}`,
      points: this.config.settings[setting],
      duration: WINDOW_SECONDS,
    };
    const ofThisProcess = new RateLimiterMemory(options);
    const shared = this.sharedLimiter(options, ofThisProcess);
    // What was counted stays counted: whoever is beyond a limit that is lowered is not let in afresh.
    this.config.onChange((settings) => {
      ofThisProcess.points = settings[setting];
      if (shared) shared.points = settings[setting];
    });
    return shared ?? ofThisProcess;
  }

  private sharedLimiter(
    options: { keyPrefix: string; points: number; duration: number },
    insuranceLimiter: RateLimiterMemory,
  ): RateLimiterRedis | undefined {
    const { client } = this.redis;
    if (!client) return undefined;
    return new RateLimiterRedis({
      ...options,
      insuranceLimiter,
      rejectIfRedisNotReady: true,
      useRedisPackage: true,
      storeClient: {
        get isReady() {
          return client.isReady;
        },
        eval: (...call: Parameters<typeof client.eval>) => inTime(client.eval(...call)),
      },
    });
  }
}

function policyOf(request: FastifyRequest): RateLimitPolicy {
  const { rateLimit } = request.routeOptions.config as { rateLimit?: 'login' | 'webhook' };
  return rateLimit ?? (READING_METHODS.has(request.method) ? 'requests' : 'writes');
}

/** Fails when `answer` takes too long. What comes after that is nobody's. */
async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('Redis does not answer in time.')), REDIS_TIMEOUT_MS);
  });
  try {
    return await Promise.race([answer, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
