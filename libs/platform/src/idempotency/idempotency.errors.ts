import { defineErrors } from '#kernel';

export const idempotencyErrors = defineErrors({
  idempotency_key_required: { kind: 'invalid', title: 'This call needs an Idempotency-Key header' },
  idempotency_key_invalid: {
    kind: 'invalid',
    title: 'The Idempotency-Key is empty, too long or not printable',
  },
  idempotency_key_reused: {
    kind: 'unprocessable',
    title: 'The Idempotency-Key was used for a call with another payload',
  },
  idempotency_in_progress: { kind: 'conflict', title: 'A call with this Idempotency-Key is still running' },
});
