import { loadSettings, type Settings } from '#platform/config';

/**
 * The settings of the embedded size, which needs none: outside production it brings demo data and makes its own
 * secrets, and it keeps its terminal for what people want to read.
 *
 * @throws ConfigurationError
 */
export function loadStandaloneSettings(env: NodeJS.ProcessEnv): Settings {
  const isProduction = env['NODE_ENV']?.trim() === 'production';
  return loadSettings(env, {
    required: isProduction ? ['APP_SECRET', 'SIGNING_KEYS'] : [],
    defaults: { LOG_LEVEL: 'warn', DEMO_DATA: isProduction ? 'false' : 'true' },
  });
}
