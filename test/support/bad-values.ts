import { gbp } from './shop.js';

/** What neither JSON nor Unicode forbids, and PostgreSQL cannot store. */
export const NUL = '\u0000';
/** Half of a character. */
export const LONE_SURROGATE = '\ud800';

/** Values that a field refuses, the code of each, and the pointer from the field to what is wrong with it. */
export type Values = readonly (readonly [value: unknown, code: string, below?: string])[];

/** Of a text that people write. */
export const text = (maxLength: number): Values => [
  ['', 'too_short'],
  ['  \t\n ', 'too_short'],
  ['a'.repeat(maxLength + 1), 'too_long'],
  [`a${NUL}b`, 'invalid_text'],
  [`a${LONE_SURROGATE}b`, 'invalid_text'],
  [1, 'wrong_type'],
  [null, 'wrong_type'],
  [true, 'wrong_type'],
  [['a'], 'wrong_type'],
  [{ a: 1 }, 'wrong_type'],
];
/** Of a field that must be there. */
export const required: Values = [[undefined, 'required']];

/** Of the id of something. */
export const id: Values = [
  ['', 'invalid_format'],
  ['1', 'invalid_format'],
  ['../orders', 'invalid_format'],
  [`01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d1${NUL}`, 'invalid_format'],
  [`01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d1${LONE_SURROGATE}`, 'invalid_format'],
  [' 01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d11', 'invalid_format'],
  [42, 'wrong_type'],
  [null, 'wrong_type'],
  [{}, 'wrong_type'],
];
/** Of an id that a client chooses. */
export const newIdValues: Values = [...id, ['9b2f1f7e-3d2c-4f5a-8b1d-0c9e8f7a6b5c', 'invalid_format']];
/** Of a number of pieces. */
export const quantity: Values = [
  [0, 'too_small'],
  [-1, 'too_small'],
  [-1e30, 'too_small'],
  [1.5, 'wrong_type'],
  [10_000_001, 'too_big'],
  [2 ** 53, 'too_big'],
  [1e30, 'too_big'],
  ['1', 'wrong_type'],
  [null, 'wrong_type'],
  [true, 'wrong_type'],
  [[1], 'wrong_type'],
];
/** Of an amount that is at least `minimum`, in minor units. */
export const money = (minimum: number): Values => [
  [null, 'wrong_type'],
  [100, 'wrong_type'],
  ['1.00', 'wrong_type'],
  [[], 'wrong_type'],
  [{}, 'required', '/amount'],
  [{ amount: 100 }, 'not_allowed', '/currency'],
  [{ currency: 'GBP' }, 'required', '/amount'],
  [gbp(minimum - 1), 'too_small', '/amount'],
  [gbp(1.5), 'wrong_type', '/amount'],
  [gbp(1_000_000_000_001), 'too_big', '/amount'],
  [gbp(2 ** 53), 'too_big', '/amount'],
  [gbp(1e30), 'too_big', '/amount'],
  [{ amount: '100', currency: 'GBP' }, 'wrong_type', '/amount'],
  [{ amount: 100, currency: 'gbp' }, 'not_allowed', '/currency'],
  [{ amount: 100, currency: 'XBT' }, 'not_allowed', '/currency'],
  [{ amount: 100, currency: `GB${NUL}` }, 'not_allowed', '/currency'],
  [{ amount: 100, currency: null }, 'not_allowed', '/currency'],
  [{ ...gbp(100), exponent: 2 }, 'unknown_field', '/exponent'],
];
/** Of a list that holds something. */
export const list: Values = [
  [null, 'wrong_type'],
  ['all', 'wrong_type'],
  [{}, 'wrong_type'],
  [[], 'too_few_items'],
];

/** Of an e-mail address. */
export const email: Values = [
  ['', 'too_short'],
  ['ada', 'invalid_format'],
  ['ada@', 'invalid_format'],
  ['ada@localhost', 'invalid_format'],
  ['ada@example.com\r\nBcc: eve@example.com', 'invalid_format'],
  ['ada@example.com, bob@example.com', 'invalid_format'],
  [`${'a'.repeat(250)}@example.com`, 'too_long'],
  [`ada${NUL}@example.com`, 'invalid_text'],
  [`ada${LONE_SURROGATE}@example.com`, 'invalid_text'],
  [1, 'wrong_type'],
  [null, 'wrong_type'],
  [['ada@example.com'], 'wrong_type'],
];
