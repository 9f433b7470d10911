import fc from 'fast-check';
import { CursorCodec, type CursorPosition } from './cursor.js';

const SECRET = 'a secret of the application, long enough';
const codec = new CursorCodec([SECRET]);

const POSITION: CursorPosition = ['2026-11-20T12:00:00.000Z', '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10', 7];
const LIST = 'orders';
const FILTERS = { status: 'confirmed', customerId: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d11' };
const cursor = codec.encode(POSITION, LIST, FILTERS);
const bytes = Buffer.from(cursor, 'base64url');

function expectRefused(candidate: string, list = LIST, filters: object = FILTERS): void {
  expect(() => codec.decode(candidate, list, filters)).toThrow(
    expect.objectContaining({ code: 'invalid_cursor', kind: 'invalid' }),
  );
}

describe('a cursor', () => {
  it('leads back to any position', () => {
    const key = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.maxSafeInteger());
    fc.assert(
      fc.property(fc.array(key, { maxLength: 5 }), (position) => {
        expect(codec.decode(codec.encode(position, LIST, FILTERS), LIST, FILTERS)).toEqual(position);
      }),
    );
  });

  it('needs no escaping in a query string', () => {
    expect(cursor).toMatch(/^[\w-]+$/);
  });

  it('does not care about the order of the filters, nor about absent ones', () => {
    const { status, customerId } = FILTERS;
    expect(codec.decode(cursor, LIST, { placedAfter: undefined, customerId, status })).toEqual(POSITION);
  });
});

describe('a cursor is refused', () => {
  it('when any bit of any of its bytes is flipped', () => {
    bytes.forEach((byte, index) => {
      for (let bit = 0; bit < 8; bit += 1) {
        const tampered = Buffer.from(bytes);
        tampered[index] = byte ^ (1 << bit);
        expectRefused(tampered.toString('base64url'));
      }
    });
  });

  it('in any other spelling of the same bytes, or with a character more', () => {
    const alphabet = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=!');
    // Three lengths, so that the last character carries six, four and two bits that count.
    for (const position of [['a'], ['ab'], ['abc']]) {
      const given = codec.encode(position, LIST, FILTERS);
      Array.from(given).forEach((was, index) => {
        for (const character of alphabet) {
          if (character !== was) expectRefused(given.slice(0, index) + character + given.slice(index + 1));
        }
      });
      for (const surplus of ['=', '!', ' ', '\n', '💥']) {
        expectRefused(given + surplus);
        expectRefused(surplus + given);
      }
    }
  });

  it('when it is cut short anywhere, at either end', () => {
    bytes.forEach((_, index) => {
      expectRefused(bytes.subarray(0, index).toString('base64url'));
      expectRefused(bytes.subarray(index + 1).toString('base64url'));
    });
  });

  it('when something follows it', () => {
    expectRefused(Buffer.concat([bytes, Buffer.from(' ')]).toString('base64url'));
    expectRefused(cursor + cursor);
  });

  it('when the signature of one position is put before another', () => {
    const other = Buffer.from(codec.encode(['2027-01-01T00:00:00.000Z'], LIST, FILTERS), 'base64url');
    const SIGNATURE_BYTES = 12;
    expectRefused(
      Buffer.concat([bytes.subarray(0, SIGNATURE_BYTES), other.subarray(SIGNATURE_BYTES)]).toString(
        'base64url',
      ),
    );
  });

  it.each<[string, string, object]>([
    ['another list', 'payments', FILTERS],
    ['no filters', LIST, {}],
    ['another value of a filter', LIST, { ...FILTERS, status: 'canceled' }],
    ['one filter fewer', LIST, { status: FILTERS.status }],
    ['one filter more', LIST, { ...FILTERS, placedAfter: '2026-01-01T00:00:00.000Z' }],
    ['the values of two filters exchanged', LIST, { status: FILTERS.customerId, customerId: FILTERS.status }],
    ['a filter that is null instead of absent', LIST, { ...FILTERS, placedAfter: null }],
    ['a list of one value instead of the value', LIST, { ...FILTERS, status: [FILTERS.status] }],
  ])('under %s', (_, list, filters) => {
    expectRefused(cursor, list, filters);
  });

  it('under another secret', () => {
    expectRefused(new CursorCodec([`${SECRET}!`, SECRET]).encode(POSITION, LIST, FILTERS));
  });

  it.each(['', ' ', 'null', '[]', 'undefined', '../../etc/passwd', '💥', '\u0000', '%00', 'A'.repeat(1_000)])(
    'when it is %j',
    (garbage) => {
      expectRefused(garbage);
    },
  );

  it('when it is any other text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => expectRefused(text)));
  });
});
