import { readFileSync } from 'node:fs';
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';

/** What a configuration file says: values by the names of settings, and what is wrong with it. */
export interface ConfigFile {
  readonly values: ReadonlyMap<string, string>;
  /** Each names the line; none shows a value, which may be a secret. */
  readonly problems: readonly string[];
}

/**
 * Reads a YAML file whose keys are the names of settings. Every value is taken as it is written, as in the environment:
 * `0755` and `yes` mean what the setting says they mean, not what YAML would make of them.
 *
 * @param names of the settings that it may hold
 */
export function readConfigFile(path: string, names: readonly string[]): ConfigFile {
  const values = new Map<string, string>();
  const problems: string[] = [];
  const lines = new LineCounter();
  const complain = (offset: number | undefined, problem: string) => {
    const line = offset === undefined ? '' : `, line ${lines.linePos(offset).line}`;
    problems.push(`CONFIG_FILE: ${path}${line}: ${problem}.`);
  };

  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return { values, problems: [`CONFIG_FILE: ${path} cannot be read (${errnoCode(error)}).`] };
  }
  const document = parseDocument(text, {
    schema: 'failsafe',
    stringKeys: true,
    // They would quote the line.
    prettyErrors: false,
    lineCounter: lines,
  });
  for (const { message, pos } of [...document.errors, ...document.warnings]) complain(pos[0], message);
  const { contents } = document;
  if (contents === null) return { values, problems };
  if (!isMap(contents)) {
    complain(undefined, 'must hold NAME: value, one setting a line');
    return { values, problems };
  }
  for (const { key, value } of contents.items) {
    if (!isScalar<string>(key)) continue;
    const name = key.value;
    if (!names.includes(name)) complain(key.range[0], `${name} is no setting that a file may hold`);
    else if (value === null) continue;
    else if (isScalar<string>(value)) values.set(name, value.value);
    else complain(key.range[0], `${name} must be a single value`);
  }
  return { values, problems };
}

/** Why a file cannot be read, in a word. */
export function errnoCode(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown reason';
}
