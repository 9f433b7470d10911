import { z } from 'zod';

interface JsonSchema {
  [key: string]: unknown;
  $ref?: string;
  $defs?: Record<string, JsonSchema>;
}

/**
 * The JSON Schema (2020-12, what OpenAPI 3.1 speaks) of a zod schema: the named schemas that it uses, and the schema
 * itself, a reference where it is a named one.
 */
export function toJsonSchema(
  schema: z.ZodType,
  io: 'input' | 'output',
): { root: JsonSchema; definitions: Record<string, JsonSchema> } {
  const { $schema, $defs, ...root } = z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io,
    unrepresentable: 'any',
    override: ({ jsonSchema }) => readable(jsonSchema as JsonSchema),
  }) as JsonSchema;
  return { root, definitions: $defs ?? {} };
}

/** A schema that Fastify compiles into a serializer: self-contained, without a reference at its root. */
export function toSerializerSchema(schema: z.ZodType): object {
  const { root, definitions } = toJsonSchema(schema, 'output');
  const name = root.$ref?.replace('#/$defs/', '');
  const resolved = name === undefined ? root : { ...definitions[name] };
  return withoutAnnotations({ ...resolved, $defs: definitions }) as object;
}

/** A format says what its own regular expression says, and the bounds of a safe integer say nothing. */
function readable(schema: JsonSchema): void {
  if (schema['format'] !== undefined) delete schema['pattern'];
  if (schema['minimum'] === Number.MIN_SAFE_INTEGER) delete schema['minimum'];
  if (schema['maximum'] === Number.MAX_SAFE_INTEGER) delete schema['maximum'];
  delete schema['propertyNames'];
  delete schema['id'];
}

/** Examples and descriptions are for readers; the serializer compiler would only warn about them. */
function withoutAnnotations(value: unknown, inProperties = false): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutAnnotations(item));
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value)
    .filter(
      ([key]) => inProperties || !['example', 'examples', 'description', 'format', 'default'].includes(key),
    )
    .map(([key, member]) => [key, withoutAnnotations(member, key === 'properties' || key === '$defs')]);
  return Object.fromEntries(entries);
}
