import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeSettings } from './describe-settings.js';
import { ConfigurationError, loadSettings, SERVER_SETTINGS } from './load-config.js';

const SIGNING_KEYS = JSON.stringify({
  keys: [{ kty: 'OKP', crv: 'Ed25519', kid: '1', x: 'x'.repeat(43), d: 'd'.repeat(43) }],
});

function problemsOf(env: NodeJS.ProcessEnv, options?: Parameters<typeof loadSettings>[1]): readonly string[] {
  try {
    loadSettings(env, options);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

describe('loading settings', () => {
  it('needs nothing', () => {
    expect(loadSettings({})).toMatchObject({ NODE_ENV: 'development', PORT: 3000, DEMO_DATA: false });
  });

  it('converts what is set, and takes an empty or blank variable for one that is not', () => {
    const settings = loadSettings({ PORT: ' 4000 ', DEMO_DATA: 'true', HOST: '', MANAGEMENT_PORT: '  ' });
    expect(settings).toMatchObject({ PORT: 4000, DEMO_DATA: true, HOST: '127.0.0.1', MANAGEMENT_PORT: 9464 });
  });

  it("takes a process's own defaults where nothing is set", () => {
    const defaults = { LOG_LEVEL: 'warn', DEMO_DATA: 'true' };
    expect(loadSettings({ LOG_LEVEL: 'debug' }, { defaults })).toMatchObject({
      LOG_LEVEL: 'debug',
      DEMO_DATA: true,
    });
  });

  it('reports every problem at once', () => {
    const env = {
      PORT: 'many',
      APP_SECRET: 'short',
      SIGNING_KEYS: '{}',
      LOG_LEVEL: 'loud',
      DATABASE_POOL_MAX: '1.5',
      NODE_ENV: 'production',
      DEMO_DATA: 'true',
    };
    expect(problemsOf(env, { required: SERVER_SETTINGS })).toEqual([
      'DATABASE_URL: is required here.',
      'PORT: must be a whole number from 0 to 65535.',
      'DATABASE_POOL_MAX: must be a whole number from 2 to 10000.',
      'APP_SECRET: must be at least 32 characters.',
      'SIGNING_KEYS: must be a JSON Web Key Set of private Ed25519 keys, each with a kid; `steelyard keys` makes one.',
      'LOG_LEVEL: must be one of fatal, error, warn, info, debug, trace, silent.',
      'DEMO_DATA: is refused in production: everybody knows the passwords of the demo accounts.',
    ]);
  });

  it.each([
    ['Stripe without a key', { PAYMENT_GATEWAY: 'stripe' }, /^STRIPE_API_KEY: is required/],
    [
      'a key for real money in development',
      { STRIPE_API_KEY: 'sk_live_1' },
      /^STRIPE_API_KEY: is for real money/,
    ],
    [
      'Stripe in production that cannot report',
      { NODE_ENV: 'production', PAYMENT_GATEWAY: 'stripe', STRIPE_API_KEY: 'sk_live_1' },
      /^STRIPE_WEBHOOK_SECRET: is required/,
    ],
    ['failpoints in production', { NODE_ENV: 'production', FAILPOINTS: 'a=kill' }, /^FAILPOINTS: is refused/],
    [
      'private targets in production',
      { NODE_ENV: 'production', WEBHOOKS_ALLOW_PRIVATE_TARGETS: 'true' },
      /^WEBHOOKS_ALLOW_PRIVATE_TARGETS: is refused/,
    ],
    ['a failpoint that does something else', { FAILPOINTS: 'a=sleep' }, /^FAILPOINTS: must be name=action/],
    [
      'a ladder without its middle',
      { PAYMENT_SETTLE_SECONDS: '100', PAYMENT_ATTENTION_SECONDS: '200' },
      /^PAYMENT_ATTENTION_SECONDS: must be more than twice/,
    ],
    ['no URL at all', { DATABASE_URL: 'localhost' }, /^DATABASE_URL: must be a URL/],
    ['the URL of something else', { DATABASE_URL: 'mysql://localhost/shop' }, /^DATABASE_URL: must be a URL/],
    ['a password that is not encoded', { DATABASE_URL: 'postgres://u:p#/@h:1/d' }, /percent-encoded/],
    ['keys that are no JSON', { SIGNING_KEYS: 'secret' }, /^SIGNING_KEYS: must be/],
    ['a key set without keys', { SIGNING_KEYS: '{"keys":[]}' }, /^SIGNING_KEYS: must be/],
    ['public keys', { SIGNING_KEYS: SIGNING_KEYS.replace('"d"', '"e"') }, /^SIGNING_KEYS: must be/],
    ['keys without a kid', { SIGNING_KEYS: SIGNING_KEYS.replace('"kid"', '"id"') }, /^SIGNING_KEYS: must be/],
    ['a port beyond the last', { PORT: '65536' }, /^PORT: must be a whole number/],
    ['a negative time', { REQUEST_TIMEOUT_MS: '-1' }, /^REQUEST_TIMEOUT_MS: must be a whole number/],
    ['a flag that is neither', { RATE_LIMIT_ENABLED: 'yes' }, /^RATE_LIMIT_ENABLED: must be one of/],
    ['an unknown currency', { DEFAULT_CURRENCY: 'XYZ' }, /^DEFAULT_CURRENCY: must be/],
    ['a proxy by name', { TRUSTED_PROXIES: '10.0.0.0/8, proxy' }, /^TRUSTED_PROXIES: must be/],
    ['a range of no width', { TRUSTED_PROXIES: '10.0.0.0/33' }, /^TRUSTED_PROXIES: must be/],
    [
      'a mail server that is no URL',
      { MAIL_SMTP_URL: 'mail:25', MAIL_FROM: 'a@b' },
      /^MAIL_SMTP_URL: must be/,
    ],
    ['a mail server without a sender', { MAIL_SMTP_URL: 'smtp://mail:25' }, /^MAIL_FROM: is required/],
    ['a sender that is no address', { MAIL_FROM: 'the shop' }, /^MAIL_FROM: must be an address/],
    ['links that are no URL', { MAIL_LINKS_URL: 'shop.example.com' }, /^MAIL_LINKS_URL: must be a URL/],
    ['links to a script', { MAIL_LINKS_URL: 'javascript:alert(1)' }, /^MAIL_LINKS_URL: must be a URL/],
    [
      'an unknown verification',
      { USERS_EMAIL_VERIFICATION: 'yes' },
      /^USERS_EMAIL_VERIFICATION: must be one of/,
    ],
    [
      'verification without mail in production',
      { NODE_ENV: 'production', USERS_EMAIL_VERIFICATION: 'required' },
      /^MAIL_SMTP_URL: is required in production/,
    ],
    ['another kind of Redis', { REDIS_URL: 'http://localhost:6379' }, /^REDIS_URL: must be a URL/],
    ['an origin with a path', { CORS_ORIGINS: 'https://a.example/shop' }, /^CORS_ORIGINS: must be origins/],
    ['an origin by name', { CORS_ORIGINS: 'https://a.example, shop' }, /^CORS_ORIGINS: must be origins/],
    ['one port for both', { PORT: '9464' }, /^MANAGEMENT_PORT: must be another port than PORT/],
  ])('refuses %s', (_, env, problem) => {
    expect(problemsOf(env)).toEqual([expect.stringMatching(problem)]);
  });

  it.each([
    ['a pattern', { APP_SECRET: '0123'.repeat(10) }, /^APP_SECRET: is refused in production/],
    [
      'a placeholder',
      { APP_SECRET: 'please-change-me-0123456789-abcdefgh' },
      /^APP_SECRET: is refused in production/,
    ],
    [
      'a key that is published',
      {
        SIGNING_KEYS: JSON.stringify({
          keys: [
            {
              kty: 'OKP',
              crv: 'Ed25519',
              kid: '1',
              x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
              d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
            },
          ],
        }),
      },
      /^SIGNING_KEYS: are refused in production/,
    ],
  ])('refuses %s in production, and only there', (_, env, problem) => {
    expect(problemsOf({ NODE_ENV: 'production', ...env })).toEqual([expect.stringMatching(problem)]);
    expect(problemsOf(env)).toEqual([]);
  });

  it.each([
    ['two free ports', { PORT: '0', MANAGEMENT_PORT: '0' }],
    ['proxies', { TRUSTED_PROXIES: '10.0.0.0/8, ::1, fd00::/8' }],
    ['origins', { CORS_ORIGINS: 'https://shop.example.com, http://localhost:5173' }],
    ['every origin', { CORS_ORIGINS: '*' }],
    ['private signing keys', { SIGNING_KEYS }],
    ['a mail server', { MAIL_SMTP_URL: 'smtps://u:p%40@mail:465', MAIL_FROM: 'Shop <shop@example.com>' }],
    ['a database with an encoded password', { DATABASE_URL: 'postgresql://u:p%23%2F@h/d?sslmode=require' }],
  ])('takes %s', (_, env) => {
    expect(problemsOf(env)).toEqual([]);
  });
});

describe('settings from files', () => {
  const directory = mkdtempSync(join(tmpdir(), 'steelyard-config-'));
  const file = join(directory, 'secret');
  writeFileSync(file, `${'s'.repeat(32)}\n`);

  afterAll(() => rmSync(directory, { recursive: true }));

  it('are read from the file that NAME_FILE names, without the line break at its end', () => {
    expect(loadSettings({ APP_SECRET_FILE: file }).APP_SECRET).toBe('s'.repeat(32));
  });

  it('are refused when they are set twice, and when the file cannot be read', () => {
    const env = { APP_SECRET_FILE: file, APP_SECRET: 't'.repeat(32), DATABASE_URL_FILE: '/nowhere' };
    expect(problemsOf(env, { required: ['DATABASE_URL'] })).toEqual([
      'DATABASE_URL_FILE: /nowhere cannot be read (ENOENT).',
      'APP_SECRET: APP_SECRET_FILE is set as well; set one of them.',
    ]);
  });
});

describe('the description of the settings', () => {
  const settings = new Map(describeSettings().map((setting) => [setting.name, setting]));

  it('says something about each of them', () => {
    for (const { description } of settings.values()) expect(description).toMatch(/\.$/);
  });

  it('knows defaults, values and secrets', () => {
    expect(settings.get('PORT')).toMatchObject({
      defaultValue: '3000',
      values: '0 to 65535',
      isSecret: false,
    });
    expect(settings.get('DEMO_DATA')).toMatchObject({ defaultValue: 'false', values: 'true, false' });
    const secrets = [...settings.values()].filter(({ isSecret }) => isSecret).map(({ name }) => name);
    expect(secrets).toEqual([
      'DATABASE_URL',
      'APP_SECRET',
      'SIGNING_KEYS',
      'REDIS_URL',
      'MAIL_SMTP_URL',
      'STRIPE_API_KEY',
      'STRIPE_WEBHOOK_SECRET',
    ]);
  });
});
