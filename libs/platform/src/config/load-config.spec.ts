import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeSettings } from './describe-settings.js';
import { ConfigurationError, loadSettings, SERVER_SETTINGS, settingsFiles } from './load-config.js';

const privateKey = () => generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
const KEY = { ...privateKey(), kid: '1' };
const SIGNING_KEYS = JSON.stringify({ keys: [KEY] });

const OIDC_ISSUER = 'https://login.example.com/';

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
      'DATABASE_POOL_MAX: must be a whole number from 10 to 10000.',
      'APP_SECRET: must be at least 32 characters, or several such, divided by commas.',
      'SIGNING_KEYS: must be a JSON Web Key Set of private Ed25519 keys, each with a kid of its own; `steelyard keys` makes one.',
      'LOG_LEVEL: must be one of fatal, error, warn, info, debug, trace, silent.',
      'DEMO_DATA: is refused in production: everybody knows the passwords of the demo accounts.',
      'PAYMENT_GATEWAY: is required in production: by itself it is the sandbox, which takes no money.',
    ]);
    expect(problemsOf({ NODE_ENV: 'production' })).toEqual([]);
  });

  it.each([
    [{}, 'http://localhost:3000'],
    [{ PORT: '3100' }, 'http://localhost:3100'],
    [{ PORT: '0' }, 'http://localhost:3000'],
    [
      { PORT: '3100', WEBAUTHN_RP_ID: 'example.com', WEBAUTHN_ORIGINS: 'https://example.com' },
      'https://example.com',
    ],
  ])('with %j passkeys are for the pages of %s', (env, origin) => {
    expect(loadSettings(env).WEBAUTHN_ORIGINS).toEqual([origin]);
  });

  it.each([
    ['Kafka without brokers', { EVENTS_TRANSPORT: 'kafka' }, /^KAFKA_BROKERS: is required/],
    [
      'brokers without a port',
      { KAFKA_BROKERS: 'kafka-1:9092, kafka-2' },
      /^KAFKA_BROKERS: must be host:port/,
    ],
    [
      'Kafka without a password',
      { KAFKA_SASL_MECHANISM: 'PLAIN', KAFKA_SASL_USERNAME: 'x' },
      /^KAFKA_SASL_PASSWORD: is/,
    ],
    ['RabbitMQ without an address', { EVENTS_TRANSPORT: 'rabbitmq' }, /^RABBITMQ_URL: is required/],
    [
      'RabbitMQ by another scheme',
      { RABBITMQ_URL: 'http://rabbit:5672' },
      /^RABBITMQ_URL: must be a URL, amqp:/,
    ],
    ['NATS without an address', { EVENTS_TRANSPORT: 'nats' }, /^NATS_URL: is required/],
    ['a cluster of which one is no URL', { NATS_URL: 'nats://a:4222,b' }, /^NATS_URL: must be a URL, nats:/],
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
    ['a list without a secret', { APP_SECRET: ' , ' }, /^APP_SECRET: must be/],
    ['a short one of several secrets', { APP_SECRET: `${'s'.repeat(32)}, short` }, /^APP_SECRET: must be/],
    [
      'passkeys for an IP address',
      { WEBAUTHN_RP_ID: '127.0.0.1', WEBAUTHN_ORIGINS: 'http://localhost:3000' },
      /^WEBAUTHN_RP_ID: must be a domain/,
    ],
    [
      'passkeys on pages without TLS',
      { WEBAUTHN_RP_ID: 'example.com', WEBAUTHN_ORIGINS: 'http://example.com' },
      /^WEBAUTHN_ORIGINS: must be origins/,
    ],
    [
      'passkeys on pages of another domain',
      { WEBAUTHN_RP_ID: 'example.com', WEBAUTHN_ORIGINS: 'https://a.example.com,https://badexample.com' },
      /^WEBAUTHN_ORIGINS: https:\/\/badexample.com is not of WEBAUTHN_RP_ID/,
    ],
    ['no URL at all', { DATABASE_URL: 'localhost' }, /^DATABASE_URL: must be a URL/],
    ['the URL of something else', { DATABASE_URL: 'mysql://localhost/shop' }, /^DATABASE_URL: must be a URL/],
    ['a password that is not encoded', { DATABASE_URL: 'postgres://u:p#/@h:1/d' }, /percent-encoded/],
    ['keys that are no JSON', { SIGNING_KEYS: 'secret' }, /^SIGNING_KEYS: must be/],
    ['a key set without keys', { SIGNING_KEYS: '{"keys":[]}' }, /^SIGNING_KEYS: must be/],
    ['public keys', { SIGNING_KEYS: SIGNING_KEYS.replace('"d"', '"e"') }, /^SIGNING_KEYS: must be/],
    ['keys without a kid', { SIGNING_KEYS: SIGNING_KEYS.replace('"kid"', '"id"') }, /^SIGNING_KEYS: must be/],
    [
      'two keys of one kid',
      { SIGNING_KEYS: JSON.stringify({ keys: [KEY, { ...privateKey(), kid: '1' }] }) },
      /^SIGNING_KEYS: must be/,
    ],
    [
      'a key with the public half of another',
      { SIGNING_KEYS: JSON.stringify({ keys: [{ ...KEY, x: privateKey().x }] }) },
      /^SIGNING_KEYS: must be/,
    ],
    ['a token that lives long', { ACCESS_TOKEN_TTL_SECONDS: '901' }, /^ACCESS_TOKEN_TTL_SECONDS: must be/],
    ['a token that hardly lives', { ACCESS_TOKEN_TTL_SECONDS: '299' }, /^ACCESS_TOKEN_TTL_SECONDS: must be/],
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
    [
      'an alert without mail in production',
      { NODE_ENV: 'production', WEBHOOK_ALERT_EMAIL: 'shop@example.com' },
      /^MAIL_SMTP_URL: is required in production where WEBHOOK_ALERT_EMAIL/,
    ],
    ['another kind of Redis', { REDIS_URL: 'http://localhost:6379' }, /^REDIS_URL: must be a URL/],
    ['an origin with a path', { CORS_ORIGINS: 'https://a.example/shop' }, /^CORS_ORIGINS: must be origins/],
    ['an origin by name', { CORS_ORIGINS: 'https://a.example, shop' }, /^CORS_ORIGINS: must be origins/],
    ['an issuer without an audience', { OIDC_ISSUER }, /^OIDC_AUDIENCE: is required/],
    ['an audience without an issuer', { OIDC_AUDIENCE: 'shop' }, /^OIDC_ISSUER: is required/],
    [
      'an issuer that is ourselves',
      { OIDC_ISSUER, OIDC_AUDIENCE: 'shop', TOKEN_ISSUER: OIDC_ISSUER },
      /^OIDC_ISSUER: must be another than TOKEN_ISSUER/,
    ],
    [
      'an issuer over plain http',
      { OIDC_ISSUER: 'http://login.example.com', OIDC_AUDIENCE: 'shop' },
      /^OIDC_ISSUER: must be a URL/,
    ],
    ['an issuer that is no URL', { OIDC_ISSUER: 'login', OIDC_AUDIENCE: 'shop' }, /^OIDC_ISSUER: must be/],
    [
      'a claim without its values',
      { OIDC_ISSUER, OIDC_AUDIENCE: 'shop', OIDC_ROLE_CLAIM: 'roles' },
      /^OIDC_ROLES: is required/,
    ],
    ['a claim of nobody', { OIDC_ROLE_CLAIM: 'roles', OIDC_ROLES: 'it=admin' }, /^OIDC_ISSUER: is required/],
    [
      'a role that is none',
      { OIDC_ISSUER, OIDC_AUDIENCE: 'shop', OIDC_ROLE_CLAIM: 'roles', OIDC_ROLES: 'it=admin,all=root' },
      /^OIDC_ROLES\.1: must be value=staff/,
    ],
    ['one port for both', { PORT: '9464' }, /^MANAGEMENT_PORT: must be another port than PORT/],
    [
      'the port of customers for admins',
      { ADMIN_PORT: '3000' },
      /^ADMIN_PORT: must be another port than PORT/,
    ],
    [
      'the port of operators for admins',
      { ADMIN_PORT: '9464' },
      /^ADMIN_PORT: must be another port than MANAGEMENT_PORT/,
    ],
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
      'a pattern behind another secret',
      { APP_SECRET: `VnXh2J8Qe0rT5yUi7oPa3sDf6gHk9lZx,${'0123'.repeat(10)}` },
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
    ['free ports', { PORT: '0', MANAGEMENT_PORT: '0', ADMIN_PORT: '0' }],
    ['proxies', { TRUSTED_PROXIES: '10.0.0.0/8, ::1, fd00::/8' }],
    ['origins', { CORS_ORIGINS: 'https://shop.example.com, http://localhost:5173' }],
    ['every origin', { CORS_ORIGINS: '*' }],
    ['lives of a token that are short', { ACCESS_TOKEN_TTL_SECONDS: '300' }],
    ['private signing keys', { SIGNING_KEYS }],
    [
      'several of them',
      { SIGNING_KEYS: JSON.stringify({ keys: [KEY, { ...privateKey(), kid: '2' }], use: 'sig' }) },
    ],
    ['an outside issuer', { OIDC_ISSUER, OIDC_AUDIENCE: 'shop' }],
    ['an outside issuer on this machine', { OIDC_ISSUER: 'http://127.0.0.1:8080', OIDC_AUDIENCE: 'shop' }],
    ['a mail server', { MAIL_SMTP_URL: 'smtps://u:p%40@mail:465', MAIL_FROM: 'Shop <shop@example.com>' }],
    ['a database with an encoded password', { DATABASE_URL: 'postgresql://u:p%23%2F@h/d?sslmode=require' }],
  ])('takes %s', (_, env) => {
    expect(problemsOf(env)).toEqual([]);
  });
});

