import { Global, Module } from '@nestjs/common';
import { Config } from '../config/index.js';
import { askSystem } from './look-up.js';
import { OutboundClient } from './outbound-client.js';
import { ANY_TARGET, PUBLIC_TARGETS } from './target-policy.js';

/** The setting is refused in production, so nobody is told of it there. */
const HINT = 'To try it on one machine, set WEBHOOKS_ALLOW_PRIVATE_TARGETS=true.';

@Global()
@Module({
  providers: [
    {
      provide: OutboundClient,
      useFactory: ({ settings, isProduction }: Config) =>
        new OutboundClient(
          settings.WEBHOOKS_ALLOW_PRIVATE_TARGETS
            ? { policy: ANY_TARGET, lookUp: askSystem }
            : { policy: isProduction ? PUBLIC_TARGETS : { ...PUBLIC_TARGETS, hint: HINT } },
        ),
      inject: [Config],
    },
  ],
  exports: [OutboundClient],
})
export class OutboundModule {}
