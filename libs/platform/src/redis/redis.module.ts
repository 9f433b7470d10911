import { Global, Module } from '@nestjs/common';
import { Limiters } from './limiters.js';
import { Redis } from './redis.js';

@Global()
@Module({ providers: [Limiters, Redis], exports: [Limiters, Redis] })
export class RedisModule {}
