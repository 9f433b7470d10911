import { idSchema, pageSchema, text, timeSchema } from '#platform/http';
import { isKnownPattern } from '#platform/messaging';
import { ANY_TARGET, findTargetProblems } from '#platform/outbound';
import { z } from 'zod';
import { DISABLED_REASONS, ENDPOINT_STATUSES } from '../domain/endpoint-status.js';
import type { WebhookEndpoint } from './endpoints.js';

const MAX_URL_LENGTH = 2_048;
const MAX_EVENT_TYPES = 100;
const MAX_EVENT_TYPE_LENGTH = 200;
const MAX_DESCRIPTION_LENGTH = 500;

const EXAMPLE = {
  id: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10',
  url: 'https://partner.example/hooks',
  eventTypes: ['steelyard.order.*', 'steelyard.product.updated.v1'],
  description: 'The warehouse',
  status: 'active',
  disabledReason: null,
  disabledAt: null,
  failingSince: null,
  previousSecretExpiresAt: null,
  version: 1,
  createdAt: '2026-11-20T12:00:00.000Z',
  updatedAt: '2026-11-20T12:00:00.000Z',
} as const;

// What is wrong with it wherever we run. Where it may lead here is judged by `CheckEndpoint`.
const urlSchema = text(MAX_URL_LENGTH)
  .superRefine((url, context) => {
    // One that is too long has been told so.
    if (url.length > MAX_URL_LENGTH) return;
    for (const { code, detail } of findTargetProblems(url, ANY_TARGET)) {
      context.addIssue({ code: 'custom', message: detail, params: { code } });
    }
  })
  .meta({ description: 'Where events are posted to: HTTPS, on the public internet, without credentials.' });
const eventPatternSchema = text(MAX_EVENT_TYPE_LENGTH).refine(isKnownPattern, {
  message: 'No event has this type, or begins with it.',
  params: { code: 'unknown_event_type' },
});
/** Which types of events are meant. */
export const eventTypesSchema = z.array(eventPatternSchema).min(1).max(MAX_EVENT_TYPES).meta({
  description: 'Types of events, or what they begin with and `*`: `steelyard.order.*`; `*` is all.',
});
const descriptionSchema = text(MAX_DESCRIPTION_LENGTH).nullable();

export const newEndpointSchema = z
  .strictObject({
    url: urlSchema,
    eventTypes: eventTypesSchema,
    description: descriptionSchema.default(null),
  })
  .meta({
    id: 'NewWebhookEndpoint',
    description: 'Where a partner wants to be told what happens.',
    example: { url: EXAMPLE.url, eventTypes: EXAMPLE.eventTypes, description: EXAMPLE.description },
  });

export const endpointChangeSchema = z
  .strictObject({
    url: urlSchema.optional(),
    eventTypes: eventTypesSchema.optional(),
    description: descriptionSchema.optional(),
    status: z
      .enum(ENDPOINT_STATUSES)
      .optional()
      .meta({ description: 'To a disabled endpoint nothing is sent, also not later: see `replay`.' }),
  })
  .meta({
    id: 'WebhookEndpointChange',
    description: 'The fields to change; the others stay as they are. `description: null` removes it.',
    example: { eventTypes: ['*'] },
  });

export const endpointSchema = z
  .object({
    id: idSchema,
    url: z.string(),
    eventTypes: z.array(z.string()),
    description: z.string().nullable(),
    status: z.enum(ENDPOINT_STATUSES),
    disabledReason: z.enum(DISABLED_REASONS).nullable().meta({
      description:
        '`gone`: it answered 410. `failing`: nothing has succeeded for five days. `requested`: by a call.',
    }),
    disabledAt: timeSchema.nullable(),
    failingSince: timeSchema.nullable().meta({
      description: 'The first failure since the last success; null while the last attempt succeeded.',
    }),
    previousSecretExpiresAt: timeSchema.nullable().meta({
      description: 'Until then the secret before the last rotation signs as well.',
    }),
    version: z.int(),
    createdAt: timeSchema,
    updatedAt: timeSchema,
  })
  .meta({ id: 'WebhookEndpoint', description: 'A webhook endpoint, without its secret.', example: EXAMPLE });

export const endpointWithSecretSchema = endpointSchema
  .extend({
    secret: z.string().meta({
      description: 'With which its webhooks are signed, as Standard Webhooks writes it. Shown this once.',
      format: 'password',
    }),
  })
  .meta({
    id: 'WebhookEndpointWithSecret',
    description: 'A webhook endpoint with its new secret.',
    example: { ...EXAMPLE, secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=' },
  });

export const endpointPageSchema = pageSchema('WebhookEndpointPage', endpointSchema);

export const rotateSecretSchema = z
  .strictObject({})
  .meta({ id: 'RotateWebhookSecret', description: 'Nothing has to be said.', example: {} });

export type NewEndpoint = z.output<typeof newEndpointSchema>;
export type EndpointChange = z.output<typeof endpointChangeSchema>;
export type EndpointView = z.output<typeof endpointSchema>;
export type EndpointWithSecretView = z.output<typeof endpointWithSecretSchema>;

/** An endpoint as the API shows it. */
export function toEndpointView(endpoint: WebhookEndpoint): EndpointView {
  const { id, url, eventTypes, description, status, disabledReason, version } = endpoint;
  return {
    ...{ id, url, eventTypes, description, status, disabledReason, version },
    disabledAt: endpoint.disabledAt?.toISOString() ?? null,
    failingSince: endpoint.failingSince?.toISOString() ?? null,
    previousSecretExpiresAt: endpoint.previousSecretUntil?.toISOString() ?? null,
    createdAt: endpoint.createdAt.toISOString(),
    updatedAt: endpoint.updatedAt.toISOString(),
  };
}
