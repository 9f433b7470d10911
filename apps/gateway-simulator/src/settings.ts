import { ConfigurationError } from '#platform/config';
import { z } from 'zod';

const settingsSchema = z.object({
  /** Address that the simulator listens on. */
  HOST: z.string().min(1).default('127.0.0.1'),
  /** 0 picks a free one. */
  PORT: z.coerce.number().int().min(0).max(65_535).default(12_111),
  /** Where webhooks go; absent: nowhere. */
  SIM_WEBHOOK_URL: z.url({ protocol: /^https?$/ }).optional(),
  /** Signs webhooks, as the secret of a Stripe endpoint does. */
  SIM_WEBHOOK_SECRET: z.string().min(1).default('whsec_simulator'),
  /** The names of payments follow from it, and what chance does. */
  SIM_SEED: z.coerce.number().int().min(0).default(1),
});

/** The settings of the simulator, by the names of their environment variables. */
export type SimulatorSettings = Readonly<z.output<typeof settingsSchema>>;

/**
 * Reads the settings from `env`; an empty variable counts as absent. The file `.env` is Steelyard's, not the
 * simulator's: its PORT would be taken already.
 *
 * @throws ConfigurationError naming every problem
 */
export function loadSimulatorSettings(env: NodeJS.ProcessEnv): SimulatorSettings {
  const given = Object.entries(env).filter(([, value]) => value?.trim());
  const parsed = settingsSchema.safeParse(Object.fromEntries(given));
  if (parsed.success) return parsed.data;
  throw new ConfigurationError(
    parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}.`),
  );
}
