import { deterministicSecret } from './deterministic-secret.js';

describe('deterministicSecret', () => {
  it('is derived again from the same words, and from no others', () => {
    expect(deterministicSecret('a', 'b')).toMatch(/^[0-9a-f]{24}$/);
    expect(deterministicSecret('a', 'b')).toBe(deterministicSecret('a', 'b'));
    expect(deterministicSecret('a', 'b')).not.toBe(deterministicSecret('a', 'c'));
  });
});
