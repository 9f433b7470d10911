/** What a form says: texts, lists and nested names. */
export type FormValue = string | FormValue[] | { [name: string]: FormValue };

type Branch = Map<string, string | Branch>;

const DEEPEST = 6;

/**
 * Reads a form, or a query, in which brackets nest: `metadata[operation_id]=1&expand[0]=latest_charge`. What nests
 * deeper than anything that the gateway understands keeps its name as it is.
 */
export function parseForm(text: string): Record<string, FormValue> {
  const root: Branch = new Map();
  for (const [path, value] of new URLSearchParams(text)) {
    const names = path.split('[').map((part) => part.replace(/\]$/, ''));
    plant(root, names.length > DEEPEST ? [path] : names, value);
  }
  return fruitOf(root) as Record<string, FormValue>;
}

/** The same for forms that say the same, in whatever order. */
export function canonicalForm(text: string): string {
  return JSON.stringify([...new URLSearchParams(text)].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

function plant(branch: Branch, [first = '', ...rest]: readonly string[], value: string): void {
  // `expand[]=…` appends.
  const name = first === '' ? String(branch.size) : first;
  if (rest.length === 0) {
    branch.set(name, value);
    return;
  }
  const known = branch.get(name);
  const next: Branch = typeof known === 'object' ? known : new Map<string, string | Branch>();
  branch.set(name, next);
  plant(next, rest, value);
}

function fruitOf(branch: Branch): FormValue {
  const entries = [...branch].map(([name, value]): [string, FormValue] => [
    name,
    typeof value === 'string' ? value : fruitOf(value),
  ]);
  const isList = entries.length > 0 && entries.every(([name], index) => name === String(index));
  return isList ? entries.map(([, value]) => value) : Object.fromEntries(entries);
}
