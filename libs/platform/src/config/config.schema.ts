import { CURRENCIES } from '#kernel';
import { z } from 'zod';

const port = (fallback: number) => z.coerce.number().int().min(0).max(65_535).default(fallback);
const durationMs = (fallback: number) => z.coerce.number().int().min(0).max(86_400_000).default(fallback);
const count = (fallback: number) => z.coerce.number().int().min(1).max(1_000_000).default(fallback);
const flag = (fallback: boolean) =>
  z
    .enum(['true', 'false'])
    .default(fallback ? 'true' : 'false')
    .transform((value) => value === 'true');

/** Marks a setting whose value must never be printed. */
const SECRET = { secret: true } as const;

/**
 * Every setting of Steelyard, by the name of its environment variable. The one source of the type, of the defaults,
 * of `.env.example` and of the table in the README. Names carry their unit last.
 */
export const settingsSchema = z.object({
  NODE_ENV: z
    .enum(['development', 'test', 'production'])
    .default('development')
    .describe('`production` refuses demo accounts and generated secrets.'),
  HOST: z
    .string()
    .default('127.0.0.1')
    .describe('Address that the servers listen on; `0.0.0.0` in a container.'),
  PORT: port(3000).describe('REST and Swagger UI; 0 picks a free port.'),
  MANAGEMENT_PORT: port(9464).describe('Metrics and health for operators; 0 picks a free port.'),
  STEELYARD_DATA_DIR: z
    .string()
    .default('.steelyard')
    .describe('Where the embedded size keeps its database and its generated secrets.'),

  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must be a postgres:// URL')
    .optional()
    .describe('PostgreSQL to use; absent: the embedded one (`npm start` only).')
    .meta(SECRET),
  DATABASE_POOL_MAX: count(20).describe('Connections per process.'),
  DATABASE_STATEMENT_TIMEOUT_MS: durationMs(10_000).describe('Longest time one SQL statement may run.'),

  APP_SECRET: z
    .string()
    .min(32, 'must be at least 32 characters')
    .optional()
    .describe('Signs cursors and guest order tokens. Generated in the embedded size.')
    .meta(SECRET),
  SIGNING_KEYS: z
    .string()
    .optional()
    .describe(
      'JSON Web Key Set of private Ed25519 keys, the first one signs. Generated in the embedded size.',
    )
    .meta(SECRET),
  ACCESS_TOKEN_TTL_SECONDS: z.coerce
    .number()
    .int()
    .min(60)
    .max(3_600)
    .default(900)
    .describe('Life of an access token.'),
  REFRESH_TOKEN_TTL_SECONDS: z.coerce
    .number()
    .int()
    .min(3_600)
    .max(31_536_000)
    .default(2_592_000)
    .describe('Life of a session without use.'),
  TOKEN_ISSUER: z.string().default('steelyard').describe('`iss` and `aud` of access tokens.'),
  DEMO_DATA: flag(false).describe(
    'Creates the demo accounts and the demo catalog; `npm start` turns it on by itself.',
  ),

  REQUEST_TIMEOUT_MS: durationMs(15_000).describe(
    'Deadline of a request; the gateway call inside it ends earlier.',
  ),
  DRAIN_DELAY_MS: durationMs(0).describe('How long readiness says 503 before the server stops accepting.'),
  SHUTDOWN_GRACE_MS: durationMs(10_000).describe(
    'How long requests in flight may take to finish at shutdown.',
  ),

  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('Least severe level that is logged.'),
  METRICS_ENABLED: flag(true).describe('Serves `/metrics` on the management port.'),

  RATE_LIMIT_ENABLED: flag(true).describe('Limits requests per principal or address.'),
  RATE_LIMIT_REQUESTS_PER_MINUTE: count(1_200).describe('Requests of one principal or address per minute.'),
  RATE_LIMIT_LOGINS_PER_MINUTE: count(20).describe('Log-ins and registrations of one address per minute.'),
  TRUSTED_PROXIES: z
    .string()
    .default('')
    .describe('Comma-separated addresses or CIDR ranges whose `X-Forwarded-For` is believed.'),

  CACHE_TTL_MS: durationMs(5_000).describe('How long another process may serve a product that has changed.'),
  CACHE_MAX_ENTRIES: count(10_000).describe('Entries of the in-memory cache.'),

  PAYMENT_GATEWAY: z.enum(['sandbox']).default('sandbox').describe('Gateway that moves the money.'),
  GATEWAY_TIMEOUT_MS: durationMs(8_000).describe('Longest time one call to the payment gateway may take.'),
  ORDER_PAYMENT_WINDOW_SECONDS: z.coerce
    .number()
    .int()
    .min(10)
    .max(2_592_000)
    .default(900)
    .describe('How long an unpaid order holds its stock.'),
  ORDER_SHIPPING_FLAT_MINOR: z.coerce
    .number()
    .int()
    .min(0)
    .max(100_000_000)
    .default(0)
    .describe('Flat shipping charge per order, in minor units of the order’s currency.'),
  ORDER_TAX_BASIS_POINTS: z.coerce
    .number()
    .int()
    .min(0)
    .max(10_000)
    .default(0)
    .describe('Tax added to lines and shipping; 2000 is 20 %.'),
  DEFAULT_CURRENCY: z.enum(CURRENCIES).default('GBP').describe('Currency of the demo catalog.'),

  WORKER_POLL_MS: durationMs(500).describe(
    'How often the worker looks for events, unpaid orders and open operations.',
  ),
});

/** The validated settings, by the names of their environment variables. */
export type Settings = Readonly<z.output<typeof settingsSchema>>;

/** Whether the value of `name` is a secret and must be shown as `[redacted]`. */
export function isSecretSetting(name: keyof Settings): boolean {
  let schema: z.ZodType | undefined = settingsSchema.shape[name];
  while (schema) {
    if (schema.meta()?.['secret'] === true) return true;
    schema = schema instanceof z.ZodOptional ? (schema.unwrap() as z.ZodType) : undefined;
  }
  return false;
}
