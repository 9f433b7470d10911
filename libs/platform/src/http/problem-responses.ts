import type { ErrorDefinition } from '#kernel';
import { httpErrors } from './http.errors.js';
import { PROBLEM_MEDIA_TYPE, problemSchema, STATUS_OF_KIND } from './problem.js';

/** A documented error answer of OpenAPI, which names each code that the status may carry. */
export interface ProblemResponse {
  description: string;
  content: Record<typeof PROBLEM_MEDIA_TYPE, { schema: object; examples: Record<string, object> }>;
}

/** The error answers for `errors`, one per status. */
export function problemResponses(errors: readonly ErrorDefinition[]): Record<string, ProblemResponse> {
  const responses: Record<string, ProblemResponse> = {};
  const byStatus = Map.groupBy(errors, (error) => STATUS_OF_KIND[error.kind]);
  for (const [status, definitions] of byStatus) {
    const unique = [...new Map(definitions.map((definition) => [definition.code, definition])).values()];
    responses[status] = {
      description: unique.map(({ code, title }) => `\`${code}\`: ${title}.`).join('\n\n'),
      content: {
        [PROBLEM_MEDIA_TYPE]: {
          schema: { $ref: '#/components/schemas/Problem' },
          examples: Object.fromEntries(
            unique.map(({ code, title }) => [
              code,
              { summary: title, value: exampleProblem(status, code, title) },
            ]),
          ),
        },
      },
    };
  }
  return responses;
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

function exampleProblem(status: number, code: string, title: string): object {
  const example = problemSchema.meta()?.['example'] as { errors: unknown[] };
  const { errors, ...common } = example;
  const problem = { ...common, type: `/docs/errors#${code}`, title, status, detail: title, code };
  return code === httpErrors.validation_failed.code ? { ...problem, errors } : problem;
}
