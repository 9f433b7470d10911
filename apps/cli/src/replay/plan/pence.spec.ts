import fc from 'fast-check';
import { formatPence, parsePence, sumPence } from './pence.js';

describe('parsePence', () => {
  it.each([
    ['2.55', 255, false],
    ['7.5', 750, false],
    ['18', 1800, false],
    ['0.0', 0, false],
    ['16888.02', 1688802, false],
    ['0.29', 29, false],
    ['1.10000', 110, false],
    ['0.001', 0, true],
    ['0.0049999', 0, true],
    ['0.005', 1, true],
    ['1.255', 126, true],
    ['1.005', 101, true],
    ['0.999', 100, true],
    ['-11062.06', -1106206, false],
    ['-1.255', -126, true],
    ['-0.001', 0, true],
  ])('reads %s as %d pence', (text, amountMinor, isRounded) => {
    expect(parsePence(text)).toEqual({ amountMinor, isRounded });
  });

  it.each([
    '',
    ' ',
    '2,55',
    '£2.55',
    '1e3',
    '.5',
    '5.',
    '+1',
    'NaN',
    '0x10',
    '1.2.3',
    '1234567890123',
    ' 2.55',
  ])('refuses %j', (text) => {
    expect(parsePence(text)).toBeNull();
  });

  it('rounds half-up as whole-number arithmetic does', () => {
    const decimals = fc.tuple(fc.bigInt(0n, 10n ** 9n), fc.bigInt(0n, 10n ** 6n - 1n));
    fc.assert(
      fc.property(decimals, ([pounds, millionths]) => {
        const exactMillionths = pounds * 1_000_000n + millionths;
        const text = `${pounds}.${millionths.toString().padStart(6, '0')}`;
        expect(parsePence(text)).toEqual({
          amountMinor: Number((exactMillionths + 5_000n) / 10_000n),
          isRounded: exactMillionths % 10_000n !== 0n,
        });
      }),
    );
  });
});

describe('formatPence', () => {
  it.each([
    [0, '0.00'],
    [5, '0.05'],
    [-5, '-0.05'],
    [255, '2.55'],
    [99_999, '999.99'],
    [100_000, '1,000.00'],
    [-123_456_789, '-1,234,567.89'],
  ])('shows %d as %s', (amountMinor, text) => {
    expect(formatPence(amountMinor)).toBe(text);
  });

  it('writes what parsePence reads', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(10 ** 12), max: 10 ** 12 }), (amountMinor) => {
        expect(parsePence(formatPence(amountMinor).replaceAll(',', ''))?.amountMinor).toBe(amountMinor);
      }),
    );
  });
});

describe('sumPence', () => {
  it('refuses a sum that is no longer exact', () => {
    expect(() => sumPence([Number.MAX_SAFE_INTEGER, 1])).toThrow(RangeError);
  });
});
