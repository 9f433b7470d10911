import { existsSync, readFileSync } from 'node:fs';
import { errnoCode, readConfigFile } from './config-file.js';
import { type SettingName, type Settings, settingsSchema } from './config.schema.js';
import { splitList } from './setting-values.js';

/** Everything that is wrong with the configuration, all at once. The entry point prints it and exits with 78. */
export class ConfigurationError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`The configuration is not valid:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'ConfigurationError';
  }
}

/** Exit code for a configuration that cannot be used (`EX_CONFIG` of sysexits.h). */
export const EXIT_CONFIGURATION = 78;

/** What a process needs that shares its database and its secrets with others. */
export const SERVER_SETTINGS = ['DATABASE_URL', 'APP_SECRET', 'SIGNING_KEYS'] as const;

export interface LoadOptions<Required extends SettingName> {
  /** Settings without which this process cannot run. */
  readonly required?: readonly Required[];
  /** Defaults of this process that differ from those of the schema. */
  readonly defaults?: Readonly<Partial<Record<SettingName, string>>>;
}

const ENVIRONMENT_FILE = '.env';

/** What a file may hold: which YAML file is read is said by the environment alone. */
const NAMES_IN_FILES = (Object.keys(settingsSchema.shape) as SettingName[]).filter(
  (name) => name !== 'CONFIG_FILE',
);

/** 32 random hexadecimal digits have fewer once in many millions. */
const MIN_KINDS_OF_CHARACTERS = 8;

/** The example of RFC 8037, which examples elsewhere copy. */
const PUBLISHED_PRIVATE_KEY = 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A';

/**
 * The environment variables, completed by those of the file `.env` of the working directory where there is one. What
 * is set already wins over the file.
 *
 * @throws ConfigurationError when the file is there and cannot be read
 */
export function readEnvironment(): NodeJS.ProcessEnv {
  if (existsSync(ENVIRONMENT_FILE)) {
    try {
      process.loadEnvFile(ENVIRONMENT_FILE);
    } catch (error) {
      throw new ConfigurationError([`${ENVIRONMENT_FILE} cannot be read (${errnoCode(error)}).`]);
    }
  }
  return process.env;
}

/**
 * Reads the settings: from environment variables, or from the files that `NAME_FILE` variables name, and where neither
 * is set from the YAML file that CONFIG_FILE names. An empty value counts as absent, as in a compose file with an unset
 * variable.
 *
 * @throws ConfigurationError naming every problem
 */
export function loadSettings<Required extends SettingName = never>(
  env: NodeJS.ProcessEnv,
  { required = [], defaults = {} }: LoadOptions<Required> = {},
): Settings & { readonly [Name in Required]: NonNullable<Settings[Name]> } {
  const { values, problems } = readValues(env);
  const missing = required.filter((name) => values[name] === undefined && !problems.has(name));
  const parsed = settingsSchema.safeParse({ ...defaults, ...values });
  const found = [
    ...[...problems.values()].flat(),
    ...missing.map((name) => `${name}: is required here.`),
    ...(parsed.error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}.`),
    ...contradictions({ ...defaults, ...values }),
    ...missingWhereMoneyMoves(values, required),
  ];
  if (found.length > 0 || !parsed.success) throw new ConfigurationError(found);
  return Object.freeze(parsed.data) as Settings & {
    readonly [Name in Required]: NonNullable<Settings[Name]>;
  };
}

/** The files that `loadSettings` reads in this environment. */
export function settingsFiles(env: NodeJS.ProcessEnv): string[] {
  const variables = ['CONFIG_FILE', ...NAMES_IN_FILES.map((name) => `${name}_FILE`)];
  return variables.map((variable) => env[variable]?.trim() ?? '').filter((file) => file !== '');
}

type Values = Partial<Record<SettingName, string>>;

function readValues(env: NodeJS.ProcessEnv): {
  values: Values;
  problems: Map<SettingName, readonly string[]>;
} {
  const values: Values = {};
  const problems = new Map<SettingName, readonly string[]>();
  const configFile = env['CONFIG_FILE']?.trim();
  const inFile = configFile ? readConfigFile(configFile, NAMES_IN_FILES) : undefined;
  if (configFile) values.CONFIG_FILE = configFile;
  if (inFile && inFile.problems.length > 0) problems.set('CONFIG_FILE', inFile.problems);
  for (const name of NAMES_IN_FILES) {
    const direct = env[name]?.trim();
    const file = env[`${name}_FILE`]?.trim();
    if (direct && file) problems.set(name, [`${name}: ${name}_FILE is set as well; set one of them.`]);
    if (direct) values[name] = direct;
    else if (file) {
      try {
        values[name] = readFileSync(file, 'utf8').trim();
      } catch (error) {
        problems.set(name, [`${name}_FILE: ${file} cannot be read (${errnoCode(error)}).`]);
      }
    } else {
      const given = inFile?.values.get(name)?.trim();
      if (given) values[name] = given;
    }
  }
  return { values, problems };
}

