import { CURRENCIES } from '#kernel';
import { z } from 'zod';
import { FAILPOINT_ACTIONS, parseFailpoints } from '../failpoints/index.js';
import {
  alertEmail,
  count,
  durationMs,
  flag,
  HOT,
  integer,
  isAddressRange,
  isHostAndPort,
  isOrigin,
  isPasskeyOrigin,
  isSafeUrl,
  isUrlOf,
  listOf,
  oneOf,
  port,
  rolesByClaim,
  SECRET,
  type SettingMeta,
  someOf,
  splitList,
  urlOf,
} from './setting-values.js';
import { parseSigningKeys } from './signing-keys.js';

/** What may ask for a second factor: docs/permissions.md has the permissions of each. */
const STEP_UPS = ['refunds', 'admin'] as const;
export type StepUp = (typeof STEP_UPS)[number];

const MIN_SECRET_LENGTH = 32;

/**
 * Every setting of Steelyard, by the name of its environment variable. The one source of the type, of the defaults,
 * of `.env.example` and of docs/configuration.md. Names carry their unit last.
 */
export const settingsSchema = z.object({
  CONFIG_FILE: z
    .string()
    .optional()
    .describe('YAML file with settings by their names; what the environment sets wins over it.'),
  NODE_ENV: oneOf(['development', 'test', 'production'], 'development').describe(
    '`production` refuses demo data and generated secrets.',
  ),
  HOST: z
    .string()
    .default('127.0.0.1')
    .describe('Address that the servers listen on; `0.0.0.0` in a container.'),
  PORT: port().default(3000).describe('REST and Swagger UI; 0 picks a free port.'),
  MANAGEMENT_PORT: port().default(9464).describe('Metrics and health for operators; 0 picks a free port.'),
  ADMIN_PORT: port()
    .optional()
    .describe(
      'The routes that are for admins alone; absent: they are on the main port. 0 picks a free port.',
    ),
  STEELYARD_DATA_DIR: z
    .string()
    .default('.steelyard')
    .describe('Where the embedded size keeps its database and its generated secrets.'),

  DATABASE_URL: urlOf(
    ['postgres', 'postgresql'],
    'postgres://user:password@host:5432/database, with special characters percent-encoded',
  )
    .optional()
    .describe('PostgreSQL to use; absent: the embedded one (`npm start` only).')
    .meta(SECRET),
  DATABASE_POOL_MAX: integer(10, 10_000, 20).describe(
    'Connections per process; in a worker each consumer of events holds one while it uses another.',
  ),
  DATABASE_STATEMENT_TIMEOUT_MS: durationMs(10_000, 0).describe(
    'Longest time one SQL statement may run; 0 for no limit.',
  ),

  APP_SECRET: z
    .string()
    .refine((text) => {
      const secrets = splitList(text);
      return secrets.length > 0 && secrets.every((secret) => secret.length >= MIN_SECRET_LENGTH);
    }, `must be at least ${MIN_SECRET_LENGTH} characters, or several such, divided by commas`)
    .optional()
    .describe(
      'Signs and seals what is our own; all of it is listed in docs/runbooks/rotate-secrets.md. Of several, divided by ' +
        'commas, the first one signs and seals, and all are good. Generated in the embedded size.',
    )
    .meta(SECRET),
  SIGNING_KEYS: z
    .string()
    .refine(
      (text) => parseSigningKeys(text) !== undefined,
      'must be a JSON Web Key Set of private Ed25519 keys, each with a kid of its own; `steelyard keys` makes one',
    )
    .optional()
    .describe(
      'JSON Web Key Set of private Ed25519 keys, the first one signs. Generated in the embedded size.',
    )
    .meta({ ...SECRET, ...HOT }),
  ACCESS_TOKEN_TTL_SECONDS: integer(300, 900, 900).describe('Life of an access token.'),
  REFRESH_TOKEN_TTL_SECONDS: integer(3_600, 31_536_000, 2_592_000).describe('Life of a session without use.'),
  TOKEN_ISSUER: z.string().default('steelyard').describe('`iss` and `aud` of access tokens.'),
  OIDC_ISSUER: z
    .string()
    .refine(
      isSafeUrl,
      'must be a URL, such as https://login.example.com, and plain http only on this machine',
    )
    .optional()
    .describe(
      'Outside identity provider (OpenID Connect) whose access tokens are accepted beside our own, exactly as its ' +
        'tokens name it in `iss`; see docs/outside-identity.md.',
    ),
  OIDC_AUDIENCE: z
    .string()
    .min(1)
    .optional()
    .describe('What the tokens of `OIDC_ISSUER` must name in `aud`; needed with it.'),
  OIDC_ROLE_CLAIM: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Claim of those tokens that makes staff and administrators, or its path, such as `realm_access.roles`; absent: ' +
        'everybody has the role of their account, which is customer at first.',
    ),
  OIDC_ROLES: rolesByClaim()
    .default([])
    .describe('Which values of `OIDC_ROLE_CLAIM` stand for which role; needed with it.'),
  DEMO_DATA: flag(false).describe(
    'Creates the demo accounts, whose password everybody knows, and the demo catalog; without it that password opens no ' +
      'account, also one that was made before. `npm start` turns it on by itself outside production, where `HOST` is ' +
      'this machine.',
  ),

  REQUEST_TIMEOUT_MS: durationMs(15_000).describe(
    'Deadline of a request, and as long again for its caller to take the answer; the gateway call inside it ends ' +
      'earlier.',
  ),
  EVENT_STREAMS_MAX: count(1_000).describe('Server-sent event streams that one process has open at most.'),
  EVENT_STREAMS_MAX_PER_CALLER: count(10).describe(
    'Of these, those of one account, key or address; a page in a browser needs one.',
  ),
  EVENT_STREAMS_MAX_PER_ADDRESS: count(100).describe(
    'Of these, those to one address, whoever calls from there; a /64 network of IPv6 counts as one.',
  ),
  EVENT_STREAM_HEARTBEAT_SECONDS: integer(1, 300, 15).describe(
    'How often a stream says that it is there: more often than the proxies on the way lose patience.',
  ),
  DRAIN_DELAY_MS: durationMs(0, 0).describe('How long readiness says 503 before the server stops accepting.'),
  SHUTDOWN_GRACE_MS: durationMs(10_000, 0).describe(
    'How long requests and jobs in flight may take to finish at shutdown.',
  ),

  LOG_LEVEL: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'info')
    .describe('Least severe level that is logged; `warn` with `npm start`, whose terminal is for people.')
    .meta(HOT),
  METRICS_ENABLED: flag(true).describe('Serves `/metrics` on the management port.'),

  REDIS_URL: urlOf(['redis', 'rediss'], 'redis://host:6379')
    .optional()
    .describe('Redis that the processes share; absent: each counts for itself.')
    .meta(SECRET),

  RATE_LIMIT_ENABLED: flag(true)
    .describe(
      'Limits requests per principal or address, and slows down an address that guesses passwords. Who guesses those ' +
        'of one account, or second factors, is always slowed down.',
    )
    .meta(HOT),
  RATE_LIMIT_CREDENTIALS_PER_MINUTE: count(12_000)
    .describe(
      'Requests of one address per minute whose token or key is looked at, whoever they turn out to be from.',
    )
    .meta(HOT),
  RATE_LIMIT_REQUESTS_PER_MINUTE: count(1_200)
    .describe('Reading requests of one principal or address per minute.')
    .meta(HOT),
  RATE_LIMIT_WRITES_PER_MINUTE: count(600)
    .describe('Requests of one principal or address per minute that change something.')
    .meta(HOT),
  RATE_LIMIT_LOGINS_PER_MINUTE: count(20)
    .describe(
      'Log-ins, registrations, and uses of passwords, codes and mailed tokens of one address per minute.',
    )
    .meta(HOT),
  RATE_LIMIT_WEBHOOKS_PER_MINUTE: count(60_000)
    .describe(
      'Webhooks of one address per minute: a gateway that catches up is not held back. Those that it has not signed ' +
        'count as writes, too.',
    )
    .meta(HOT),
  TRUSTED_PROXIES: listOf(isAddressRange, 'must be IP addresses or CIDR ranges, divided by commas')
    .default([])
    .describe('Comma-separated addresses or CIDR ranges whose `X-Forwarded-For` is believed.'),
  CORS_ORIGINS: listOf(
    (origin) => origin === '*' || isOrigin(origin),
    'must be origins such as https://shop.example.com, divided by commas, or *',
  )
    .default([])
    .describe('Comma-separated origins whose pages may call the API; absent: none but its own.'),

  CACHE_TTL_MS: durationMs(5_000).describe('How long another process may serve a product that has changed.'),
  CACHE_MAX_ENTRIES: count(10_000).describe('Entries of the in-memory cache.'),

  MAIL_SMTP_URL: urlOf(
    ['smtp', 'smtps'],
    'smtp://user:password@host:587 or smtps://, with special characters percent-encoded',
  )
    .optional()
    .describe(
      'Mail server; absent: mail is kept in memory and shown at `/dev/mailbox`; in production, and where `HOST` is ' +
        'reached from elsewhere, it is not sent.',
    )
    .meta(SECRET),
  MAIL_FROM: z
    .string()
    .regex(/^[^\r\n]*@[^\r\n]*$/, 'must be an address, such as Shop <shop@example.com>')
    .optional()
    .describe('Sender of every mail; needed with `MAIL_SMTP_URL`.'),
  MAIL_LINKS_URL: z
    .url({ protocol: /^https?$/, error: 'must be a URL, such as https://shop.example.com/account' })
    .optional()
    .describe(
      'Front-end below which mails link to `/verify-email`, `/reset-password` and `/confirm-email-change`, with ' +
        '`#token=…`, and to `/orders/{id}`, for guests with `#token=…`; absent: they hold the tokens of accounts alone.',
    ),
  SHOP_NAME: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[^:\p{C}]*$/u, 'must be text without a colon')
    .default('Steelyard')
    .describe('Name of the shop, as authenticator apps and the dialogs of passkeys show it.'),
  SECOND_FACTOR_FOR: someOf(STEP_UPS)
    .default([])
    .describe(
      'What people of the house need a second factor for: giving money back or up, and moving orders to another account ' +
        '(`refunds`); what only administrators do, and what staff change of customers (`admin`).',
    ),
  WEBAUTHN_RP_ID: z
    .string()
    .regex(
      /^(?=.{1,253}$)(?!.*\.\d+$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/,
      'must be a domain in lower case, such as shop.example.com; an IP address cannot be one',
    )
    .default('localhost')
    .describe(
      'Domain that passkeys are bound to, for good: the pages’ own, or one above it. Browsers know no passkeys for an ' +
        'IP address, so open `http://localhost:3000`, not `http://127.0.0.1:3000`, to try them.',
    ),
  WEBAUTHN_ORIGINS: listOf(
    isPasskeyOrigin,
    'must be origins such as https://shop.example.com, or android:apk-key-hash:…, divided by commas; http only for localhost',
  )
    .default(['http://localhost:3000'])
    .describe(
      'Comma-separated origins of the pages and apps that may use passkeys: those of `WEBAUTHN_RP_ID`, or below it. ' +
        'The default has the port of `PORT`.',
    ),
  USERS_EMAIL_VERIFICATION: oneOf(['none', 'optional', 'required'], 'none').describe(
    'Whether new users are asked to confirm their address, and whether they must before they log in.',
  ),

  WEBHOOKS_ALLOW_PRIVATE_TARGETS: flag(false).describe(
    'Lets webhooks go to loopback, private networks and plain HTTP, for laptops and tests. Refused in production.',
  ),
  WEBHOOK_ALERT_EMAIL: alertEmail().describe(
    'Who is told by mail that a webhook endpoint is sent nothing any more, since it is gone or has failed for days; absent: nobody. Takes `MAIL_SMTP_URL` in production.',
  ),

  PAYMENT_GATEWAY: oneOf(['sandbox', 'stripe'], 'sandbox').describe(
    'Gateway that moves the money; the sandbox moves none. Production has to be told which, also where it is the sandbox.',
  ),
  STRIPE_API_KEY: z.string().min(1).optional().describe('Secret key of the Stripe account.').meta(SECRET),
  STRIPE_API_BASE: z
    .url({ protocol: /^https?$/, error: 'must be a URL, such as https://api.stripe.com' })
    .default('https://api.stripe.com')
    .describe('Where Stripe, or whoever speaks its language, is reached.'),
  STRIPE_WEBHOOK_SECRET: z
    .string()
    .min(1)
    .optional()
    .describe('Signing secret of the webhook endpoint at Stripe; without it webhooks are refused.')
    .meta(SECRET),
  GATEWAY_TIMEOUT_MS: durationMs(8_000).describe('Longest time one call to the payment gateway may take.'),
  PAYMENT_SETTLE_SECONDS: integer(1, 39_000, 3_600).describe(
    'How long an operation whose outcome is unknown is sent again; then, as long again, the gateway is asked about it.',
  ),
  PAYMENT_ATTENTION_SECONDS: integer(2, 79_200, 79_200).describe(
    'When staff have to say what became of an operation; inside the time for which the gateway keeps keys.',
  ),
  ORDER_PAYMENT_WINDOW_SECONDS: integer(10, 2_592_000, 900).describe(
    'How long an unpaid order holds its stock.',
  ),
  ORDER_COMPLETION_DAYS: integer(0, 3_650, 14).describe(
    'How long a fulfilled and paid order must have been left alone to be completed.',
  ),
  ORDERS_MAILS: flag(true).describe(
    'Tells customers by mail that an order is confirmed, and then that it is on its way, closed, refunded or canceled. In production without ' +
      '`MAIL_SMTP_URL` nobody is told.',
  ),
  ORDER_SHIPPING_FLAT_MINOR: integer(0, 100_000_000, 0).describe(
    'Flat shipping charge per order, in minor units of the order’s currency.',
  ),
  ORDER_TAX_BASIS_POINTS: integer(0, 10_000, 0).describe('Tax added to lines and shipping; 2000 is 20 %.'),
  LOW_STOCK_ALERT_EMAIL: alertEmail().describe(
    'Who is told by mail that a product runs out, at most once per product and UTC day; absent: nobody. Takes `MAIL_SMTP_URL` in production.',
  ),
  DEFAULT_CURRENCY: z
    .enum(CURRENCIES, 'must be an ISO 4217 code that Steelyard knows, such as GBP')
    .meta({ values: 'an ISO 4217 code' } satisfies SettingMeta)
    .default('GBP')
    .describe('Currency of the demo catalog.'),

  EVENTS_TRANSPORT: oneOf(['postgres', 'kafka', 'rabbitmq', 'nats'], 'postgres').describe(
    'What brings events to consumers: PostgreSQL itself, or a broker; see docs/events.md.',
  ),
  KAFKA_BROKERS: listOf(
    isHostAndPort,
    'must be host:port of one or more brokers, divided by commas',
    'host:port, divided by commas',
  )
    .optional()
    .describe('Brokers of Kafka that are asked first; needed with `EVENTS_TRANSPORT=kafka`.'),
  KAFKA_TLS: flag(false).describe('Whether Kafka is reached by TLS.'),
  KAFKA_SASL_MECHANISM: oneOf(['none', 'PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'], 'none').describe(
    'How Kafka is told who we are; with `KAFKA_SASL_USERNAME` and `KAFKA_SASL_PASSWORD`.',
  ),
  KAFKA_SASL_USERNAME: z.string().min(1).optional().describe('User at Kafka.'),
  KAFKA_SASL_PASSWORD: z.string().min(1).optional().describe('Password at Kafka.').meta(SECRET),
  KAFKA_TOPIC_PARTITIONS: integer(1, 10_000, 12).describe(
    'Partitions of topics that do not exist yet: so many processes can share the events of a consumer.',
  ),
  RABBITMQ_URL: urlOf(
    ['amqp', 'amqps'],
    'amqp://user:password@host:5672/vhost or amqps://, with special characters percent-encoded',
  )
    .optional()
    .describe('RabbitMQ; needed with `EVENTS_TRANSPORT=rabbitmq`.')
    .meta(SECRET),
  NATS_URL: listOf(
    (url) => isUrlOf(['nats', 'tls'], url),
    'must be a URL, nats://user:password@host:4222 or tls://, or several of a cluster, divided by commas',
  )
    .optional()
    .describe('NATS with JetStream; needed with `EVENTS_TRANSPORT=nats`.')
    .meta(SECRET),
  EVENTS_RETENTION_DAYS: integer(1, 3_650, 30).describe(
    'How long events that have left are kept, for consumers and partners that fell behind; webhooks that are done, too.',
  ),

  INVARIANTS_CHECK_SECONDS: integer(1, 86_400, 60).describe(
    'How often the workers check the invariants on what has changed.',
  ),
  INVARIANTS_FREEZE_CAPTURES: flag(false).describe(
    'Freezes the captures when money breaks an invariant, until an admin lifts the freeze.',
  ),

  FAILPOINTS: z
    .string()
    .refine(
      (text) => parseFailpoints(text) !== undefined,
      `must be name=action, divided by commas; actions: ${FAILPOINT_ACTIONS.join(', ')}`,
    )
    .default('')
    .describe('Breaks things on purpose, for tests: `name=action,…`. Refused in production.'),
  WORKER_POLL_MS: durationMs(500).describe(
    'How often the worker looks for events, unpaid orders and open operations.',
  ),
});

/** The validated settings, by the names of their environment variables. */
export type Settings = Readonly<z.output<typeof settingsSchema>>;

export type SettingName = keyof Settings;
