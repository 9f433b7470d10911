import { z } from 'zod';
import { idSchema, pageQuerySchema, pageSchema, text, timeSchema } from '../http/index.js';

const TIME = '2026-11-20T12:00:00.000Z';
const UUIDS = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;
const HASH = '5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9';

const positionSchema = z.int().min(0);
const hashSchema = z.string().regex(/^[0-9a-f]{64}$/);

const auditEntryView = z
  .object({
    position: positionSchema.meta({ description: 'Counts from 1, without a gap.' }),
    occurredAt: timeSchema,
    actor: z.string().meta({ description: '`user:<id>`, `key:<id>` or, for a command, `host:<account>`.' }),
    role: z.string().meta({
      description: 'The role that they had at the time; `key` for an API key, `host` for a command.',
    }),
    sessionId: idSchema.nullable().meta({
      description:
        'The session of a person, or the id of the API key. Null for a command: whoever runs `steelyard` on a host ' +
        'that reaches the database has none.',
    }),
    aal: z.literal([1, 2]).nullable().meta({
      description:
        'Whether that session had proven one factor or two (`2`); null for API keys, for commands, and for entries from before this was noted.',
    }),
    action: z
      .string()
      .meta({ description: 'Method and route, or the command: `steelyard dead-letters discard`.' }),
    target: z.string().nullable().meta({
      description:
        'The id in the address; where there is none, that of what was made, or of the event that was discarded.',
    }),
    reason: z.string().nullable(),
    details: z.record(z.string(), z.unknown()).meta({
      description:
        'The fields of the request that its route knows, or the options of the command. What is personal or secret is `[redacted]`, and of a URL there is the origin.',
    }),
    address: z
      .string()
      .meta({ description: 'The IP address that the call came from; the name of the host of a command.' }),
    requestId: z.string(),
    hash: hashSchema.meta({ description: 'SHA-256 of this entry and of the hash before it.' }),
  })
  .meta({
    id: 'AuditEntry',
    description: 'Something that was done with the rights of staff.',
    example: {
      position: 1207,
      occurredAt: TIME,
      actor: 'user:01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10',
      role: 'staff',
      sessionId: '01976f5e-9a10-7b3c-8f2d-6c1e5a4b3d20',
      aal: 2,
      action: 'POST /payments/:id/refunds',
      target: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d13',
      reason: 'Broken on arrival',
      details: { amount: { amount: 1250, currency: 'GBP' } },
      address: '203.0.113.7',
      requestId: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d19',
      hash: HASH,
    },
  });

export type AuditEntryView = z.output<typeof auditEntryView>;

export const auditPageView = pageSchema('AuditPage', auditEntryView);

/** Ids stand in the log in small letters, whoever asks for them in which. */
const naming = (maxLength: number) =>
  text(maxLength).overwrite((value) => value.replaceAll(UUIDS, (id) => id.toLowerCase()));

export const auditQuery = pageQuerySchema.extend({
  actor: naming(100)
    .optional()
    .meta({ description: 'Who did it: `user:<id>`, `key:<id>`, `host:<account>`.' }),
  action: text(200)
    .optional()
    .meta({ description: 'Method and route, `POST /payments/:id/capture`, or the command.' }),
  target: naming(200).optional().meta({ description: 'The id that it was done to.' }),
  after: timeSchema.optional().meta({ description: 'Not before this time.' }),
  before: timeSchema.optional().meta({ description: 'Before this time.' }),
});

export type AuditQuery = z.output<typeof auditQuery>;

const auditHead = z.object({ position: positionSchema, hash: hashSchema });

export const verificationView = z
  .object({
    intact: z.boolean().nullable().meta({
      description:
        'Whether every entry agrees, from the first or the given head to the end; null while not all was looked at.',
    }),
    complete: z.boolean().meta({
      description:
        'False where the time did not suffice: ask with the `head` to go on. True at an entry that does not agree.',
    }),
    checked: z.int().meta({
      description:
        'Entries that agree with the chain, from the first or, where one was given, from the head.',
    }),
    head: auditHead.meta({
      description:
        'The last entry that agrees; position 0 where none does. Note it elsewhere, and ask with it next time.',
    }),
    firstBroken: positionSchema.nullable().meta({
      description: 'The first position whose entry was changed, put there, or is gone.',
    }),
  })
  .meta({
    id: 'AuditVerification',
    description: 'Whether the audit log is as it was written.',
    example: {
      intact: true,
      complete: true,
      checked: 1207,
      head: { position: 1207, hash: HASH },
      firstBroken: null,
    },
  });

export type VerificationView = z.output<typeof verificationView>;

export const verificationQuery = z
  .strictObject({
    position: z.coerce
      .number()
      .int()
      .min(1)
      .max(Number.MAX_SAFE_INTEGER)
      .optional()
      .meta({ description: 'The position of a head that was noted earlier: the check begins there.' }),
    hash: hashSchema.optional().meta({ description: 'Its hash.' }),
  })
  .refine(({ position, hash }) => (position === undefined) === (hash === undefined), {
    message: 'A head is a position and its hash.',
    params: { code: 'required' },
    path: ['hash'],
  });

export type VerificationQuery = z.output<typeof verificationQuery>;
