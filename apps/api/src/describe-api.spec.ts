import { describeApi } from './describe-api.js';

interface Operation {
  operationId?: string;
  summary?: string;
  tags?: string[];
  parameters?: { name: string; in: string; schema?: unknown; $ref?: string }[];
  requestBody?: { content: Record<string, { schema?: unknown }> };
  responses: Record<
    string,
    { description?: string; content?: Record<string, { schema?: unknown; examples?: object }> }
  >;
}

interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
}

const METHODS = new Set(['get', 'put', 'post', 'delete', 'patch', 'head', 'options', 'trace']);

const document = (await describeApi()) as Document;

const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item)
    .filter(([method]) => METHODS.has(method))
    .map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, path, operation })),
);

/** Every `$ref` below a value. */
function referencesIn(value: unknown): string[] {
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, member]) =>
    key === '$ref' && typeof member === 'string' ? [member] : referencesIn(member),
  );
}

function resolve(reference: string): unknown {
  const names = reference.replace(/^#\//, '').split('/');
  return names.reduce<unknown>(
    (value, name) => (value as Record<string, unknown> | undefined)?.[name],
    document,
  );
}

describe('the OpenAPI document', () => {
  it('is one of version 3.1 with all the routes', () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    expect(operations.length).toBeGreaterThan(30);
  });

  it('gives every operation an id of its own', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(ids.filter((id, index) => id === undefined || ids.indexOf(id) !== index)).toEqual([]);
  });

  it('refers to nothing that is not there', () => {
    const dangling = [...new Set(referencesIn(document))].filter((name) => resolve(name) === undefined);
    expect(dangling).toEqual([]);
  });

  it('tells what the problem of an error holds wherever it can come', () => {
    const problems = operations.flatMap(({ name, operation }) =>
      Object.values(operation.responses).flatMap(({ content }) => {
        const { schema, examples = {} } = content?.['application/problem+json'] ?? {};
        const members = JSON.stringify((schema as { allOf?: unknown[] } | undefined)?.allOf?.[1] ?? {});
        return Object.keys(examples).map((code) => ({ name, code, isTold: members.includes(`\`${code}\``) }));
      }),
    );
    const told = new Set(problems.filter(({ isTold }) => isTold).map(({ code }) => code));
    expect(told.size).toBeGreaterThan(20);
    expect(problems.filter(({ code, isTold }) => told.has(code) && !isTold)).toEqual([]);
  });

  it.each(operations)('says all about $name', ({ path, operation }) => {
    const { summary, tags, parameters = [], requestBody, responses } = operation;
    expect(summary).toMatch(/\S/);
    expect(tags).not.toHaveLength(0);

    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect(parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)).toEqual(inPath);
    for (const { schema } of parameters) expect(schema).toBeDefined();
    for (const { schema } of Object.values(requestBody?.content ?? {})) expect(schema).toBeDefined();

    const statuses = Object.keys(responses).map(Number);
    expect(statuses.some((status) => status >= 200 && status < 300)).toBe(true);
    expect(statuses).toEqual(expect.arrayContaining([429, 500]));
    for (const [status, { description, content }] of Object.entries(responses)) {
      expect(description).toMatch(/\S/);
      if (Number(status) >= 400) expect(Object.keys(content ?? {})).toEqual(['application/problem+json']);
      else if (status !== '204' && status !== '304') expect(content).toBeDefined();
      for (const { schema } of Object.values(content ?? {})) expect(schema).toBeDefined();
    }
  });
});
