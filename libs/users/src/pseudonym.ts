/** A domain that can never exist (RFC 2606). */
const ERASED_DOMAIN = '@erased.invalid';

/** What stands in the place of the e-mail address of somebody who was erased. */
export function pseudonymOf(userId: string): string {
  return `${userId}${ERASED_DOMAIN}`;
}

/** Whether the address is that of somebody who was erased, to whom no mail goes. */
export function isPseudonym(email: string): boolean {
  return email.endsWith(ERASED_DOMAIN);
}
