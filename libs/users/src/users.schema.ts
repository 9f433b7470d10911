import { ROLES } from '#kernel';
import {
  emailSchema,
  idSchema,
  newIdSchema,
  pageQuerySchema,
  pageSchema,
  reasonSchema,
  text,
  timeSchema,
} from '#platform/http';
import { z } from 'zod';
import type { SessionSummary } from './session-list.js';
import type { User } from './user.row.js';
import { isGuessable } from './password-strength.js';

const MIN_PASSWORD_CHARACTERS = 10;
const MAX_PASSWORD_CHARACTERS = 128;

/** Composed form is at most four times shorter; what is longer than this is too long without counting. */
const MAX_PASSWORD_CODE_UNITS = 8 * MAX_PASSWORD_CHARACTERS;

const EXAMPLE_USER = {
  id: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10',
  email: 'ada@example.com',
  name: 'Ada Lovelace',
  role: 'customer',
  emailVerified: true,
  createdAt: '2026-11-20T12:00:00.000Z',
  updatedAt: '2026-11-20T12:00:00.000Z',
};

/** A password is compared as it was typed: nothing is trimmed, and every character of Unicode may be in it. */
const wellFormedPassword = z.string().refine((value) => value.isWellFormed(), {
  message: 'Must be well-formed Unicode.',
  params: { code: 'invalid_text' },
  abort: true,
});

/** What the field of a password is told that is easy to guess. */
export const GUESSABLE = {
  code: 'too_guessable',
  detail: 'Too easy to guess: a common password, a pattern, or your address or name.',
};

/** The same for a schema; each time anew, for zod takes the message out of what it is given. */
const guessable = () => ({ message: GUESSABLE.detail, params: { code: GUESSABLE.code }, abort: true });

/** A password that somebody chooses: 10 to 128 characters (code points, in composed form). */
export const newPasswordSchema = wellFormedPassword
  .refine((value) => characterCount(value) >= MIN_PASSWORD_CHARACTERS, {
    message: `Too short: expected at least ${MIN_PASSWORD_CHARACTERS} characters`,
    params: { code: 'too_short' },
    abort: true,
  })
  .refine((value) => characterCount(value) <= MAX_PASSWORD_CHARACTERS, {
    message: `Too long: expected at most ${MAX_PASSWORD_CHARACTERS} characters`,
    params: { code: 'too_long' },
    abort: true,
  })
  .refine((value) => !isGuessable(value), guessable())
  .meta({
    description: 'Any characters; white space counts. None that anybody would guess first (`too_guessable`).',
    format: 'password',
    minLength: MIN_PASSWORD_CHARACTERS,
    maxLength: MAX_PASSWORD_CHARACTERS,
  });

/** A password that somebody claims to know. Whether it could be one is not told apart from whether it is the one. */
export const claimedPasswordSchema = wellFormedPassword
  .min(1)
  .max(MAX_PASSWORD_CODE_UNITS)
  .meta({ format: 'password' });

/**
 * What no name has, and a text that somebody else is to read in a mail of ours needs: lines, links, and characters that
 * turn the direction of what follows.
 */
const NOT_IN_NAMES = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]|:\/\/|www\./iu;
/** Spaces, joiners and the like are no name by themselves. */
const VISIBLE = /[\p{L}\p{N}\p{P}\p{S}]/u;

export const nameSchema = text(200)
  .refine((value) => VISIBLE.test(value) && !NOT_IN_NAMES.test(value), {
    message: 'Must be one line that can be seen, and no link.',
    params: { code: 'invalid_text' },
  })
  .meta({ description: 'How to address the user: one line, and no link.' });

const roleSchema = z.enum(ROLES).meta({ description: 'Each role includes the ones before it.' });

/** Why staff do what they do with an account: from the body into the audit log, and nowhere else. */
const auditReasonSchema = reasonSchema.meta({ description: 'Why; it goes into the audit log.' });

export const registrationSchema = z
  .strictObject({
    id: newIdSchema.optional(),
    email: emailSchema,
    password: newPasswordSchema,
    name: nameSchema,
  })
  .refine(({ email, name, password }) => !isGuessable(password, [email, name]), {
    ...guessable(),
    path: ['password'],
  })
  .meta({
    id: 'Registration',
    description: 'A new customer.',
    example: { email: EXAMPLE_USER.email, password: 'correct horse battery', name: EXAMPLE_USER.name },
  });

export const profileChangeSchema = z.strictObject({ name: nameSchema.optional() }).meta({
  id: 'ProfileChange',
  description: 'What to change; absent fields stay.',
  example: { name: 'Ada King' },
});

