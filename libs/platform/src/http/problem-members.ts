import type { ErrorDefinition } from '#kernel';
import { z } from 'zod';

type Members = Readonly<Record<string, z.ZodType>>;

const membersByCode = new Map<string, Members>();

/**
 * Says what the problems of an error hold beside what every problem does: the `extensions` of the `DomainError`. Where
 * the schemas of a module's answers are, so that the documentation knows it.
 */
export function describeMembers({ code }: ErrorDefinition, members: Members): void {
  if (membersByCode.has(code)) throw new Error(`The members of ${code} are described twice.`);
  membersByCode.set(code, members);
}

/** The members of their own that the problems of these codes may have, each with the codes that have it. */
export function membersOf(codes: readonly string[]): z.ZodObject | undefined {
  const schemas = new Map<string, z.ZodType>();
  const codesOf = new Map<string, string[]>();
  for (const code of codes) {
    for (const [name, schema] of Object.entries(membersByCode.get(code) ?? {})) {
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
