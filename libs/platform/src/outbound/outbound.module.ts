import { Global, Module } from '@nestjs/common';
import { Config } from '../config/index.js';
import { askSystem } from './look-up.js';
import { OutboundClient } from './outbound-client.js';
import { ANY_TARGET, PUBLIC_TARGETS } from './target-policy.js';

@Global()
@Module({
  providers: [
    {
      provide: OutboundClient,
      useFactory: ({ settings }: Config) =>
        new OutboundClient(
          settings.WEBHOOKS_ALLOW_PRIVATE_TARGETS
            ? { policy: ANY_TARGET, lookUp: askSystem }
            : { policy: PUBLIC_TARGETS },
        ),
      inject: [Config],
    },
  ],
  exports: [OutboundClient],
})
export class OutboundModule {}
