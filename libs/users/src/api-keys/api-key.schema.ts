import { idSchema, pageQuerySchema, pageSchema, reasonSchema, text, timeSchema } from '#platform/http';
import { SCOPES } from '#platform/security';
import { z } from 'zod';
import type { ApiKey } from './api-keys.js';

const EXAMPLE = {
  id: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10',
  name: 'Warehouse',
  scopes: ['orders:fulfil', 'orders:list', 'orders:read'],
  createdBy: 'user:01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d11',
  createdAt: '2026-11-20T12:00:00.000Z',
  expiresAt: '2027-11-20T12:00:00.000Z',
  lastUsedAt: null,
};

const scopesSchema = z
  .array(z.enum(SCOPES))
  .min(1)
  .max(SCOPES.length)
  .meta({ description: 'What the key may do; each is a permission of the policy.' });

/** Why: from the body into the audit log, and nowhere else. */
const auditReasonSchema = reasonSchema.optional().meta({ description: 'Why; it goes into the audit log.' });

export const newApiKeySchema = z
  .strictObject({
    name: text(100).meta({ description: 'Which machine has it.' }),
    scopes: scopesSchema,
    expiresAt: timeSchema.optional().meta({ description: 'When it ends by itself; absent: never.' }),
    reason: auditReasonSchema,
  })
  .meta({
    id: 'NewApiKey',
    description: 'A key for a machine.',
    example: { name: EXAMPLE.name, scopes: EXAMPLE.scopes, expiresAt: EXAMPLE.expiresAt },
  });

export const apiKeyRevocationSchema = z.strictObject({ reason: auditReasonSchema }).meta({
  id: 'ApiKeyRevocation',
  description: 'Why a key is revoked.',
  example: { reason: 'The machine was sold' },
});

export const apiKeySchema = z
  .object({
    id: idSchema,
    name: z.string(),
    scopes: z.array(z.string()),
    createdBy: z.string().meta({ description: 'Who made it: `user:<id>`.' }),
    createdAt: timeSchema,
    expiresAt: timeSchema.nullable().meta({ description: 'When it ends by itself; null: never.' }),
    lastUsedAt: timeSchema.nullable().meta({ description: 'To the minute; null: never.' }),
  })
  .meta({
    id: 'ApiKey',
    description: 'A key of a machine, without what the machine sends.',
    example: EXAMPLE,
  });

export const issuedApiKeySchema = apiKeySchema
  .extend({
    key: z.string().meta({
      description: 'What the machine sends: `Authorization: Bearer <key>`. Shown this once.',
      format: 'password',
    }),
  })
  .meta({
    id: 'IssuedApiKey',
    description: 'A new key, with what the machine sends.',
    example: { ...EXAMPLE, key: 'sty_AZdvXo08elGcfj8fOyqdEA_NbkXr2Vq3r4Jm0cN4sYwQz1tU6aB8dE0fG2hI4jK6lM' },
  });

export const apiKeysQuerySchema = pageQuerySchema.extend({
  createdBy: z
    .string()
    .regex(/^user:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    .optional()
    .meta({ description: 'Who made them: `user:<id>`.', example: EXAMPLE.createdBy }),
});

export const apiKeyPageSchema = pageSchema('ApiKeyPage', apiKeySchema);

export type ApiKeysQuery = z.output<typeof apiKeysQuerySchema>;
export type NewApiKey = z.output<typeof newApiKeySchema>;
export type ApiKeyRevocation = z.output<typeof apiKeyRevocationSchema>;
export type ApiKeyView = z.output<typeof apiKeySchema>;
export type IssuedApiKeyView = z.output<typeof issuedApiKeySchema>;

/** A key as the API shows it. */
export function toApiKeyView({ createdAt, expiresAt, lastUsedAt, ...key }: ApiKey): ApiKeyView {
  return {
    ...key,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt?.toISOString() ?? null,
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
  };
}
