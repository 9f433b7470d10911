import { Global, Module } from '@nestjs/common';
import { CacheModule as NestCacheModule } from '@nestjs/cache-manager';
import { Keyv } from 'keyv';
import { CacheableMemory } from 'cacheable';
import { Config } from '../config/index.js';

/** The cache before reads, in the memory of this process and bounded. Inject it with `@Inject(CACHE_MANAGER)`. */
@Global()
@Module({
  imports: [
    NestCacheModule.registerAsync({
      isGlobal: true,
      inject: [Config],
      useFactory: ({ settings }: Config) => ({
        ttl: settings.CACHE_TTL_MS,
        stores: [
          new Keyv({
            store: new CacheableMemory({ lruSize: settings.CACHE_MAX_ENTRIES, ttl: settings.CACHE_TTL_MS }),
          }),
        ],
      }),
    }),
  ],
})
export class CacheModule {}
