import { Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AccessGuard } from './access.guard.js';
import { AccessPolicy } from './access-policy.js';
import { AccessTokens } from './access-tokens.js';
import { Authentication } from './authentication.js';
import { RateLimits } from './rate-limits.js';

/** How often somebody may call is asked by platform/http before anything else; here stands whether they may. */
@Global()
@Module({
  providers: [
    AccessPolicy,
    AccessTokens,
    Authentication,
    RateLimits,
    { provide: APP_GUARD, useClass: AccessGuard },
  ],
  exports: [AccessPolicy, AccessTokens, Authentication, RateLimits],
})
export class SecurityModule {}
