import { idSchema, pageSchema, timeSchema } from '#platform/http';
import { z } from 'zod';
import type { LinkedIdentity } from './identity-links.js';

export const identitySchema = z
  .object({
    id: idSchema,
    issuer: z.string().meta({ description: 'Where the log-in is: the `iss` of its tokens.' }),
    subject: z.string().meta({ description: 'Who the user is there: the `sub` of its tokens.' }),
    linkedAt: timeSchema,
    lastUsedAt: timeSchema.nullable().meta({ description: 'To the minute; null where that is not known.' }),
  })
  .meta({
    id: 'LinkedIdentity',
    description: 'A log-in at an outside identity provider that opens the account.',
    example: {
      id: '01976f5e-9a10-7b3c-8f2d-6c1e5a4b3d20',
      issuer: 'https://login.example.com/realms/shop',
      subject: 'b2f7c1de-ada',
      linkedAt: '2026-11-20T12:00:00.000Z',
      lastUsedAt: '2026-11-20T12:15:00.000Z',
    },
  });

export const identityPageSchema = pageSchema('LinkedIdentityPage', identitySchema);

export type IdentityView = z.infer<typeof identitySchema>;

/** A linked identity as the API shows it. */
export function toIdentityView({ id, issuer, subject, linkedAt, lastUsedAt }: LinkedIdentity): IdentityView {
  return {
    ...{ id, issuer, subject },
    linkedAt: linkedAt.toISOString(),
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
  };
}
