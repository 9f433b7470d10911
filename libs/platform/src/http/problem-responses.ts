import type { ErrorDefinition } from '#kernel';
import { httpErrors } from './http.errors.js';
import { toJsonSchema } from './json-schema.js';
import { PROBLEM_MEDIA_TYPE, problemSchema, STATUS_OF_KIND } from './problem.js';
import { membersOf, type ProblemMembers } from './problem-members.js';

/** A documented error answer of OpenAPI, which names each code that the status may carry. */
export interface ProblemResponse {
  description: string;
  content: Record<typeof PROBLEM_MEDIA_TYPE, { schema: object; examples: Record<string, object> }>;
}

/**
 * The error answers for `errors`, one per status, with the members that `members` says some of them have. What those are
 * made of is in the `$defs` of the schema.
 */
export function problemResponses(
  errors: readonly ErrorDefinition[],
  members: ProblemMembers = {},
): Record<string, ProblemResponse> {
  const responses: Record<string, ProblemResponse> = {};
  const byStatus = Map.groupBy(errors, (error) => STATUS_OF_KIND[error.kind]);
  for (const [status, definitions] of byStatus) {
    const unique = [...new Map(definitions.map((definition) => [definition.code, definition])).values()];
    responses[status] = {
      description: unique.map(({ code, title }) => `\`${code}\`: ${title}.`).join('\n\n'),
      content: {
        [PROBLEM_MEDIA_TYPE]: {
          schema: schemaOf(unique, members),
          examples: Object.fromEntries(
            unique.map(({ code, title }) => [
              code,
              { summary: title, value: exampleProblem(status, code, title, members) },
            ]),
          ),
        },
      },
    };
  }
  return responses;
}

function schemaOf(errors: readonly ErrorDefinition[], table: ProblemMembers): object {
  const problem = { $ref: '#/components/schemas/Problem' };
  const members = membersOf(errors, table);
  if (!members) return problem;
  const { root, definitions } = toJsonSchema(members, 'output');
  return { allOf: [problem, root], $defs: definitions };
}

/** Adds the answers of `more` to those that an operation documents already. */
export function mergeProblemResponses(
  responses: Record<string, unknown>,
  more: Record<string, ProblemResponse>,
): void {
  for (const [status, added] of Object.entries(more)) {
    const present = responses[status] as ProblemResponse | undefined;
    if (present) {
      present.description += `\n\n${added.description}`;
      Object.assign(present.content[PROBLEM_MEDIA_TYPE].examples, added.content[PROBLEM_MEDIA_TYPE].examples);
    } else {
      responses[status] = added;
    }
  }
}

/** @param members the members of their own of some problems, of which those with an example show it */
function exampleProblem(status: number, code: string, title: string, members: ProblemMembers): object {
  const example = problemSchema.meta()?.['example'] as { errors: unknown[] };
  const { errors, ...common } = example;
  const own = Object.entries(members[code] ?? {}).flatMap(([name, schema]) => {
    const value = schema.meta()?.['example'];
    return value === undefined ? [] : [[name, value] as const];
  });
  const problem = {
    ...{ ...common, type: `/docs/errors#${code}`, title, status, detail: title, code },
    ...Object.fromEntries(own),
  };
  return code === httpErrors.validation_failed.code ? { ...problem, errors } : problem;
}
