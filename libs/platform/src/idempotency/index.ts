export { idempotencyErrors } from './idempotency.errors.js';
export { IdempotencyModule } from './idempotency.module.js';
export { Idempotency, type IdempotentCall } from './idempotency.js';
