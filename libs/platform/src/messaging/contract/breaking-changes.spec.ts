import { breakingChanges, type JsonSchema } from './breaking-changes.js';

const PUBLISHED: JsonSchema = {
  type: 'object',
  properties: {
    orderId: { type: 'string', format: 'uuid' },
    status: { type: 'string', 'x-extensible-enum': ['placed', 'confirmed'] },
    amount: { type: 'integer' },
    note: { type: 'string', maxLength: 100 },
    customerId: { anyOf: [{ type: 'string', format: 'uuid' }, { type: 'null' }] },
    lines: { type: 'array', items: { type: 'object', properties: { quantity: { type: 'integer' } } } },
  },
  required: ['orderId', 'status', 'amount'],
};

const properties = PUBLISHED['properties'] as Record<string, JsonSchema>;
const withProperty = (name: string, schema: JsonSchema): JsonSchema => ({
  ...PUBLISHED,
  properties: { ...properties, [name]: schema },
});
const without = (name: string): JsonSchema => ({
  ...PUBLISHED,
  properties: Object.fromEntries(Object.entries(properties).filter(([key]) => key !== name)),
});

describe('a change of a published event', () => {
  it.each<[string, JsonSchema]>([
    ['no change', PUBLISHED],
    ['a new member', withProperty('channel', { type: 'string' })],
    ['a new member that is always there', { ...withProperty('channel', {}), required: ['orderId', 'status', 'amount', 'channel'] }], // prettier-ignore
    ['one that is always there from now on', { ...PUBLISHED, required: ['orderId', 'status', 'amount', 'note'] }], // prettier-ignore
    ['a new word', withProperty('status', { type: 'string', 'x-extensible-enum': ['placed', 'confirmed', 'lost'] })], // prettier-ignore
    ['another description', withProperty('amount', { type: 'integer', description: 'In minor units.' })],
    ['another example', withProperty('amount', { type: 'integer', example: 2_500 })],
  ])('breaks nobody: %s', (_, current) => {
    expect(breakingChanges(PUBLISHED, current)).toEqual([]);
  });

  it.each<[string, JsonSchema, string]>([
    ['a member that is gone', without('note'), '/properties/note is gone'],
    ['one that is not always there any more', { ...PUBLISHED, required: ['orderId', 'status'] }, '/required: amount is gone'], // prettier-ignore
    ['another type', withProperty('amount', { type: 'number' }), '/properties/amount/type: "integer" has become "number"'], // prettier-ignore
    ['another format', withProperty('orderId', { type: 'string', format: 'ulid' }), '/properties/orderId/format: "uuid" has become "ulid"'], // prettier-ignore
    ['longer texts', withProperty('note', { type: 'string', maxLength: 200 }), '/properties/note/maxLength: 100 has become 200'], // prettier-ignore
    ['a rule that was not there', withProperty('amount', { type: 'integer', multipleOf: 5 }), '/properties/amount/multipleOf: nothing has become 5'], // prettier-ignore
    ['a word that is gone', withProperty('status', { type: 'string', 'x-extensible-enum': ['placed'] }), '/properties/status/x-extensible-enum: confirmed is gone'], // prettier-ignore
    ['another choice', withProperty('customerId', { anyOf: [{ type: 'string', format: 'uri' }, { type: 'null' }] }), '/properties/customerId/anyOf/0/format: "uuid" has become "uri"'], // prettier-ignore
    ['a change within a list', withProperty('lines', { type: 'array', items: { type: 'object', properties: {} } }), '/properties/lines/items/properties/quantity is gone'], // prettier-ignore
  ])('breaks readers: %s', (_, current, told) => {
    expect(breakingChanges(PUBLISHED, current)).toEqual([told]);
  });

  it('breaks them where a choice more can come', () => {
    const [choices, nothing] = [{ anyOf: [{ type: 'string' }, { type: 'null' }, { type: 'integer' }] }, []];
    expect(breakingChanges(PUBLISHED, withProperty('customerId', choices))).not.toEqual(nothing);
  });
});
