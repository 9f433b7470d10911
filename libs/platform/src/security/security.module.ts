import { Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AccessGuard } from './access.guard.js';
import { AccessTokens } from './access-tokens.js';
import { RateLimitGuard } from './rate-limit.guard.js';

/** Guards run in this order: who calls and whether they may, then how often. */
@Global()
@Module({
  providers: [
    AccessTokens,
    { provide: APP_GUARD, useClass: AccessGuard },
    { provide: APP_GUARD, useClass: RateLimitGuard },
  ],
  exports: [AccessTokens],
})
export class SecurityModule {}