describe('the roles of an outside issuer', () => {
  it('are those of the values of the claim, which may hold a sign of equality themselves', () => {
    const env = { OIDC_ISSUER, OIDC_AUDIENCE: 'shop', OIDC_ROLE_CLAIM: 'roles' };
    const { OIDC_ROLES } = loadSettings({ ...env, OIDC_ROLES: 'warehouse=staff, cn=it=admin' });
    expect(OIDC_ROLES).toEqual([
      ['warehouse', 'staff'],
      ['cn=it', 'admin'],
    ]);
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

describe('settings from a YAML file', () => {
  const directory = mkdtempSync(join(tmpdir(), 'steelyard-config-'));
  const CONFIG_FILE = join(directory, 'steelyard.yaml');
  const write = (text: string) => writeFileSync(CONFIG_FILE, text);

  afterAll(() => rmSync(directory, { recursive: true }));

  it('stand between the defaults and the environment', () => {
    write(
      '# The shop\nPORT: 4000\nHOST: "::1"\nDEMO_DATA: true\nCORS_ORIGINS: >-\n  https://a.example,\n  *\n',
    );
    const defaults = { DEMO_DATA: 'false', LOG_LEVEL: 'warn' };
    expect(loadSettings({ CONFIG_FILE, PORT: '5000', HOST: ' ' }, { defaults })).toMatchObject({
      CONFIG_FILE,
      PORT: 5000,
      HOST: '::1',
      DEMO_DATA: true,
      CORS_ORIGINS: ['https://a.example', '*'],
      LOG_LEVEL: 'warn',
    });
  });

  it('yield to the file of a single one', () => {
    writeFileSync(join(directory, 'level'), 'debug\n');
    write('LOG_LEVEL: error\n');
    const env = { CONFIG_FILE, LOG_LEVEL_FILE: join(directory, 'level') };
    expect(loadSettings(env).LOG_LEVEL).toBe('debug');
    expect(settingsFiles(env)).toEqual([CONFIG_FILE, join(directory, 'level')]);
  });

  it('mean what the setting makes of them, not what YAML would', () => {
    const secret = '0123456789012345678901234567890123456789';
    write(`APP_SECRET: ${secret}\nPORT: 4_000\nRATE_LIMIT_ENABLED: yes\n`);
    expect(problemsOf({ CONFIG_FILE })).toEqual([
      'PORT: must be a whole number from 0 to 65535.',
      'RATE_LIMIT_ENABLED: must be one of true, false.',
    ]);
    expect(loadSettings({ CONFIG_FILE, PORT: '1', RATE_LIMIT_ENABLED: 'true' }).APP_SECRET).toBe(secret);
  });

  it.each(['', '# nothing\n', 'PORT:\nHOST: ""\n'])('may be none: %j', (text) => {
    write(text);
    expect(problemsOf({ CONFIG_FILE })).toEqual([]);
  });

  it('are refused with every problem at once, and no value is quoted', () => {
    write(
      [
        'PORT: many',
        'PRT: 4000',
        'CONFIG_FILE: other.yaml',
        'constructor: x',
        'CORS_ORIGINS: [https://a.example]',
        'APP_SECRET: &canary canary',
        'HOST: *canary',
        'APP_SECRET: canary',
        'DEMO_DATA: !canary true',
      ].join('\n'),
    );
    const problems = problemsOf({ CONFIG_FILE, LOG_LEVEL: 'loud' });
    const file = `CONFIG_FILE: ${CONFIG_FILE}, line`;
    expect(problems).toEqual([
      `${file} 8: Map keys must be unique.`,
      `${file} 9: Unresolved tag: !canary.`,
      `${file} 2: PRT is no setting that a file may hold.`,
      `${file} 3: CONFIG_FILE is no setting that a file may hold.`,
      `${file} 4: constructor is no setting that a file may hold.`,
      `${file} 5: CORS_ORIGINS must be a single value.`,
      `${file} 7: HOST must be a single value.`,
      'PORT: must be a whole number from 0 to 65535.',
      'APP_SECRET: must be at least 32 characters, or several such, divided by commas.',
      'LOG_LEVEL: must be one of fatal, error, warn, info, debug, trace, silent.',
    ]);
  });

  it.each([
    ['a list', '- PORT', /: must hold NAME: value, one setting a line\.$/],
    ['a sentence', 'PORT is 4000', /: must hold NAME: value, one setting a line\.$/],
    ['two documents', 'PORT: 1\n---\nPORT: 2\n', /, line 2: .*multiple documents/],
    ['half a list', 'PORT: [', /, line 1: /],
  ])('are refused from %s', (_, text, problem) => {
    write(text);
    const [first] = problemsOf({ CONFIG_FILE });
    expect(first).toMatch(problem);
  });

  it('are refused from a file that is not there', () => {
    expect(problemsOf({ CONFIG_FILE: '/nowhere' })).toEqual([
      'CONFIG_FILE: /nowhere cannot be read (ENOENT).',
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
      'KAFKA_SASL_PASSWORD',
      'RABBITMQ_URL',
      'NATS_URL',
    ]);
  });

  it('knows which change without a restart', () => {
    const hot = [...settings.values()].filter(({ isHot }) => isHot).map(({ name }) => name);
    expect(hot).toEqual([
      'SIGNING_KEYS',
      'LOG_LEVEL',
      'RATE_LIMIT_ENABLED',
      'RATE_LIMIT_CREDENTIALS_PER_MINUTE',
      'RATE_LIMIT_REQUESTS_PER_MINUTE',
      'RATE_LIMIT_WRITES_PER_MINUTE',
      'RATE_LIMIT_LOGINS_PER_MINUTE',
      'RATE_LIMIT_WEBHOOKS_PER_MINUTE',
    ]);
  });
});
