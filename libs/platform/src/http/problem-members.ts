import type { ErrorDefinition } from '#kernel';
import { z } from 'zod';

type Members = Readonly<Record<string, z.ZodType>>;

/**
 * What the problems of some errors hold beside what every problem does, by code: the `extensions` of the `DomainError`.
 * It stands where the schemas of a module's answers are; an endpoint that can answer one of the errors names it.
 */
export type ProblemMembers<Code extends string = string> = { readonly [Each in Code]?: Members };

/** The members of their own that the problems of these errors may have, each with the codes that have it. */
export function membersOf(
  errors: readonly ErrorDefinition[],
  table: ProblemMembers,
): z.ZodObject | undefined {
  const schemas = new Map<string, z.ZodType>();
  const codesOf = new Map<string, string[]>();
  for (const { code } of errors) {
    for (const [name, schema] of Object.entries(table[code] ?? {})) {
      const present = schemas.get(name) ?? schema;
      schemas.set(name, present === schema ? schema : z.union([present, schema]));
      codesOf.set(name, [...(codesOf.get(name) ?? []), code]);
    }
  }
  if (schemas.size === 0) return undefined;
  const members = [...schemas].map(([name, schema]) => [name, described(schema, codesOf.get(name) ?? [])]);
  return z.looseObject(Object.fromEntries(members) as Record<string, z.ZodType>);
}

function described(schema: z.ZodType, codes: readonly string[]): z.ZodType {
  const { description, id } = schema.meta() ?? {};
  // A named schema describes itself where it stands.
  const said = description !== undefined && id === undefined ? `${description} ` : '';
  const withCodes = `With ${codes.map((code) => `\`${code}\``).join(', ')}.`;
  return schema.optional().meta({ description: `${said}${withCodes}` });
}
