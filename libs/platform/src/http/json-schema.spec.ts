import Fastify from 'fastify';
import { z } from 'zod';
import { toJsonSchema, toSerializerSchema } from './json-schema.js';
import { idSchema, moneySchema, timeSchema } from './schemas.js';

/** What a client gets of `value`, in the words of Fastify's compiled serializer. */
async function serialized(schema: z.ZodType, value: unknown): Promise<string> {
  const fastify = Fastify();
  fastify.get('/', { schema: { response: { 200: toSerializerSchema(schema) } } }, () => value);
  const { statusCode, body } = await fastify.inject('/');
  await fastify.close();
  if (statusCode !== 200) throw new Error(body);
  return body;
}

const ID = '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10';
const TIME = '2026-11-20T12:00:00.000Z';

const lineView = z.object({ sku: z.string(), quantity: z.int() }).meta({
  id: 'TestLine',
  description: 'A line.',
  example: { sku: 'MUG', quantity: 1 },
});

const orderView = z
  .object({
    id: idSchema,
    lines: z.array(lineView),
    total: moneySchema,
    paidAt: timeSchema.nullable(),
    gift: lineView.nullable(),
    token: z.string().optional(),
    status: z.enum(['open', 'done']).meta({ description: 'How far it is.' }),
    metadata: z.record(z.string(), z.string()),
    rate: z.number(),
    isPaid: z.boolean(),
  })
  .meta({ id: 'TestOrder', description: 'An order.', example: { id: ID } });

const order = {
  id: ID,
  lines: [
    { sku: 'MUG', quantity: 2 },
    { sku: 'POT', quantity: 1 },
  ],
  total: { amount: 1_250, currency: 'GBP' },
  paidAt: TIME,
  gift: { sku: 'TEA', quantity: 1 },
  token: 'secret',
  status: 'open',
  metadata: { note: 'gift', 'a "b"\n': '✓' },
  rate: 0.5,
  isPaid: true,
};

