import { Global, Module } from '@nestjs/common';
import { Config } from '../config/index.js';
import { OutboundClient } from './outbound-client.js';
import { ANY_TARGET, PUBLIC_TARGETS } from './target-policy.js';

@Global()
@Module({
  providers: [
    {
      provide: OutboundClient,
      useFactory: ({ settings }: Config) =>
        new OutboundClient({
          policy: settings.WEBHOOKS_ALLOW_PRIVATE_TARGETS ? ANY_TARGET : PUBLIC_TARGETS,
        }),
      inject: [Config],
    },
  ],
  exports: [OutboundClient],
})
export class OutboundModule {}
