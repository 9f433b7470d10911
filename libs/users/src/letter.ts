import type { Mail } from '#platform/mail';
import type { User } from './user.row.js';

/** Whom a mail is to. */
export interface Recipient {
  readonly email: string;
  /** What it greets them by; null: it does not say. */
  readonly name: string | null;
}

/**
 * Whom a mail to a user is to. Nobody is greeted by name who has not proven to read the mail: a stranger may have
 * registered with the address, and chosen as a name what the shop is to tell its owner.
 */
export function recipientOf({
  email,
  name,
  emailVerifiedAt,
}: Pick<User, 'email' | 'name' | 'emailVerifiedAt'>): Recipient {
  return { email, name: emailVerifiedAt === null ? null : name };
}

/** A mail to somebody: a greeting, then the paragraphs. */
export function letter({ email, name }: Recipient, subject: string, paragraphs: readonly string[]): Mail {
  const greeting = name === null ? 'Hello,' : `Hello ${name},`;
  return { to: email, subject, text: `${[greeting, ...paragraphs].join('\n\n')}\n` };
}