export const userChangeSchema = z
  .strictObject({
    name: nameSchema.optional(),
    email: emailSchema.optional(),
    reason: auditReasonSchema.optional(),
  })
  .meta({
    id: 'UserChange',
    description: 'What to change; absent fields stay.',
    example: {
      name: 'Ada King',
      email: 'ada.king@example.com',
      reason: 'Married; wrote from the old address',
    },
  });

export const roleChangeSchema = z
  .strictObject({ role: roleSchema, reason: auditReasonSchema.optional() })
  .meta({
    id: 'RoleChange',
    description: 'What the user is from now on.',
    example: { role: 'staff', reason: 'Works in the warehouse from December' },
  });

export const userErasureSchema = z.strictObject({ reason: auditReasonSchema }).meta({
  id: 'UserErasure',
  description: 'Why somebody is erased.',
  example: { reason: 'Asked for it by letter of 20 November' },
});

export const secondFactorResetSchema = z.strictObject({ reason: auditReasonSchema.optional() }).meta({
  id: 'SecondFactorReset',
  description: 'Why somebody’s second factors are removed.',
  example: { reason: 'Lost the phone; showed their passport in the shop' },
});

export const usersQuerySchema = pageQuerySchema.extend({
  q: text(100)
    .optional()
    .meta({ description: 'How the e-mail address or the name begins; case does not matter.' }),
  role: roleSchema.optional(),
});

export const userSchema = z
  .object({
    id: idSchema,
    email: z.email(),
    name: z.string(),
    role: roleSchema,
    emailVerified: z
      .boolean()
      .meta({ description: 'Whether the user has shown to read the mail of the address.' }),
    createdAt: timeSchema,
    updatedAt: timeSchema,
  })
  .meta({ id: 'User', description: 'A user.', example: EXAMPLE_USER });

export const userPageSchema = pageSchema('UserPage', userSchema);

export const sessionSchema = z
  .object({
    id: idSchema,
    current: z.boolean().meta({ description: 'Whether it is the session of this very call.' }),
    createdAt: timeSchema,
    lastUsedAt: timeSchema.meta({ description: 'When it last got an access token.' }),
    expiresAt: timeSchema.meta({ description: 'When it ends unless it is used before.' }),
    aal: z
      .literal([1, 2])
      .meta({ description: 'How many factors it was opened with, or raised to: 1 or 2.' }),
    amr: z.array(z.string()).meta({ description: 'By which methods (RFC 8176).' }),
    userAgent: z
      .string()
      .nullable()
      .meta({ description: 'What opened it, in its own words; null: it did not say.' }),
    address: z
      .string()
      .nullable()
      .meta({ description: 'From where it was opened; null: before that was kept.' }),
  })
  .meta({
    id: 'Session',
    description: 'One log-in that has not ended.',
    example: {
      id: '01976f5e-9a10-7b3c-8f2d-6c1e5a4b3d20',
      current: true,
      createdAt: '2026-11-20T12:00:00.000Z',
      lastUsedAt: '2026-11-20T12:15:00.000Z',
      expiresAt: '2026-12-20T12:15:00.000Z',
      aal: 2,
      amr: ['mfa', 'otp', 'pwd'],
      userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0',
      address: '192.0.2.7',
    },
  });

export const endSessionsQuerySchema = z.strictObject({
  includeCurrent: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .default(false)
    .meta({ description: 'Ends the session of this very call as well.' }),
});

export const sessionPageSchema = pageSchema('SessionPage', sessionSchema);

export type Registration = z.infer<typeof registrationSchema>;
export type ProfileChange = z.infer<typeof profileChangeSchema>;
export type UserChange = z.infer<typeof userChangeSchema>;
export type RoleChange = z.infer<typeof roleChangeSchema>;
export type SecondFactorReset = z.infer<typeof secondFactorResetSchema>;
export type UserErasure = z.infer<typeof userErasureSchema>;
export type UsersQuery = z.infer<typeof usersQuerySchema>;
export type UserView = z.infer<typeof userSchema>;
export type SessionView = z.infer<typeof sessionSchema>;

/** A session as the API shows it to its owner; `current` is for the caller to say. */
export function toSessionView(session: SessionSummary): Omit<SessionView, 'current'> {
  const { id, createdAt, lastUsedAt, expiresAt, aal, amr, userAgent, address } = session;
  return {
    ...{ id, aal, amr: [...amr], userAgent, address },
    createdAt: createdAt.toISOString(),
    lastUsedAt: lastUsedAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
  };
}

/** A user as the API shows it. */
export function toUserView({ id, email, name, role, emailVerifiedAt, createdAt, updatedAt }: User): UserView {
  return {
    ...{ id, email, name, role },
    emailVerified: emailVerifiedAt !== null,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}

function characterCount(value: string): number {
  return value.length > MAX_PASSWORD_CODE_UNITS ? Infinity : Array.from(value.normalize('NFC')).length;
}
