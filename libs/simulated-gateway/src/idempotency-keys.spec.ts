import { IdempotencyKeys } from './idempotency-keys.js';
import { invalidRequest } from './refusal.js';

const RETENTION_MS = 1_000;

let now = 0;
let keys: IdempotencyKeys;

beforeEach(() => {
  now = 0;
  keys = new IdempotencyKeys(() => now);
});

const recall = (fingerprint = 'request', key = 'key') => keys.recall(key, fingerprint, RETENTION_MS);

it('knows nothing of a key that was never used', () => {
  expect(recall()).toBeUndefined();
});

it('recalls what the first request came to, a refusal as well as a result', () => {
  const refusal = invalidRequest('No.');
  keys.keep('key', 'request', { result: 'done' }, 0);
  keys.keep('other key', 'request', { refusal }, 0);
  expect(recall()).toEqual({ result: 'done' });
  expect(recall('request', 'other key')).toEqual({ refusal });
});

it('refuses the key to another request', () => {
  keys.keep('key', 'request', { result: 'done' }, 0);
  expect(() => recall('other request')).toThrow(
    expect.objectContaining({ details: expect.objectContaining({ status: 400, type: 'idempotency_error' }) }),
  );
});

it('refuses the key while the first request is being carried out', () => {
  keys.keep('key', 'request', { result: 'done' }, 50);
  now = 49;
  expect(() => recall()).toThrow(
    expect.objectContaining({
      details: expect.objectContaining({ status: 409, code: 'idempotency_key_in_use' }),
    }),
  );
  now = 50;
  expect(recall()).toEqual({ result: 'done' });
});

it('forgets after the retention, also that it was another request', () => {
  keys.keep('key', 'request', { result: 'done' }, 0);
  now = RETENTION_MS - 1;
  expect(recall()).toBeDefined();
  now = RETENTION_MS;
  expect(recall()).toBeUndefined();
  expect(recall('other request')).toBeUndefined();
});
