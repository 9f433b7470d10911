import { MAX_AMOUNT_MINOR } from '#kernel';
import { z } from 'zod';
import {
  counted,
  dateSchema,
  emailSchema,
  idParamSchema,
  idSchema,
  MAX_QUANTITY,
  moneySchema,
  newIdSchema,
  positiveMoneySchema,
  priceSchema,
  quantitySchema,
  text,
  timeSchema,
} from './schemas.js';
import { validationFailed } from './validation.pipe.js';

/** What becomes of a value: the parsed one, or `pointer code` of what is wrong with it. */
function read(schema: z.ZodType, value: unknown): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { errors } = validationFailed(parsed.error.issues);
  return [...new Set(errors.map(({ pointer, code }) => `${pointer} ${code}`.trim()))];
}

const V7 = '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10';
const V4 = '6fa459ea-ee8a-4ca4-894e-db77e160355e';

describe('text', () => {
  it.each([
    ['plain text', 'Ada', 'Ada'],
    ['with white space around it dropped', ' \t\n\u00a0 Ada \u2028', 'Ada'],
    ['with white space inside it', 'A  da', 'A  da'],
    ['with line breaks', 'one\ntwo', 'one\ntwo'],
    ['of any script', 'Ἀδα 愛達 עדה', 'Ἀδα 愛達 עדה'],
    ['with characters outside the basic plane', '👩‍🔬𝒜', '👩‍🔬𝒜'],
    ['of exactly the greatest length', '0123456789', '0123456789'],
    ['that is too long only for the white space around it', '  0123456789  ', '0123456789'],
  ])('%s is taken', (_, value, expected) => {
    expect(read(text(10), value)).toBe(expected);
  });

  it.each([
    ['with NUL', 'A\u0000da', 'invalid_text'],
    ['of NUL alone', '\u0000', 'invalid_text'],
    ['with a lone high surrogate', 'A\ud800da', 'invalid_text'],
    ['with a lone low surrogate', 'A\udc00da', 'invalid_text'],
    ['with surrogates the wrong way round', '\udc00\ud800', 'invalid_text'],
    ['that is too long and has NUL, once', `${'x'.repeat(11)}\u0000`, 'invalid_text'],
    ['that is empty', '', 'too_short'],
    ['that is white space alone', ' \t ', 'too_short'],
    ['that is too long', '0123456789x', 'too_long'],
    ['that is a number', 5, 'wrong_type'],
    ['that is null', null, 'wrong_type'],
    ['that is an array', ['Ada'], 'wrong_type'],
    ['that is absent', undefined, 'required'],
  ])('%s is refused', (_, value, code) => {
    expect(read(text(10), value)).toEqual([code]);
  });

  it('that is empty is not told what else it lacks', () => {
    const line = text(10).refine((value) => /\S/.test(value), { params: { code: 'invalid_text' } });
    expect(read(line, '')).toEqual(['too_short']);
  });

  it('may be empty where the schema says so', () => {
    expect(read(text(10, 0), ' ')).toBe('');
  });
});

describe('an email address', () => {
  it.each([
    ['ada@example.com', 'ada@example.com'],
    ['Ada.Lovelace@Example.COM', 'ada.lovelace@example.com'],
    ['  ada@example.com\n', 'ada@example.com'],
    ['ada+orders@mail.example.co.uk', 'ada+orders@mail.example.co.uk'],
  ])('%j is taken as %s', (value, expected) => {
    expect(read(emailSchema, value)).toBe(expected);
  });

  it.each([
    ['ada', 'invalid_format'],
    ['ada@', 'invalid_format'],
    ['@example.com', 'invalid_format'],
    ['ada@example', 'invalid_format'],
    ['ada @example.com', 'invalid_format'],
    ['ada@exa mple.com', 'invalid_format'],
    ['ada@example.com, eve@example.com', 'invalid_format'],
    ['ada@example.com\r\nBcc: eve@example.com', 'invalid_format'],
    ['Ada <ada@example.com>', 'invalid_format'],
    ['ada\u0000@example.com', 'invalid_text'],
    ['\ud800@example.com', 'invalid_text'],
    ['', 'too_short'],
    [`${'a'.repeat(250)}@example.com`, 'too_long'],
    [5, 'wrong_type'],
    [undefined, 'required'],
  ])('%j is refused: %s', (value, code) => {
    expect(read(emailSchema, value)).toEqual([code]);
  });
});

describe('an id', () => {
  it.each([
    ['of version 7', V7, V7],
    ['of version 4', V4, V4],
    ['in upper case', V7.toUpperCase(), V7],
  ])('%s is taken, in lower case', (_, value, expected) => {
    expect(read(idSchema, value)).toBe(expected);
    expect(read(idParamSchema, { id: value })).toEqual({ id: expected });
  });

  it.each([
    '',
    ' ',
    V7.replaceAll('-', ''),
    `{${V7}}`,
    `urn:uuid:${V7}`,
    `${V7}0`,
    ` ${V7}`,
    `${V7}\u0000`,
    V7.replace('0', 'g'),
    "'; DROP TABLE orders; --",
  ])('%j is refused', (value) => {
    expect(read(idSchema, value)).toEqual(['invalid_format']);
  });

  it('of a new resource is of version 7, so that ids keep their order', () => {
    expect(read(newIdSchema, V7.toUpperCase())).toBe(V7);
    expect(read(newIdSchema, V4)).toEqual(['invalid_format']);
  });
});