describe('the serializer of a view', () => {
  it('writes what JSON would write', async () => {
    expect(JSON.parse(await serialized(orderView, order))).toEqual(order);
  });

  it('writes null where the view allows it', async () => {
    const value = { ...order, paidAt: null, gift: null };
    expect(JSON.parse(await serialized(orderView, value))).toEqual(value);
  });

  it('leaves out what is optional and absent', async () => {
    const { token: _, ...value } = order;
    expect(JSON.parse(await serialized(orderView, value))).toEqual(value);
    expect(await serialized(orderView, { ...value, token: undefined })).not.toContain('token');
  });

  it('leaves out what the view does not name, at every depth, so that nothing leaks', async () => {
    const leaky = {
      ...order,
      passwordHash: 'hunter2',
      lines: order.lines.map((line) => ({ ...line, cost: 'hunter2' })),
      total: { ...order.total, margin: 'hunter2' },
    };
    expect(JSON.parse(await serialized(orderView, leaky))).toEqual(order);
  });

  it('refuses a value that lacks what the view promises', async () => {
    const { status: _, ...value } = order;
    await expect(serialized(orderView, value)).rejects.toThrow('is required');
  });

  it('takes a member with a default for promised: what is written is what came out of the schema', async () => {
    const schema = z.object({ kind: z.string().default('big') });
    expect(await serialized(schema, { kind: 'small' })).toBe('{"kind":"small"}');
    await expect(serialized(schema, {})).rejects.toThrow('is required');
  });

  it('writes empty arrays and records', async () => {
    const value = { ...order, lines: [], metadata: {} };
    expect(JSON.parse(await serialized(orderView, value))).toEqual(value);
  });

  it('writes a record of objects', async () => {
    const schema = z.object({ byName: z.record(z.string(), lineView) });
    const value = { byName: { a: { sku: 'MUG', quantity: 2 }, 'b/~c': { sku: 'POT', quantity: 1 } } };
    expect(JSON.parse(await serialized(schema, value))).toEqual(value);
  });

  it('writes a page, whose root and rows are both named schemas', async () => {
    const page = z
      .object({ data: z.array(orderView), nextCursor: z.string().nullable() })
      .meta({ id: 'TestPage' });
    for (const nextCursor of [null, 'cursor']) {
      const value = { data: [order, order], nextCursor };
      expect(JSON.parse(await serialized(page, value))).toEqual(value);
    }
  });

  it('writes what a schema without a name says', async () => {
    const schema = z.object({ total: moneySchema, at: timeSchema });
    const value = { total: { amount: -5, currency: 'JPY' }, at: TIME };
    expect(JSON.parse(await serialized(schema, value))).toEqual(value);
  });

  it('writes an amount beyond the bound of requests, also where it may be null', async () => {
    const schema = z.object({ total: moneySchema, refund: moneySchema.nullable() });
    const beyond = { amount: 3_000_000_000_000, currency: 'GBP' };
    const value = { total: beyond, refund: beyond };
    expect(JSON.parse(await serialized(schema, value))).toEqual(value);
  });

  it('writes one of several forms', async () => {
    const schema = z.object({
      movement: z.discriminatedUnion('kind', [
        z.object({ kind: z.literal('receive'), quantity: z.int() }),
        z.object({ kind: z.literal('adjust'), reason: z.string() }),
      ]),
    });
    for (const movement of [
      { kind: 'receive', quantity: 3 },
      { kind: 'adjust', reason: 'count' },
    ]) {
      expect(JSON.parse(await serialized(schema, { movement }))).toEqual({ movement });
    }
  });

  it('does not take a member for an annotation because of its name', async () => {
    const names = ['description', 'example', 'examples', 'format', 'default', 'id', 'properties', 'pattern'];
    const schema = z.object(Object.fromEntries(names.map((name) => [name, z.string()])));
    const value = Object.fromEntries(names.map((name) => [name, `the ${name}`]));
    expect(JSON.parse(await serialized(schema, value))).toEqual(value);
    expect(JSON.parse(await serialized(z.object({ nested: schema.nullable() }), { nested: value }))).toEqual({
      nested: value,
    });
  });

  it('is made of a schema without annotations, which would only be warned about', () => {
    const text = JSON.stringify(toSerializerSchema(orderView));
    for (const word of ['description', 'example', 'format', 'default', '$schema'])
      expect(text).not.toContain(word);
  });
});

describe('the JSON Schema of a named schema', () => {
  it('is a reference to its definition, beside those that it uses', () => {
    const { root, definitions } = toJsonSchema(orderView, 'output');
    expect(root).toEqual({ $ref: '#/$defs/TestOrder' });
    expect(Object.keys(definitions).sort()).toEqual(['Money', 'TestLine', 'TestOrder']);
    expect(definitions['TestOrder']).toMatchObject({
      description: 'An order.',
      example: { id: ID },
      properties: { total: { $ref: '#/$defs/Money' }, lines: { items: { $ref: '#/$defs/TestLine' } } },
    });
  });

  it('tells what a caller may leave out from what an answer always has', () => {
    const schema = z.object({ kind: z.string().default('big') }).meta({ id: 'TestDefault' });
    expect(toJsonSchema(schema, 'input').definitions['TestDefault']).not.toHaveProperty('required');
    expect(toJsonSchema(schema, 'output').definitions['TestDefault']).toHaveProperty('required', ['kind']);
  });

  it('says no more than a reader needs', () => {
    const { root } = toJsonSchema(
      z.object({ id: z.uuid(), count: z.int(), byName: z.record(z.string(), z.int()) }),
      'input',
    );
    expect(root['properties']).toEqual({
      id: { type: 'string', format: 'uuid' },
      count: { type: 'integer' },
      byName: { type: 'object', additionalProperties: { type: 'integer' } },
    });
  });

  it('keeps the bounds that mean something', () => {
    const { root } = toJsonSchema(
      z.object({ count: z.int().min(1).max(9), code: z.string().regex(/^[A-Z]{2}$/) }),
      'input',
    );
    expect(root['properties']).toEqual({
      count: { type: 'integer', minimum: 1, maximum: 9 },
      code: { type: 'string', pattern: '^[A-Z]{2}$' },
    });
  });
});
