import { Injectable } from '@nestjs/common';
import { ANONYMOUS, DomainError } from '#kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RateLimiterRes } from 'rate-limiter-flexible';
import { Config, type Settings } from '../config/index.js';
import { type Limiter, Limiters } from '../redis/index.js';
import { Metrics } from '../telemetry/index.js';
import { Authentication } from './authentication.js';
import { addressSite } from './address-block.js';
import { callerAddress } from './caller-address.js';
import { principalOf } from './principal.js';
import { securityErrors } from './security.errors.js';

const WINDOW_SECONDS = 60;

/**
 * What counts a call: reading, writing, guessing passwords, reporting. Each call counts under one of them; one that
 * bears a credential also under `credentials`, before anybody looks at it.
 */
type RateLimitPolicy = 'credentials' | 'requests' | 'writes' | 'login' | 'login_site' | 'webhook';

/** The setting that says how many calls there may be in a window. */
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
  readonly points: number;
  readonly left: number;
  readonly isRefused: boolean;
  /** Until the count begins anew. */
  readonly resetSeconds: number;
}

/** Bounds how often one principal may call, or one address where nobody is known. See `Limiters` for whose counts they are. */
@Injectable()
export class RateLimits {
  private readonly limiters: Readonly<Record<RateLimitPolicy, Limiter>>;

  constructor(
    private readonly config: Config,
    private readonly limits: Limiters,
    private readonly authentication: Authentication,
    private readonly metrics: Metrics,
  ) {
    this.limiters = {
      credentials: this.limiter('credentials'),
      requests: this.limiter('requests'),
      writes: this.limiter('writes'),
      login: this.limiter('login'),
      login_site: this.limiter('login_site', NETWORKS_OF_A_SITE),
      webhook: this.limiter('webhook'),
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
    const limiter = this.limiters[policy];
    const state = await limiter.consume(principal).catch((refusal: unknown) => refusal);
    if (!(state instanceof RateLimiterRes)) throw state;
    const { points } = limiter;
    return {
      ...{ policy, points },
      left: Math.max(0, state.remainingPoints),
      isRefused: state.consumedPoints > points,
      resetSeconds: Math.max(1, Math.ceil(state.msBeforeNext / 1000)),
    };
  }

  private tell({ policy, points, left, isRefused, resetSeconds }: Standing, reply: FastifyReply): void {
    void reply.header('RateLimit-Policy', `"${policy}";q=${points};w=${WINDOW_SECONDS}`);
    void reply.header('RateLimit', `"${policy}";r=${left};t=${resetSeconds}`);
    if (!isRefused) return;
    this.metrics.countRateLimited(policy);
    throw new DomainError(securityErrors.rate_limited, { retryAfterSeconds: resetSeconds });
  }

  /** @param factor how many times the setting */
  private limiter(policy: RateLimitPolicy, factor = 1): Limiter {
    const setting = LIMIT_SETTINGS[policy];
    const limiter = this.limits.create({
      keyPrefix: `steelyard:rate:${policy}`,
      points: factor * this.config.settings[setting],
      duration: WINDOW_SECONDS,
    });
    this.config.onChange((settings) => this.limits.setPoints(limiter, factor * settings[setting]));
    return limiter;
  }
}

function nearerToItsEnd(first: Standing, second: Standing): Standing {
  return first.left < second.left ? first : second;
}

function policyOf(request: FastifyRequest): RateLimitPolicy {
  const { rateLimit } = request.routeOptions.config as { rateLimit?: 'login' | 'webhook' };
  return rateLimit ?? (READING_METHODS.has(request.method) ? 'requests' : 'writes');
}
