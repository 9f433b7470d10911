import { CHAIN_START, hashOf } from './audit-chain.js';

describe('the hash of a row of the audit log', () => {
  const entry = {
    occurredAt: new Date('2026-11-20T12:00:00.123Z'),
    actor: 'user:01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10',
    role: 'admin',
    sessionId: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d11',
    aal: null,
    action: 'POST /payments/:id/refunds',
    target: null,
    reason: 'Broken on arrival — “twice”',
    details: { b: [{ z: null, a: 1.5 }, 'x'], a: { '10': true, '2': false, ü: 'é', empty: {} }, B: [] },
    address: '127.0.0.1',
    requestId: 'request-1',
  };

  // Whoever keeps a head compares it with what is computed years later: these must never change.
  it('is what it always was', () => {
    expect(hashOf(CHAIN_START, 1, entry).toString('hex')).toBe(
      '1085f99dd1848052df6f50cfcde6c83e91c8b07595c25a167402e0bc8a25a645',
    );
    expect(hashOf(Buffer.alloc(32, 7), 12, { ...entry, details: null }).toString('hex')).toBe(
      'bab2f0be223ef994fd6a2621aca28843851d9287358eb468b9e09444c2ec9b61',
    );
  });

  // Null, and not left out: the version before computes the same.
  it('is as steady for what was done in no session', () => {
    const command = {
      ...{ ...entry, actor: 'host:deploy', role: 'host', sessionId: null },
      ...{ action: 'steelyard dead-letters redrive', address: 'worker-1' },
    };
    expect(hashOf(CHAIN_START, 1, command).toString('hex')).toBe(
      'a2dd02c33d3fb828b0da5a8636f8e6ad4fdf0c14c71401331d21ec8b7716efab',
    );
  });

  it('knows no order of members', () => {
    const { a, b, B } = entry.details;
    const other = { ...entry, details: { B, a: { empty: {}, ü: 'é', '2': false, '10': true }, b } };
    expect(Object.keys(a)).not.toEqual(Object.keys(other.details.a));
    expect(hashOf(CHAIN_START, 1, other)).toEqual(hashOf(CHAIN_START, 1, entry));
  });
});
