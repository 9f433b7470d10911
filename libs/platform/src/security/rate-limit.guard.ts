import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { DomainError } from '#kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { Config } from '../config/index.js';
import { currentActor } from '../context/index.js';
import { RATE_LIMIT_CLASS } from './access.js';
import { securityErrors } from './security.errors.js';

const WINDOW_SECONDS = 60;

/**
 * Bounds how often one principal, or one address where nobody is known, may call. Runs after the access guard, which
 * knows the principal. The counts are those of this process.
 */
@Injectable()
export class RateLimitGuard implements CanActivate {
  private readonly enabled: boolean;
  private readonly limiters: Readonly<Record<'requests' | 'login' | 'webhook', RateLimiterMemory>>;

  constructor(
    private readonly reflector: Reflector,
    { settings }: Config,
  ) {
    this.enabled = settings.RATE_LIMIT_ENABLED;
    const limiter = (points: number) => new RateLimiterMemory({ points, duration: WINDOW_SECONDS });
    this.limiters = {
      requests: limiter(settings.RATE_LIMIT_REQUESTS_PER_MINUTE),
      login: limiter(settings.RATE_LIMIT_LOGINS_PER_MINUTE),
      webhook: limiter(settings.RATE_LIMIT_WEBHOOKS_PER_MINUTE),
    };
  }

  async canActivate(execution: ExecutionContext): Promise<boolean> {
    if (!this.enabled) return true;
    const http = execution.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const strict = this.reflector.get<'login' | 'webhook' | undefined>(
      RATE_LIMIT_CLASS,
      execution.getHandler(),
    );
    const policy = strict ?? 'requests';
    const limiter = this.limiters[policy];
    const actor = currentActor();
    const principal = actor.kind === 'user' && !strict ? actor.userId : request.ip;
    const state = await limiter.consume(principal).catch((refusal: unknown) => refusal);
    if (!(state instanceof RateLimiterRes)) throw state;

    const resetSeconds = Math.max(1, Math.ceil(state.msBeforeNext / 1000));
    void reply.header('RateLimit-Policy', `"${policy}";q=${limiter.points};w=${WINDOW_SECONDS}`);
    void reply.header('RateLimit', `"${policy}";r=${Math.max(0, state.remainingPoints)};t=${resetSeconds}`);
    if (state.consumedPoints > limiter.points) {
      throw new DomainError(securityErrors.rate_limited, { retryAfterSeconds: resetSeconds });
    }
    return true;
  }
}
