import { isLoopback, loadSettings, type Settings } from '#platform/config';

/**
 * The settings of the embedded size, which needs none: outside production it makes its own secrets and, where nobody
 * else reaches it, brings demo data, whose passwords everybody knows; it keeps its terminal for what people want to read.
 *
 * @throws ConfigurationError
 */
export function loadStandaloneSettings(env: NodeJS.ProcessEnv): Settings {
  const isProduction = env['NODE_ENV']?.trim() === 'production';
  const required = isProduction ? (['APP_SECRET', 'SIGNING_KEYS'] as const) : [];
  const { HOST } = loadSettings(env, { required });
  return loadSettings(env, {
    required,
    defaults: { LOG_LEVEL: 'warn', DEMO_DATA: String(!isProduction && isLoopback(HOST)) },
  });
}