/** What is wrong with settings that are right each by itself. */
function contradictions(values: Values): string[] {
  const found: string[] = [];
  if (values.NODE_ENV === 'production' && values.DEMO_DATA === 'true') {
    found.push('DEMO_DATA: is refused in production: everybody knows the passwords of the demo accounts.');
  }
  if (values.NODE_ENV === 'production' && values.FAILPOINTS) {
    found.push('FAILPOINTS: is refused in production: it breaks things on purpose.');
  }
  if (values.NODE_ENV === 'production' && values.WEBHOOKS_ALLOW_PRIVATE_TARGETS === 'true') {
    found.push(
      'WEBHOOKS_ALLOW_PRIVATE_TARGETS: is refused in production: who enters a URL could reach what only we may reach.',
    );
  }
  if (values.NODE_ENV === 'production' && values.APP_SECRET !== undefined && isGuessable(values.APP_SECRET)) {
    found.push('APP_SECRET: is refused in production: it can be guessed; `steelyard keys` makes a good one.');
  }
  if (values.NODE_ENV === 'production' && values.SIGNING_KEYS?.includes(PUBLISHED_PRIVATE_KEY)) {
    found.push('SIGNING_KEYS: are refused in production: RFC 8037 has published this private key.');
  }
  if (values.PAYMENT_GATEWAY === 'stripe' && values.STRIPE_API_KEY === undefined) {
    found.push('STRIPE_API_KEY: is required where PAYMENT_GATEWAY is stripe.');
  }
  if (values.NODE_ENV !== 'production' && /^(sk|rk)_live_/.test(values.STRIPE_API_KEY ?? '')) {
    found.push('STRIPE_API_KEY: is for real money: set NODE_ENV=production, which has no demo accounts.');
  }
  if (
    values.NODE_ENV === 'production' &&
    values.PAYMENT_GATEWAY === 'stripe' &&
    values.STRIPE_WEBHOOK_SECRET === undefined
  ) {
    found.push(
      'STRIPE_WEBHOOK_SECRET: is required in production: disputes and failed refunds are told by webhook.',
    );
  }
  found.push(...contradictionsOfMail(values), ...contradictionsOfOidc(values));
  const { WEBAUTHN_RP_ID, WEBAUTHN_ORIGINS } = settingsSchema.shape;
  const rpId = WEBAUTHN_RP_ID.safeParse(values.WEBAUTHN_RP_ID).data;
  const strangers = (WEBAUTHN_ORIGINS.safeParse(values.WEBAUTHN_ORIGINS).data ?? []).filter(
    (origin) => URL.canParse(origin) && !isWithin(new URL(origin).hostname, rpId),
  );
  if ((values.WEBAUTHN_RP_ID === undefined) !== (values.WEBAUTHN_ORIGINS === undefined)) {
    found.push('WEBAUTHN_ORIGINS: is set together with WEBAUTHN_RP_ID, or neither is.');
  } else if (strangers.length > 0) {
    found.push(`WEBAUTHN_ORIGINS: ${strangers.join(', ')} is not of WEBAUTHN_RP_ID, nor below it.`);
  }
  const { PAYMENT_SETTLE_SECONDS, PAYMENT_ATTENTION_SECONDS } = settingsSchema.shape;
  const settleSeconds = PAYMENT_SETTLE_SECONDS.safeParse(values.PAYMENT_SETTLE_SECONDS).data;
  const attentionSeconds = PAYMENT_ATTENTION_SECONDS.safeParse(values.PAYMENT_ATTENTION_SECONDS).data;
  if (
    settleSeconds !== undefined &&
    attentionSeconds !== undefined &&
    2 * settleSeconds >= attentionSeconds
  ) {
    found.push('PAYMENT_ATTENTION_SECONDS: must be more than twice PAYMENT_SETTLE_SECONDS.');
  }
  return [...found, ...missingForTransport(values), ...sharedPorts(values)];
}

