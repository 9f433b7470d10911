import { loadSettings, type Settings } from '#platform/config';
import { generateAppSecret, generateSigningKeys } from '#platform/security';

/** Settings for a test: quiet, on free ports, without rate limits; `overrides` by environment name. */
export async function testSettings(overrides: Record<string, string> = {}): Promise<Settings> {
  return loadSettings({
    NODE_ENV: 'test',
    PORT: '0',
    MANAGEMENT_PORT: '0',
    LOG_LEVEL: 'silent',
    RATE_LIMIT_ENABLED: 'false',
    WORKER_POLL_MS: '20',
    PAYMENT_GATEWAY: 'sandbox',
    // Demo accounts are who most tests log in as.
    DEMO_DATA: String(overrides['NODE_ENV'] !== 'production'),
    APP_SECRET: generateAppSecret(),
    SIGNING_KEYS: await generateSigningKeys(),
    ...overrides,
  });
}
