/** Whose the idempotency keys of a registration are: there is no user yet. */
export function registrantPrincipal(email: string): string {
  return `email:${email}`;
}
