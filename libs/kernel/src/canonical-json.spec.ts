import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { canonicalJson } from './canonical-json.js';

describe('canonical JSON', () => {
  // Fingerprints of calls are stored, so each of these is what it was when the first of them was written.
  it.each<[unknown, string]>([
    [{ b: 1, a: [{ d: null, c: 'x' }], B: {} }, '{"B":{},"a":[{"c":"x","d":null}],"b":1}'],
    [{ '10': 1, '2': 2, a: undefined, ü: 'é' }, '{"2":2,"10":1,"ü":"é"}'],
    [{ at: new Date('2026-11-20T12:00:00Z') }, '{"at":"2026-11-20T12:00:00.000Z"}'],
    [[undefined, 1.5, true, 'x'], '[null,1.5,true,"x"]'],
    [null, 'null'],
  ])('of %j is %s', (value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });

  it('keeps the fingerprint of an order that was placed long ago', () => {
    const payload = {
      lines: [{ sku: 'MUG-1', quantity: 2 }],
      email: 'ada@example.com',
      payment: { method: 'pm_card_visa', capture: 'automatic' },
    };
    const fingerprint = createHash('sha256').update(canonicalJson(payload)).digest('hex');
    expect(fingerprint).toBe('eee3a6adec8a1e4a08187f0683f03f5010b2ac91543672c7dd3a62c6e547df73');
  });

  it('is the same whichever order the members came in, and reads as the value', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const turned = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalJson(turned)).toBe(canonicalJson(value));
        expect(canonicalJson(JSON.parse(canonicalJson(value)))).toBe(canonicalJson(value));
      }),
    );
  });
});
