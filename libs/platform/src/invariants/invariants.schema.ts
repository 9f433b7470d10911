import { z } from 'zod';
import { reasonSchema, timeSchema } from '../http/index.js';

const TIME = '2026-11-20T12:00:00.000Z';

const breachView = z
  .object({
    subject: z.string().meta({ description: 'Whose state it is: the id of a payment, an order, a product.' }),
    details: z.record(z.string(), z.unknown()).meta({ description: 'What does not agree.' }),
    foundAt: timeSchema,
  })
  .meta({
    id: 'InvariantBreach',
    description: 'What breaks an invariant. It is looked at again in each round, and gone once it holds.',
    example: {
      subject: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d13',
      details: { captured: 7800, refunded: 0, ledger: 7799 },
      foundAt: TIME,
    },
  });

const checkView = z
  .object({
    id: z.string(),
    title: z.string(),
    checked: z.int().meta({ description: 'Looks at a row so far; a row is looked at after each change.' }),
    upToDate: z.boolean().meta({ description: 'Whether the last round came to the end of the changes.' }),
    checkedAt: timeSchema.nullable(),
    breachCount: z.int(),
    breaches: z.array(breachView).meta({ description: 'The first twenty that are open, oldest first.' }),
  })
  .meta({
    id: 'InvariantCheck',
    description: 'A look at our own database, over what has changed since the last one.',
    example: {
      id: 'ledger_matches_payment',
      title: 'The ledger holds of each payment what was captured and not refunded',
      checked: 48_211,
      upToDate: true,
      checkedAt: TIME,
      breachCount: 0,
      breaches: [],
    },
  });

export type InvariantCheckView = z.output<typeof checkView>;

const invariantView = z
  .object({
    number: z.int().min(1).max(12),
    title: z.string(),
    how: z.enum(['live', 'tests']).meta({
      description: '`live`: checked on this database. `tests`: no look at the database can decide it.',
    }),
    provenBy: z.array(z.string()).meta({
      description: 'The suites that prove what the checks leave open; empty where they leave nothing.',
    }),
    checks: z.array(checkView),
  })
  .meta({
    id: 'Invariant',
    description: 'One of the twelve promises about money, stock and orders.',
    example: {
      number: 6,
      title: 'With stock S and N buyers of one piece, exactly min(S, N) orders are confirmed',
      how: 'tests',
      provenBy: ['test/integration/concurrency.spec.ts'],
      checks: [],
    },
  });

export const capturesView = z
  .object({
    frozen: z.boolean().meta({ description: 'Whether capturing is refused with `captures_frozen`.' }),
    since: timeSchema.nullable(),
    reason: z.string().nullable(),
    by: z.string().nullable().meta({ description: '`user:<id>`, or `system:invariants` after a breach.' }),
  })
  .meta({
    id: 'Captures',
    description: 'Whether money is captured.',
    example: { frozen: false, since: null, reason: null, by: null },
  });

export type CapturesView = z.output<typeof capturesView>;

export const invariantsReport = z
  .object({
    holds: z.boolean().meta({ description: 'Whether no breach is open.' }),
    checkedAt: timeSchema
      .nullable()
      .meta({ description: 'When the check ran that has not run for longest.' }),
    captures: capturesView,
    invariants: z.array(invariantView),
  })
  .meta({
    id: 'InvariantsReport',
    description: 'How the twelve invariants stand.',
    example: {
      holds: true,
      checkedAt: TIME,
      captures: { frozen: false, since: null, reason: null, by: null },
      invariants: [
        {
          number: 6,
          title: 'With stock S and N buyers of one piece, exactly min(S, N) orders are confirmed',
          how: 'tests',
          provenBy: ['test/integration/concurrency.spec.ts'],
          checks: [],
        },
      ],
    },
  });

export type InvariantsReport = z.output<typeof invariantsReport>;

export const freezeRequest = z
  .strictObject({
    reason: reasonSchema.meta({ example: 'The gateway reports twice our captures' }),
  })
  .meta({
    id: 'FreezeCaptures',
    description: 'Why the captures are frozen, or go on.',
    example: { reason: 'The gateway reports twice our captures' },
  });

export type FreezeRequest = z.output<typeof freezeRequest>;
