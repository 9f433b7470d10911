/** A JSON Schema as it stands in a published document. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What readers alone look at. */
const ANNOTATIONS = new Set(['description', 'title', 'example', 'examples', 'deprecated']);

/**
 * What would break whoever reads events by `published`, if they were written by `current`: a pointer and a few words
 * for each. New members and new words of an extensible list break nobody, since the contract says that they may come;
 * whatever is not known to be harmless counts as a break.
 */
export function breakingChanges(published: JsonSchema, current: JsonSchema, at = ''): string[] {
  const keywords = new Set([...Object.keys(published), ...Object.keys(current)]);
  return [...keywords]
    .filter((keyword) => !ANNOTATIONS.has(keyword))
    .flatMap((keyword) => breaksOf(keyword, published[keyword], current[keyword], `${at}/${keyword}`));
}

function breaksOf(keyword: string, published: unknown, current: unknown, at: string): string[] {
  switch (keyword) {
    case 'properties':
      return breaksOfMembers(asSchemas(published), asSchemas(current), at);
    case 'required':
    case 'x-extensible-enum':
      return missing(published, current).map((word) => `${at}: ${word} is gone`);
    case 'items':
      return isSchema(published) && isSchema(current)
        ? breakingChanges(published, current, at)
        : different(published, current, at);
    case 'anyOf':
      return breaksOfChoices(published, current, at);
    default:
      return different(published, current, at);
  }
}

function breaksOfMembers(
  published: Readonly<Record<string, JsonSchema>>,
  current: Readonly<Record<string, JsonSchema>>,
  at: string,
): string[] {
  return Object.entries(published).flatMap(([name, schema]) => {
    const counterpart = current[name];
    return counterpart ? breakingChanges(schema, counterpart, `${at}/${name}`) : [`${at}/${name} is gone`];
  });
}

function breaksOfChoices(published: unknown, current: unknown, at: string): string[] {
  if (!Array.isArray(published) || !Array.isArray(current) || published.length !== current.length) {
    return different(published, current, at);
  }
  return published.flatMap((choice: JsonSchema, index) =>
    breakingChanges(choice, current[index] as JsonSchema, `${at}/${index}`),
  );
}

function different(published: unknown, current: unknown, at: string): string[] {
  const [before, now] = [published, current].map((value) =>
    value === undefined ? 'nothing' : JSON.stringify(value),
  );
  return before === now ? [] : [`${at}: ${before} has become ${now}`];
}

function missing(published: unknown, current: unknown): string[] {
  const kept = new Set(Array.isArray(current) ? current : []);
  return (Array.isArray(published) ? (published as string[]) : []).filter((word) => !kept.has(word));
}

function asSchemas(value: unknown): Readonly<Record<string, JsonSchema>> {
  return isSchema(value) ? (value as Record<string, JsonSchema>) : {};
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
