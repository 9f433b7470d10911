/**
 * Makes JSON schemas for kubeconform from the OpenAPI document of Kubernetes, one file per kind, so that manifests
 * are checked without the network. Unknown fields are refused, as the API server does.
 *
 *   node scripts/kubernetes-schemas.mjs SWAGGER_JSON OUTPUT_DIRECTORY
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [swaggerFile, outputDirectory] = process.argv.slice(2);
const { definitions } = JSON.parse(readFileSync(swaggerFile, 'utf8'));

/** Written as strings in the document, although the API server takes numbers as well. */
const STRING_OR_NUMBER = { type: ['string', 'number'] };
const OVERRIDES = {
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': STRING_OR_NUMBER,
  'io.k8s.apimachinery.pkg.api.resource.Quantity': STRING_OR_NUMBER,
};

function strict(definition) {
  return definition.properties && !definition.additionalProperties
    ? { ...definition, additionalProperties: false }
    : definition;
}

/** The names that `schema` refers to, at any depth of its own text. */
function references(schema) {
  return [...JSON.stringify(schema).matchAll(/"#\/definitions\/([^"]+)"/g)].map(([, name]) => name);
}

function closure(name) {
  const found = {};
  const open = [name];
  while (open.length > 0) {
    const next = open.pop();
    if (next in found) continue;
    found[next] = OVERRIDES[next] ?? strict(definitions[next]);
    open.push(...references(found[next]));
  }
  return found;
}

mkdirSync(outputDirectory, { recursive: true });
for (const [name, definition] of Object.entries(definitions)) {
  const kinds = definition['x-kubernetes-group-version-kind'] ?? [];
  if (kinds.length !== 1) continue; // Parameters of calls, such as DeleteOptions, belong to many groups.
  const [{ group, version, kind }] = kinds;
  const suffix = [group.split('.')[0], version].filter(Boolean).join('-');
  writeFileSync(
    join(outputDirectory, `${kind.toLowerCase()}-${suffix}.json`),
    JSON.stringify({
      $schema: 'http://json-schema.org/draft-07/schema#',
      $ref: `#/definitions/${name}`,
      definitions: closure(name),
    }),
  );
}