describe('an amount', () => {
  const gbp = (amount: unknown) => ({ amount, currency: 'GBP' });

  it.each([
    ['a price', priceSchema, 0],
    ['an amount that moves', positiveMoneySchema, 1],
  ])('of %s is bounded on both sides', (_, schema, least) => {
    expect(read(schema, gbp(least))).toEqual(gbp(least));
    expect(read(schema, gbp(MAX_AMOUNT_MINOR))).toEqual(gbp(MAX_AMOUNT_MINOR));
    expect(read(schema, gbp(least - 1))).toEqual(['/amount too_small']);
    expect(read(schema, gbp(MAX_AMOUNT_MINOR + 1))).toEqual(['/amount too_big']);
  });

  it.each([0, -1, 3 * MAX_AMOUNT_MINOR, -3 * MAX_AMOUNT_MINOR, 2 ** 53 - 1])(
    'that the API tells is not bounded, as long as it is exact: %d',
    (amount) => {
      expect(read(moneySchema, gbp(amount))).toEqual(gbp(amount));
    },
  );

  it.each([
    ['a fraction of a minor unit', gbp(12.5), ['/amount wrong_type']],
    ['text', gbp('1250'), ['/amount wrong_type']],
    ['nothing', gbp(undefined), ['/amount required']],
    ['null', gbp(null), ['/amount wrong_type']],
    ['more than a number can hold exactly', gbp(2 ** 53), ['/amount too_big']],
    ['far more than that', gbp(1e308), ['/amount too_big']],
    ['in an unknown currency', { amount: 1, currency: 'XXX' }, ['/currency not_allowed']],
    ['in a currency in lower case', { amount: 1, currency: 'gbp' }, ['/currency not_allowed']],
    ['with something else', { ...gbp(1), exponent: 2 }, ['/exponent unknown_field']],
    ['without its currency as a number', 1250, ['wrong_type']],
  ])('that is %s is refused', (_, value, problems) => {
    for (const schema of [moneySchema, priceSchema, positiveMoneySchema]) {
      expect(read(schema, value)).toEqual(problems);
    }
  });
});

describe('a quantity', () => {
  it.each([1, MAX_QUANTITY])('of %d is taken', (quantity) => {
    expect(read(quantitySchema, quantity)).toBe(quantity);
  });

  it.each([
    [0, 'too_small'],
    [-1, 'too_small'],
    [MAX_QUANTITY + 1, 'too_big'],
    [2 ** 53, 'too_big'],
    [1.5, 'wrong_type'],
    ['1', 'wrong_type'],
    [true, 'wrong_type'],
    [null, 'wrong_type'],
    [NaN, 'wrong_type'],
  ])('of %j is refused: %s', (quantity, code) => {
    expect(read(quantitySchema, quantity)).toEqual([code]);
  });
});

describe('a time', () => {
  it.each([
    '2026-11-20T12:00:00.000Z',
    '2026-11-20T12:00:00Z',
    '2026-11-20T12:00:00.123456789Z',
    '2028-02-29T23:59:59.999Z',
    '0001-01-01T00:00:00Z',
    '9999-12-31T23:59:59Z',
  ])('%s is taken', (time) => {
    expect(read(timeSchema, time)).toBe(time);
  });

  it.each([
    ['2026-11-20T12:00:00+01:00', '2026-11-20T11:00:00Z'],
    ['2026-01-01T00:30:00.123456789+01:00', '2025-12-31T23:30:00.123456789Z'],
    ['2026-11-20T12:00:00.5-09:30', '2026-11-20T21:30:00.5Z'],
    ['2026-11-20T12:00:00+00:00', '2026-11-20T12:00:00Z'],
  ])('%s is %s', (time, utc) => {
    expect(read(timeSchema, time)).toBe(utc);
  });

  it.each([
    '2026-11-20',
    '2026-11-20T12:00:00',
    '2026-11-20T12:00Z',
    '2026-11-20T12:00:00+0100',
    '2026-11-20T12:00:00+25:00',
    '2026-11-20T12:00:00 01:00',
    '0001-01-01T00:30:00+01:00',
    '9999-12-31T23:30:00-01:00',
    '2026-11-20T12:00:00.0123456789+01:00',
    '2026-11-20 12:00:00Z',
    '2026-02-29T12:00:00Z',
    '2026-13-01T12:00:00Z',
    '2026-11-20T24:00:00Z',
    '2026-11-20T12:00:00.0123456789Z',
    '0000-01-01T00:00:00Z',
    '-2026-11-20T12:00:00Z',
    '+012026-11-20T12:00:00Z',
    '1763640000',
    'now',
    '',
  ])('%j is refused', (time) => {
    expect(read(timeSchema, time)).toEqual(['invalid_format']);
  });
});

describe('a day', () => {
  it.each(['2026-11-20', '2028-02-29', '0001-01-01', '9999-12-31'])('%s is taken', (day) => {
    expect(read(dateSchema, day)).toBe(day);
  });

  it.each(['0000-01-01', '2026-02-29', '2026-11-20T12:00:00Z', '-2026-11-20', '10000-01-01', '2026-1-1', ''])(
    '%j is refused',
    (day) => {
      expect(read(dateSchema, day)).toEqual(['invalid_format']);
    },
  );
});

describe('a list or an object that is counted', () => {
  let looks = 0;
  const member = z.string().refine(() => (looks += 1) > 0);
  beforeEach(() => {
    looks = 0;
  });

  it.each([
    ['list', counted(2, z.array(member)), ['a', 'b'], ['a', 'b', 'c']],
    ['object', counted(2, z.record(z.string(), member)), { a: 'a', b: 'b' }, { a: 'a', b: 'b', c: 'c' }],
  ])('has no member looked at when it has too many: a %s', (_, schema, taken, refused) => {
    expect(read(schema, taken)).toEqual(taken);
    expect(looks).toBe(2);
    expect(read(schema, refused)).toEqual(['too_many_items']);
    expect(looks).toBe(2);
  });
});
