import { readFileSync } from 'node:fs';
import { settingsSchema, type Settings } from './config.schema.js';

/** Everything that is wrong with the configuration, all at once. The entry point prints it and exits with 78. */
export class ConfigurationError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`The configuration is not valid:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'ConfigurationError';
  }
}

/** Exit code for a configuration that cannot be used (`EX_CONFIG` of sysexits.h). */
export const EXIT_CONFIGURATION = 78;

/**
 * Reads the settings from environment variables, or from the files that `NAME_FILE` variables name. An empty
 * variable counts as absent, as in a compose file with an unset value.
 *
 * @throws ConfigurationError naming every problem
 */
export function loadSettings(env: NodeJS.ProcessEnv): Settings {
  const problems: string[] = [];
  const values: Record<string, string> = {};
  for (const name of Object.keys(settingsSchema.shape)) {
    const direct = env[name];
    const file = env[`${name}_FILE`];
    if (direct && file) problems.push(`${name} and ${name}_FILE are both set; set one.`);
    if (direct) values[name] = direct;
    else if (file) {
      try {
        values[name] = readFileSync(file, 'utf8').trim();
      } catch (error) {
        problems.push(`${name}_FILE: ${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
      }
    }
  }
  const parsed = settingsSchema.safeParse(values);
  if (!parsed.success) {
    problems.push(...parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`));
  }
  if (problems.length > 0 || !parsed.success) throw new ConfigurationError(problems);
  return Object.freeze(parsed.data);
}
