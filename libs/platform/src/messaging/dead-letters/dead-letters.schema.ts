import { z } from 'zod';
import { idSchema, pageQuerySchema, pageSchema, reasonSchema, text, timeSchema } from '../../http/index.js';
import { cloudEventView } from '../cloud-event.schema.js';

const MAX_NAME_LENGTH = 200;
/** Named at once; whoever means more of them says so by consumer and type. */
const MAX_EVENT_IDS = 1_000;

const TIME = '2026-11-20T12:00:00.000Z';
const EVENT_ID = '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d21';

const consumerSchema = text(MAX_NAME_LENGTH).meta({ description: 'The name of the consumer.' });
const typeSchema = text(MAX_NAME_LENGTH).meta({
  description: 'The type of the events.',
  example: 'steelyard.order.confirmed.v1',
});
const auditReason = reasonSchema.meta({ description: 'For the audit log.' });

const deadLetterView = z
  .object({
    consumer: z.string().meta({ description: 'Who could not apply it.' }),
    event: cloudEventView,
    attempts: z.int().meta({ description: 'How often it was tried.' }),
    error: z.string().nullable().meta({ description: 'How the last try failed.' }),
    parkedAt: timeSchema.meta({ description: 'When the first try failed.' }),
    waitingBehind: z.int().meta({ description: 'Later events of the same aggregate that wait for it.' }),
  })
  .meta({
    id: 'DeadLetter',
    description: 'An event that a consumer could not apply, however often it was tried.',
    example: {
      consumer: 'webhooks.fan-out',
      event: cloudEventView.meta()?.['example'],
      attempts: 10,
      error: 'TypeError: Cannot read properties of undefined',
      parkedAt: TIME,
      waitingBehind: 3,
    },
  });

export type DeadLetterView = z.output<typeof deadLetterView>;

export const deadLetterPageView = pageSchema('DeadLetterPage', deadLetterView);

export const deadLetterQuery = pageQuerySchema.extend({
  consumer: consumerSchema.optional(),
  type: typeSchema.optional(),
});

export type DeadLetterQuery = z.output<typeof deadLetterQuery>;

export const redriveRequest = z
  .strictObject({
    consumer: consumerSchema.optional(),
    type: typeSchema.optional(),
    eventIds: z.array(idSchema).min(1).max(MAX_EVENT_IDS).optional(),
    all: z.literal(true).optional().meta({ description: 'Instead of all the others: every dead letter.' }),
    reason: auditReason,
  })
  .refine(({ all, ...chosen }) => (all ?? false) !== isNarrowed(chosen), {
    message: 'Say which ones by `consumer`, `type` or `eventIds`, or `all` and none of these.',
    params: { code: 'required' },
    path: ['all'],
  })
  .meta({
    id: 'RedriveDeadLetters',
    description: 'Which dead letters are tried again: those to which everything that is given applies.',
    example: { consumer: 'webhooks.fan-out', reason: 'Fixed in 1.4.2' },
  });

export type RedriveRequest = z.output<typeof redriveRequest>;

function isNarrowed({ consumer, type, eventIds }: Record<string, unknown>): boolean {
  return consumer !== undefined || type !== undefined || eventIds !== undefined;
}

export const redriveResult = z
  .object({ redriven: z.int().meta({ description: 'How many dead letters are tried again.' }) })
  .meta({ id: 'RedrivenDeadLetters', description: 'What is tried again.', example: { redriven: 12 } });

export type RedriveResult = z.output<typeof redriveResult>;

export const discardRequest = z
  .strictObject({
    consumer: consumerSchema,
    eventId: idSchema,
    reason: auditReason,
  })
  .meta({
    id: 'DiscardDeadLetter',
    description: 'The event that one consumer is never to apply.',
    example: { consumer: 'webhooks.fan-out', eventId: EVENT_ID, reason: 'The receiver is gone for good' },
  });

export type DiscardRequest = z.output<typeof discardRequest>;
