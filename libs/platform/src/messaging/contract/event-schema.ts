import type { z } from 'zod';
import { toJsonSchema } from '../../http/index.js';
import type { JsonSchema } from './breaking-changes.js';

/**
 * The JSON Schema (2020-12) by which others read the data of an event. It is open, so that what a newer version adds
 * does not break who reads by an older one: unknown members may come, and lists of words (`x-extensible-enum`) may grow.
 */
export function eventSchemaOf(schema: z.ZodType): JsonSchema {
  const { root, definitions } = toJsonSchema(schema, 'output');
  if (Object.keys(definitions).length > 0) {
    throw new Error('The data of an event is described in one piece: schemas in it have no ids.');
  }
  return opened(root) as JsonSchema;
}

function opened(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(opened);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value)
    .filter(([keyword]) => keyword !== 'additionalProperties')
    .map(([keyword, member]) => [keyword === 'enum' ? 'x-extensible-enum' : keyword, opened(member)]);
  return Object.fromEntries(entries);
}
