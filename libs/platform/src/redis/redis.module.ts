import { Global, Module } from '@nestjs/common';
import { Limiters } from './limiters.js';
import { Redis } from './redis.js';
import { TokenBucketFactory } from './token-buckets.js';

@Global()
@Module({ providers: [Limiters, Redis, TokenBucketFactory], exports: [Limiters, Redis, TokenBucketFactory] })
export class RedisModule {}
