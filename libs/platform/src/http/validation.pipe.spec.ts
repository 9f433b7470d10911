import type { ArgumentMetadata } from '@nestjs/common';
import { DomainError, type FieldError } from '#kernel';
import { z } from 'zod';
import { SchemaValidationPipe } from './validation.pipe.js';

const pipe = new SchemaValidationPipe();

const transform = (schema: z.ZodType | undefined, value: unknown, type: ArgumentMetadata['type'] = 'body') =>
  pipe.transform(value, { type, schema } as ArgumentMetadata);

/** The problems that a value is refused for. */
function problemsOf(
  schema: z.ZodType,
  value: unknown,
  type?: ArgumentMetadata['type'],
): readonly FieldError[] {
  try {
    transform(schema, value, type);
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    expect(error).toMatchObject({ code: 'validation_failed', kind: 'invalid' });
    return error.errors;
  }
  throw new Error('The value was taken.');
}

const codesOf = (schema: z.ZodType, value: unknown) =>
  problemsOf(schema, value).map(({ pointer, code }) => `${pointer} ${code}`);

const body = z.strictObject({
  name: z.string().min(2).max(4),
  count: z.int().min(1).max(5),
  kind: z.enum(['big', 'small']).optional(),
  tags: z.array(z.string()).min(1).max(2).optional(),
});

describe('a part of a request', () => {
  it('becomes what its schema makes of it', () => {
    const schema = z.strictObject({ limit: z.coerce.number().default(20), name: z.string().trim() });
    expect(transform(schema, { name: ' Ada ' })).toEqual({ limit: 20, name: 'Ada' });
  });

  it('without a schema is taken as it is', () => {
    const value = { anything: 1 };
    expect(transform(undefined, value)).toBe(value);
  });

  it('that is absent is an empty one, so that what it lacks is named', () => {
    expect(codesOf(body, undefined)).toEqual(['/name required', '/count required']);
    expect(transform(z.strictObject({ name: z.string().optional() }), undefined)).toEqual({});
  });

  it.each(['text', 5, true, [], null])('that is %j instead of an object is of the wrong type', (value) => {
    expect(codesOf(body, value)).toEqual([' wrong_type']);
  });
});

describe('each kind of problem has its code', () => {
  const valid = { name: 'Ada', count: 1 };
  const union = z.union([z.strictObject({ id: z.string() }), z.strictObject({ sku: z.string() })]);
  const movement = z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('receive'), quantity: z.int() }),
    z.strictObject({ kind: z.literal('adjust'), reason: z.string() }),
  ]);
  const named = z.string().refine((value) => value === 'Ada', { params: { code: 'not_ada' } });
  const unnamed = z.string().refine((value) => value === 'Ada');

  it.each<[string, z.ZodType, unknown, string[]]>([
    ['a field that is missing', body, { count: 1 }, ['/name required']],
    ['a field that is null', body, { ...valid, name: null }, ['/name wrong_type']],
    ['a field of another type', body, { ...valid, name: 5 }, ['/name wrong_type']],
    ['a number that is not whole', body, { ...valid, count: 1.5 }, ['/count wrong_type']],
    ['a field that is not known', body, { ...valid, extra: 1 }, ['/extra unknown_field']],
    [
      'two fields that are not known',
      body,
      { ...valid, a: 1, b: 2 },
      ['/a unknown_field', '/b unknown_field'],
    ],
    ['a text that is too short', body, { ...valid, name: 'A' }, ['/name too_short']],
    ['a text that is too long', body, { ...valid, name: 'Augusta' }, ['/name too_long']],
    ['a number that is too small', body, { ...valid, count: 0 }, ['/count too_small']],
    ['a number that is too big', body, { ...valid, count: 6 }, ['/count too_big']],
    [
      'a number that is not exact',
      z.strictObject({ count: z.int() }),
      { count: 2 ** 60 },
      ['/count too_big'],
    ],
    ['a list with too few items', body, { ...valid, tags: [] }, ['/tags too_few_items']],
    ['a list with too many items', body, { ...valid, tags: ['a', 'b', 'c'] }, ['/tags too_many_items']],
    ['an item of the wrong type', body, { ...valid, tags: ['a', 2] }, ['/tags/1 wrong_type']],
    ['a value that is not one of the allowed ones', body, { ...valid, kind: 'odd' }, ['/kind not_allowed']],
    ['a text of the wrong format', z.strictObject({ id: z.uuid() }), { id: '7' }, ['/id invalid_format']],
    ['a key of the wrong format', z.record(z.string().max(1), z.int()), { ab: 1 }, ['/ab invalid_format']],
    ['neither of two forms', union, { name: 'Ada' }, [' no_matching_form']],
    ['a form that is not known', movement, { kind: 'lose' }, ['/kind no_matching_form']],
    [
      'a problem inside the chosen form',
      movement,
      { kind: 'receive', quantity: 'x' },
      ['/quantity wrong_type'],
    ],
    ['a rule of its own with a code', named, 'Eve', [' not_ada']],
    ['a rule of its own without a code', unnamed, 'Eve', [' not_allowed']],
  ])('%s', (_, schema, value, expected) => {
    expect(codesOf(schema, value)).toEqual(expected);
  });

  it('and a sentence for people', () => {
    expect(problemsOf(body, { ...valid, count: 0 })).toEqual([
      { pointer: '/count', code: 'too_small', detail: 'Too small: expected number to be >=1' },
    ]);
    expect(problemsOf(body, { ...valid, extra: 'secret' })).toEqual([
      { pointer: '/extra', code: 'unknown_field', detail: 'This field is not known here.' },
    ]);
  });

  it.each([
    [undefined, z.string(), 'This is missing: it must be a text.'],
    [5, z.string(), 'Must be a text.'],
    ['x', z.coerce.number(), 'Must be a number.'],
    [1.5, z.int(), 'Must be a whole number.'],
    ['x', z.boolean(), 'Must be true or false.'],
    ['x', z.array(z.string()), 'Must be a list.'],
    [null, z.strictObject({}), 'Must be an object.'],
    [5, z.string('Must be six digits'), 'Must be six digits'],
  ])('and words for people about the type of %j', (value, schema, detail) => {
    expect(problemsOf(z.strictObject({ it: schema }), { it: value })).toMatchObject([{ detail }]);
  });

  it('and never repeats what was sent', () => {
    const sent = { name: 5, count: 'hunter2', kind: 'hunter2', tags: 'hunter2' };
    expect(JSON.stringify(problemsOf(body, sent))).not.toContain('hunter2');
  });
});

