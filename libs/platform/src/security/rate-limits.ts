import { Injectable } from '@nestjs/common';
import { ANONYMOUS, DomainError } from '#kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Config, type Settings } from '../config/index.js';
import { TokenBucketFactory, type TokenBuckets } from '../redis/index.js';
import { Metrics } from '../telemetry/index.js';
import { Authentication } from './authentication.js';
import { addressSite } from './address-block.js';
import { callerAddress } from './caller-address.js';
import { principalOf } from './principal.js';
import { securityErrors } from './security.errors.js';

/** The limits are per minute: as many calls at once, and as many evenly over each minute after that. */
const REFILL_SECONDS = 60;

/**
 * What counts a call: reading, writing, guessing passwords, reporting. Each call counts under one of them; one that
 * bears a credential also under `credentials`, before anybody looks at it.
 */
type RateLimitPolicy = 'credentials' | 'requests' | 'writes' | 'login' | 'login_site' | 'webhook';

/** The setting that says how many calls there may be in a minute. */
const LIMIT_SETTINGS = {
  credentials: 'RATE_LIMIT_CREDENTIALS_PER_MINUTE',
  requests: 'RATE_LIMIT_REQUESTS_PER_MINUTE',
  writes: 'RATE_LIMIT_WRITES_PER_MINUTE',
  login: 'RATE_LIMIT_LOGINS_PER_MINUTE',
  login_site: 'RATE_LIMIT_LOGINS_PER_MINUTE',
  webhook: 'RATE_LIMIT_WEBHOOKS_PER_MINUTE',
} as const satisfies Record<RateLimitPolicy, keyof Settings>;

/** A site of IPv6 has 65,536 networks; people log in from this many of them in one minute at the most. */
const NETWORKS_OF_A_SITE = 10;

const READING_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** How a call stands with one of the policies that count it. */
interface Standing {
  readonly policy: RateLimitPolicy;
  readonly capacity: number;
  readonly left: number;
  readonly isRefused: boolean;
  /** Until a call is admitted again. */
  readonly retrySeconds: number;
  /** Until all of them are there again. */
  readonly resetSeconds: number;
}

/**
 * Bounds how often one principal may call, or one address where nobody is known, by token buckets. See `TokenBuckets` for
 * whose buckets they are.
 */
@Injectable()
export class RateLimits {
  private readonly buckets: Readonly<Record<RateLimitPolicy, TokenBuckets>>;

  constructor(
    private readonly config: Config,
    private readonly factory: TokenBucketFactory,
    private readonly authentication: Authentication,
    private readonly metrics: Metrics,
  ) {
    this.buckets = {
      credentials: this.bucketsOf('credentials'),
      requests: this.bucketsOf('requests'),
      writes: this.bucketsOf('writes'),
      login: this.bucketsOf('login'),
      login_site: this.bucketsOf('login_site', NETWORKS_OF_A_SITE),
      webhook: this.bucketsOf('webhook'),
    };
  }

  /**
   * Counts a request and says in the headers of its answer how many are left: where two policies count it, by the one
   * that is nearer to its end. It is counted before anybody has asked whether it is allowed, or whether there is
   * anything at its address: a flood of bad tokens is a flood, too. What an address has too many of is refused before
   * its credential costs a look into the database, or at an outside provider.
   *
   * @throws DomainError rate_limited
   */
  async admit(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (!this.config.settings.RATE_LIMIT_ENABLED) return;
    this.tell(await this.standingOf(request), reply);
  }

  /**
   * Counts a call that was let in as a gateway's and is nobody's, now as a write of its address, and answers with how that
   * stands. The gateway may share the address: what it has signed is never counted here, and never refused for it.
   *
   * @throws DomainError rate_limited
   */
  async admitUnsigned(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (!this.config.settings.RATE_LIMIT_ENABLED) return;
    this.tell(await this.count('writes', principalOf(ANONYMOUS, callerAddress(request))), reply);
  }

  private async standingOf(request: FastifyRequest): Promise<Standing> {
    const policy = policyOf(request);
    const address = callerAddress(request);
    const caller = principalOf(ANONYMOUS, address);
    if (policy === 'login') return this.standingOfLogin(caller, addressSite(address));
    // A gateway is known by its signature alone.
    if (policy === 'webhook' || request.headers.authorization === undefined)
      return this.count(policy, caller);
    const before = await this.count('credentials', caller);
    if (before.isRefused) return before;
    const actor = await this.authentication.knownActorOf(request).catch(() => ANONYMOUS);
    return nearerToItsEnd(before, await this.count(policy, principalOf(actor, address)));
  }

  /** Whoever guesses passwords is known by nothing but an address, of which some have 2^80. */
  private async standingOfLogin(caller: string, site: string | undefined): Promise<Standing> {
    const standing = await this.count('login', caller);
    if (site === undefined || standing.isRefused) return standing;
    return nearerToItsEnd(standing, await this.count('login_site', site));
  }

  private async count(policy: RateLimitPolicy, principal: string): Promise<Standing> {
    const buckets = this.buckets[policy];
    const { isTaken, left, nextMs, fullMs } = await buckets.take(principal);
    return {
      ...{ policy, capacity: buckets.capacity, left },
      isRefused: !isTaken,
      retrySeconds: Math.max(1, Math.ceil(nextMs / 1000)),
      resetSeconds: Math.max(1, Math.ceil(fullMs / 1000)),
    };
  }

  private tell(standing: Standing, reply: FastifyReply): void {
    const { policy, capacity, left, isRefused, retrySeconds, resetSeconds } = standing;
    void reply.header('RateLimit-Policy', `"${policy}";q=${capacity};w=${REFILL_SECONDS}`);
    void reply.header('RateLimit', `"${policy}";r=${left};t=${resetSeconds}`);
    if (!isRefused) return;
    this.metrics.countRateLimited(policy);
    throw new DomainError(securityErrors.rate_limited, { retryAfterSeconds: retrySeconds });
  }

  /** @param factor how many times the setting */
  private bucketsOf(policy: RateLimitPolicy, factor = 1): TokenBuckets {
    const setting = LIMIT_SETTINGS[policy];
    const buckets = this.factory.create({
      keyPrefix: `steelyard:rate:${policy}`,
      capacity: factor * this.config.settings[setting],
      refillSeconds: REFILL_SECONDS,
    });
    this.config.onChange((settings) => buckets.resize(factor * settings[setting]));
    return buckets;
  }
}

function nearerToItsEnd(first: Standing, second: Standing): Standing {
  return first.left < second.left ? first : second;
}

function policyOf(request: FastifyRequest): RateLimitPolicy {
  const { rateLimit } = request.routeOptions.config as { rateLimit?: 'login' | 'webhook' };
  return rateLimit ?? (READING_METHODS.has(request.method) ? 'requests' : 'writes');
}
