import { CURRENCIES, MAX_AMOUNT_MINOR } from '#kernel';
import { z } from 'zod';

/** Largest quantity of one line or movement. */
export const MAX_QUANTITY = 10_000_000;

/**
 * Text that people write. PostgreSQL cannot store NUL, and a lone surrogate is no character, so neither gets in.
 * Surrounding white space is dropped before the length counts.
 */
export function text(maxLength: number, minLength = 1) {
  return z
    .string()
    .refine((value) => value.isWellFormed() && !value.includes('\u0000'), {
      message: 'Must be well-formed Unicode without NUL characters.',
      params: { code: 'invalid_text' },
      abort: true,
    })
    .overwrite((value) => value.trim())
    .min(minLength, { abort: true })
    .max(maxLength);
}

/** A list or an object, of which the members are counted before any of them is looked at: that costs far more. */
export function counted<T extends z.ZodType>(max: number, schema: T) {
  return z.preprocess((value, context) => {
    const isTooLong = typeof value === 'object' && value !== null && Object.keys(value).length > max;
    if (!isTooLong) return value;
    context.addIssue({
      code: 'custom',
      message: `At most ${max} entries.`,
      params: { code: 'too_many_items' },
    });
    return z.NEVER;
  }, schema);
}

/** Longest reason that somebody gives for what they do, in UTF-16 code units; the audit log keeps all of it. */
export const MAX_REASON_LENGTH = 500;

/** Why somebody does what they ask for. */
export const reasonSchema = text(MAX_REASON_LENGTH);

export const idSchema = z.uuid().overwrite((value) => value.toLowerCase());

/** An id that a client may choose for a new resource. */
export const newIdSchema = z
  .uuidv7()
  .overwrite((value) => value.toLowerCase())
  .meta({ description: 'UUIDv7 of the new resource, chosen by the client. Made by the server when absent.' });

const currencySchema = z.enum(CURRENCIES).meta({ description: 'ISO 4217 code.', example: 'GBP' });

/** Money as the API writes it: integer minor units and a currency. */
export const moneySchema = z
  .strictObject({
    amount: z.int().meta({ description: 'Minor units: pence, cents.' }),
    currency: currencySchema,
  })
  .meta({
    id: 'Money',
    description: 'An amount in integer minor units.',
    example: { amount: 1250, currency: 'GBP' },
  });

/** An amount that a caller asks for: never negative. */
export const priceSchema = z
  .strictObject({
    amount: z.int().min(0).max(MAX_AMOUNT_MINOR).meta({ description: 'Minor units: pence, cents.' }),
    currency: currencySchema,
  })
  .meta({ example: { amount: 1250, currency: 'GBP' } });

/** An amount that moves: at least one minor unit. */
export const positiveMoneySchema = z
  .strictObject({
    amount: z.int().min(1).max(MAX_AMOUNT_MINOR).meta({ description: 'Minor units: pence, cents.' }),
    currency: currencySchema,
  })
  .meta({ example: { amount: 1250, currency: 'GBP' } });

export const quantitySchema = z.int().min(1).max(MAX_QUANTITY);

const TIME_FORMAT =
  'Must be a time with its offset, such as 2026-11-20T12:00:00Z or 2026-11-20T13:00:00+01:00; in an address + is %2B.';

/** The same time in UTC, with the digits that it has: a Date would cut them after three. */
function toUtc(time: string): string {
  const [, seconds, fraction = '', offset] = /^([^.]+?)(\.\d+)?([+-]\d\d:\d\d)$/.exec(time) ?? [];
  if (seconds === undefined) return time;
  return new Date(`${seconds}${offset}`).toISOString().replace(/\.000Z$/, `${fraction}Z`);
}

/**
 * A time as the API writes it: RFC 3339, UTC, milliseconds. One with another offset is taken, and means the same in
 * UTC. PostgreSQL knows no year 0 and no endless fraction.
 */
export const timeSchema = z.iso
  .datetime({
    offset: true,
    abort: true,
    error: ({ code }) => (code === 'invalid_format' ? TIME_FORMAT : undefined),
  })
  .overwrite(toUtc)
  .refine((value) => /^(?!0000)\d{4}-[^.]+(\.\d{1,9})?Z$/.test(value), {
    message: 'Must lie in the years 1 to 9999 in UTC, with at most nine digits after the second.',
    params: { code: 'invalid_format' },
  })
  .meta({ example: '2026-11-20T12:00:00.000Z' });

/** A day of the calendar, `2026-11-20`. PostgreSQL knows no year 0. */
export const dateSchema = z.iso
  .date({ abort: true })
  .refine((value) => !value.startsWith('0000'), {
    message: 'Must lie in the years 1 to 9999.',
    params: { code: 'invalid_format' },
  })
  .meta({ example: '2026-11-20' });

export const emailSchema = text(254)
  .pipe(z.email())
  .overwrite((value) => value.toLowerCase())
  .meta({ example: 'ada@example.com', format: 'email' });

/** The parameter of every route that names one resource. */
export const idParamSchema = z.object({ id: idSchema });