describe('the pointer to a problem', () => {
  it('leads through objects and arrays', () => {
    const schema = z.strictObject({ lines: z.array(z.strictObject({ quantity: z.int() })) });
    expect(codesOf(schema, { lines: [{ quantity: 1 }, { quantity: '1' }] })).toEqual([
      '/lines/1/quantity wrong_type',
    ]);
  });

  it.each([
    ['a/b', '/a~1b'],
    ['a~b', '/a~0b'],
    ['~1', '/~01'],
    ['a/~b', '/a~1~0b'],
    ['', '/'],
    ['ключ', '/ключ'],
  ])('escapes the name %j as JSON pointers do', (name, pointer) => {
    expect(codesOf(z.record(z.string(), z.int()), { [name]: 'x' })).toEqual([`${pointer} wrong_type`]);
    expect(codesOf(z.strictObject({}), { [name]: 'x' })).toEqual([`${pointer} unknown_field`]);
  });

  it.each([
    ['query', 'query:/count'],
    ['param', 'param:/count'],
  ] as const)('says that it is not the body but the %s', (type, pointer) => {
    const schema = z.strictObject({ count: z.coerce.number().int() });
    expect(problemsOf(schema, { count: 'x' }, type)).toMatchObject([{ pointer, code: 'wrong_type' }]);
    expect(problemsOf(z.strictObject({}), { count: '1' }, type)).toMatchObject([
      { pointer, code: 'unknown_field' },
    ]);
  });
});

describe('the problems of a request', () => {
  it('are reported all at once', () => {
    expect(codesOf(body, { name: 'A', count: 9, kind: 'odd', tags: [], extra: 1 }).sort()).toEqual([
      '/count too_big',
      '/extra unknown_field',
      '/kind not_allowed',
      '/name too_short',
      '/tags too_few_items',
    ]);
  });

  it('are at most a hundred in one answer', () => {
    const list = z.array(z.int());
    expect(problemsOf(list, Array.from({ length: 100 }, String))).toHaveLength(100);
    expect(problemsOf(list, Array.from({ length: 10_000 }, String))).toHaveLength(100);
  });

  it('are at most a hundred in one answer, unknown fields included', () => {
    const unknown = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`f${index}`, 1]));
    expect(problemsOf(z.strictObject({}), unknown)).toHaveLength(100);
  });

  it('is counted before its members are looked at, and may have as many as any body needs', () => {
    let looks = 0;
    const member = z.unknown().refine(() => (looks += 1) > 0);
    const schema = z.object({ deep: z.array(z.record(z.string(), member)) });
    const bodyOf = (members: number) => ({
      deep: [Object.fromEntries(Array.from({ length: members }, (_, index) => [`k${index}`, 1]))],
    });
    expect(codesOf(schema, bodyOf(9_999))).toEqual([' too_many_items']);
    expect(looks).toBe(0);
    expect(transform(schema, bodyOf(9_998))).toEqual(bodyOf(9_998));
  });
});
