import { z } from 'zod';
import { BEHAVIOUR_NAMES, invalidRequest, STEPS } from '#simulated-gateway';

const LARGEST_AMOUNT = 99_999_999;

const integer = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,12}$/, 'must be an integer')
    .transform(Number)
    .pipe(z.number().min(min).max(max));
const flag = z.enum(['true', 'false']).transform((value) => value === 'true');
const metadata = z.record(z.string().min(1).max(40), z.string().max(500)).default({});
const expand = z.array(z.string()).default([]);
const text = z.string().min(1).max(5_000);

/** POST /v1/payment_intents: of what Stripe takes, what says how a card is charged. */
export const createParameters = z.strictObject({
  amount: integer(1, LARGEST_AMOUNT),
  currency: z
    .string()
    .regex(/^[a-z]{3}$/i)
    .toLowerCase(),
  confirm: flag.default(false),
  capture_method: z.enum(['automatic', 'manual']).default('automatic'),
  payment_method: text.optional(),
  allowed_payment_method_types: z.array(z.literal('card')).optional(),
  payment_method_options: z
    .strictObject({
      card: z.strictObject({ request_multicapture: z.enum(['if_available', 'never']).optional() }).optional(),
    })
    .optional(),
  error_on_requires_action: flag.default(false),
  description: text.optional(),
  metadata,
  expand,
});

/** POST /v1/payment_intents/:id/capture */
export const captureParameters = z.strictObject({
  amount_to_capture: integer(0, LARGEST_AMOUNT).optional(),
  final_capture: flag.default(true),
  metadata,
  expand,
});

/** POST /v1/payment_intents/:id/cancel */
export const cancelParameters = z.strictObject({
  cancellation_reason: z.enum(['duplicate', 'fraudulent', 'requested_by_customer', 'abandoned']).optional(),
  expand,
});

/** POST /v1/refunds */
export const refundParameters = z.strictObject({
  payment_intent: text,
  amount: integer(1, LARGEST_AMOUNT).optional(),
  reason: z.enum(['duplicate', 'fraudulent', 'requested_by_customer']).optional(),
  metadata,
  expand,
});

/** GET of one object. */
export const retrieveParameters = z.strictObject({ expand });

/** GET /v1/payment_intents/search: one clause, which names a value of the metadata. */
export const searchParameters = z.strictObject({
  query: z.string().transform((query, context) => {
    const { name, value } = /^metadata\['(?<name>[^']+)'\]:'(?<value>[^']*)'$/.exec(query)?.groups ?? {};
    if (name !== undefined && value !== undefined) return { name, value };
    context.addIssue({ code: 'custom', message: "must be metadata['name']:'value'" });
    return z.NEVER;
  }),
  limit: integer(1, 100).default(10),
  expand,
});

/** GET /v1/refunds, GET /v1/disputes: those of one payment. */
export const listParameters = z.strictObject({
  payment_intent: text,
  limit: integer(1, 100).default(10),
  starting_after: text.optional(),
  expand,
});

/** The reasons that banks have for cards. */
const DISPUTE_REASONS = [
  'credit_not_processed',
  'duplicate',
  'fraudulent',
  'general',
  'noncompliant',
  'product_not_received',
  'product_unacceptable',
  'subscription_canceled',
  'unrecognized',
] as const;

/** POST /_sim/disputes */
export const disputeSchema = z.strictObject({
  payment_intent: text,
  amount: z.number().int().min(1).max(LARGEST_AMOUNT).optional(),
  reason: z.enum(DISPUTE_REASONS).default('fraudulent'),
});

/** POST /_sim/disputes/:id/close */
export const closeDisputeSchema = z.strictObject({ status: z.enum(['won', 'lost']) });

/** POST /_sim/authorizations/expire */
export const expirySchema = z.strictObject({ payment_intent: text });

/** POST /_sim/script */
export const scriptSchema = z.strictObject({
  seed: z.number().int().min(0).optional(),
  rules: z
    .array(
      z.strictObject({
        step: z.enum(STEPS).optional(),
        method: text.optional(),
        key: text.optional(),
        behaviour: z.enum(BEHAVIOUR_NAMES),
        times: z.number().int().min(1).optional(),
      }),
    )
    .max(1_000)
    .optional(),
  chances: z
    .partialRecord(z.enum(BEHAVIOUR_NAMES), z.number().min(0).max(1))
    .refine(
      (chances) => Object.values(chances).reduce((sum, chance) => sum + chance, 0) <= 1,
      'must be at most 1 together',
    )
    .optional(),
  slowMs: z.number().int().min(0).max(120_000).optional(),
  settleMs: z.number().int().min(0).max(86_400_000).optional(),
  outOfOrderMs: z.number().int().min(0).max(120_000).optional(),
  searchLagMs: z.number().int().min(0).max(86_400_000).optional(),
  authorizationMs: z.number().int().min(0).optional(),
  keyRetentionMs: z.number().int().min(0).optional(),
});

/**
 * What was sent, understood.
 *
 * @throws GatewayRefusal that names the first parameter at fault, as Stripe does
 */
export function understand<T extends z.ZodType>(schema: T, sent: unknown): z.output<T> {
  const parsed = schema.safeParse(sent);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (!issue) throw new Error('A schema refused its input for no reason.');
  if (issue.code === 'unrecognized_keys') {
    const param = nameOf([...issue.path, issue.keys[0] ?? '']);
    throw invalidRequest(`Received unknown parameter: ${param}`, { code: 'parameter_unknown', param });
  }
  const param = nameOf(issue.path);
  if (valueAt(sent, issue.path) === undefined) {
    throw invalidRequest(`Missing required param: ${param}.`, { code: 'parameter_missing', param });
  }
  throw invalidRequest(`Invalid ${param}: ${issue.message}`, { param });
}

function nameOf([first, ...rest]: readonly PropertyKey[]): string {
  return `${String(first)}${rest.map((name) => `[${String(name)}]`).join('')}`;
}

function valueAt(sent: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, name) => (value as Record<PropertyKey, unknown> | undefined)?.[name],
    sent,
  );
}
