import { ROLES } from '#kernel';
import { defineEvent } from '#platform/messaging';
import { z } from 'zod';

// Events are kept and travel far, so they carry no personal data: whoever needs the name asks the facade for it.

/** A user exists: version 1. */
export const userRegistered = defineEvent(
  'user',
  'steelyard.user.registered.v1',
  z.object({ userId: z.uuid(), role: z.enum(ROLES) }),
);

/** A person was erased: their last version. Whoever holds data about them puts the pseudonym in their place. */
export const userErased = defineEvent(
  'user',
  'steelyard.user.erased.v1',
  z.object({ userId: z.uuid(), pseudonym: z.string() }),
);

/** A user was edited: every later version. `changed` names the fields that did. */
export const userUpdated = defineEvent(
  'user',
  'steelyard.user.updated.v1',
  z.object({
    userId: z.uuid(),
    role: z.enum(ROLES),
    changed: z.array(z.enum(['name', 'role', 'email', 'emailVerified', 'password'])),
  }),
);
