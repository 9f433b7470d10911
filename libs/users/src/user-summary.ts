import type { User } from './user.row.js';

/** What other modules may know of a user. */
export interface UserSummary {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  /** Whether the user has shown to read the mail of the address. */
  readonly emailVerified: boolean;
}

/** A user as other modules may know them. */
export function toSummary({ id, email, name, emailVerifiedAt }: User): UserSummary {
  return { id, email, name, emailVerified: emailVerifiedAt !== null };
}
