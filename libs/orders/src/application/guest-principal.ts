/** Whose idempotency keys those of a guest are: nothing but the address tells one guest from another. */
export function guestPrincipal(email: string): string {
  return `guest:${email}`;
}
