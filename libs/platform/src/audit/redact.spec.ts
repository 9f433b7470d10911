import { redact } from './redact.js';

describe('what the audit log keeps of a request', () => {
  it('is which fields there were, and the values of those that are on the list', () => {
    const body = {
      role: 'admin',
      name: 'Ada Lovelace',
      password: 'correct horse battery',
      token: 'eyJhbGciOiJFZERTQSJ9',
      lines: [{ lineId: 'l1', quantity: 2, note: '4242424242424242' }],
      amount: { amount: 100, currency: 'GBP' },
      shippingAddress: { city: 'London' },
      empty: null,
    };
    expect(redact(body)).toEqual({
      role: 'admin',
      name: '[redacted]',
      password: '[redacted]',
      token: '[redacted]',
      lines: [{ lineId: 'l1', quantity: 2, note: '[redacted]' }],
      amount: { amount: 100, currency: 'GBP' },
      shippingAddress: { city: '[redacted]' },
      empty: null,
    });
  });

  it('is of a URL where it leads, and no more', () => {
    expect(redact({ url: 'https://user:pass@partner.example:8443/hooks/s3cret?token=1' })).toEqual({
      url: 'https://partner.example:8443',
    });
    expect(redact({ url: 'nowhere' })).toEqual({ url: '[redacted]' });
    expect(redact({ url: { nested: 'https://a.example' } })).toEqual({ url: '[redacted]' });
  });

  it('has an end, and is text that can be stored', () => {
    const deep: Record<string, unknown> = {};
    let place = deep;
    for (let depth = 0; depth < 50; depth += 1) place = place['id'] = {} as Record<string, unknown>;
    expect(JSON.stringify(redact(deep)).length).toBeLessThan(200);
    expect(redact({ id: 'x'.repeat(10_000) })).toEqual({ id: 'x'.repeat(200) });
    expect(redact({ id: 'a\u0000b\ud800' })).toEqual({ id: 'ab\ufffd' });
    expect(redact({ id: Array(1_000).fill(1) })).toEqual({ id: Array(1_000).fill(1) });
    expect(redact({ id: Array(1_002).fill(1) })).toEqual({ id: [...Array(1_000).fill(1), 'and 2 more'] });
  });
});
