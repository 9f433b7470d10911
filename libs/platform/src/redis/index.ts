export { type Limiter, Limiters } from './limiters.js';
export { Redis } from './redis.js';
export { RedisModule } from './redis.module.js';
export { TokenBucketFactory, type TokenBuckets } from './token-buckets.js';
