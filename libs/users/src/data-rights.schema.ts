import { idSchema, timeSchema, type ProblemMembers } from '#platform/http';
import { z } from 'zod';
import { identitySchema } from './external-identities/identity.schema.js';
import { secondFactorStatusSchema } from './second-factor/second-factor.schema.js';
import { claimedPasswordSchema, sessionSchema, userSchema } from './users.schema.js';
import type { usersErrors } from './users.errors.js';

export const erasureSchema = z.strictObject({ password: claimedPasswordSchema }).meta({
  id: 'Erasure',
  description: 'The password, to be sure that it is you.',
  example: { password: 'correct horse battery' },
});

export const personalDataSchema = z
  .object({
    exportedAt: timeSchema,
    profile: userSchema,
    sessions: z.array(
      sessionSchema
        .omit({ current: true })
        .extend({ revokedAt: timeSchema.nullable() })
        .meta({ id: undefined }),
    ),
    externalIdentities: z
      .array(identitySchema)
      .meta({ description: 'Who the user is for the outside identity provider.' }),
    secondFactor: secondFactorStatusSchema,
    records: z.record(z.string(), z.array(z.record(z.string(), z.unknown()))).meta({
      description:
        'What else is held, by kind: `orders`, as the API shows them, and `orderReasons`, which the person gave for what they did.',
    }),
  })
  .meta({
    id: 'PersonalData',
    description: 'All that is held about a user.',
    example: {
      exportedAt: '2026-11-20T12:00:00.000Z',
      profile: userSchema.meta()?.['example'],
      sessions: [],
      externalIdentities: [],
      secondFactor: { totp: null, passkeys: [], recoveryCodesLeft: 0 },
      records: { orders: [] },
    },
  });

export type Erasure = z.infer<typeof erasureSchema>;
export type PersonalDataView = Omit<z.infer<typeof personalDataSchema>, 'records'> & {
  readonly records: Readonly<Record<string, readonly object[]>>;
};

/** What the problem of somebody who cannot be erased yet holds. */
export const erasureProblems = {
  orders_open: {
    orderIds: z.array(idSchema).meta({
      description: 'The orders that need the person.',
      example: ['01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d12'],
    }),
  },
} satisfies ProblemMembers<keyof typeof usersErrors>;