/** Commands, such as migrations, move no money; whatever signs tokens serves customers. */
function missingWhereMoneyMoves(values: Values, required: readonly SettingName[]): string[] {
  const isServer = required.includes('SIGNING_KEYS');
  if (!isServer || values.NODE_ENV !== 'production' || values.PAYMENT_GATEWAY !== undefined) return [];
  return ['PAYMENT_GATEWAY: is required in production: by itself it is the sandbox, which takes no money.'];
}

/** What the transport of events needs to be reached. */
function missingForTransport(values: Values): string[] {
  const needed = { kafka: 'KAFKA_BROKERS', rabbitmq: 'RABBITMQ_URL', nats: 'NATS_URL' } as const;
  const found: string[] = [];
  for (const [transport, name] of Object.entries(needed)) {
    if (values.EVENTS_TRANSPORT === transport && values[name] === undefined) {
      found.push(`${name}: is required where EVENTS_TRANSPORT is ${transport}.`);
    }
  }
  if ((values.KAFKA_SASL_MECHANISM ?? 'none') === 'none') return found;
  for (const name of ['KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'] as const) {
    if (values[name] === undefined) found.push(`${name}: is required where KAFKA_SASL_MECHANISM is set.`);
  }
  return found;
}

/** Each server needs a port of its own; any number of them may be given a free one. */
function sharedPorts(values: Values): string[] {
  const owners = new Map<number, SettingName>();
  return (['PORT', 'MANAGEMENT_PORT', 'ADMIN_PORT'] as const).flatMap((name) => {
    const port = settingsSchema.shape[name].safeParse(values[name]).data ?? 0;
    const owner = owners.get(port);
    if (port > 0) owners.set(port, owner ?? name);
    return owner === undefined ? [] : [`${name}: must be another port than ${owner}.`];
  });
}

function contradictionsOfMail(values: Values): string[] {
  if (values.MAIL_SMTP_URL !== undefined)
    return values.MAIL_FROM === undefined ? ['MAIL_FROM: is required where MAIL_SMTP_URL is set.'] : [];
  if (values.NODE_ENV !== 'production') return [];
  const found =
    values.USERS_EMAIL_VERIFICATION === 'required'
      ? ['MAIL_SMTP_URL: is required in production where USERS_EMAIL_VERIFICATION is required.']
      : [];
  for (const name of ['LOW_STOCK_ALERT_EMAIL', 'WEBHOOK_ALERT_EMAIL'] as const) {
    if (values[name] !== undefined)
      found.push(`MAIL_SMTP_URL: is required in production where ${name} is set, or nobody would be told.`);
  }
  return found;
}

/** Tokens of an outside identity provider are told from our own by their issuer, and from those of others by `aud`. */
function contradictionsOfOidc(values: Values): string[] {
  const found: string[] = [];
  if (values.OIDC_ISSUER !== undefined && values.OIDC_AUDIENCE === undefined) {
    found.push('OIDC_AUDIENCE: is required where OIDC_ISSUER is set.');
  }
  if (values.OIDC_ISSUER !== undefined && values.OIDC_ISSUER === values.TOKEN_ISSUER) {
    found.push('OIDC_ISSUER: must be another than TOKEN_ISSUER.');
  }
  if (values.OIDC_ISSUER === undefined && values.OIDC_AUDIENCE !== undefined) {
    found.push('OIDC_ISSUER: is required where OIDC_AUDIENCE is set.');
  }
  if (values.OIDC_ISSUER === undefined && values.OIDC_ROLE_CLAIM !== undefined) {
    found.push('OIDC_ISSUER: is required where OIDC_ROLE_CLAIM is set.');
  }
  if ((values.OIDC_ROLE_CLAIM === undefined) !== (values.OIDC_ROLES === undefined)) {
    found.push('OIDC_ROLES: is required where OIDC_ROLE_CLAIM is set, and nowhere else.');
  }
  return found;
}

/** Whether a host is of a domain. An app has no host, and a domain that is none is told by the schema. */
function isWithin(host: string, domain: string | undefined): boolean {
  return host === '' || domain === undefined || host === domain || host.endsWith(`.${domain}`);
}

/** Whether a secret is a pattern or a placeholder: random bytes in any usual spelling have more kinds of characters. */
function isGuessable(list: string): boolean {
  // What is too short is told by the schema.
  if (!settingsSchema.shape.APP_SECRET.safeParse(list).success) return false;
  return splitList(list).some((secret) => {
    const isPlaceholder = /change.?me|example|placeholder|secret|password/i.test(secret);
    return isPlaceholder || new Set(secret).size < MIN_KINDS_OF_CHARACTERS;
  });
}
