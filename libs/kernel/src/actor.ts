/** What a person may do. Each role includes the ones before it. */
export const ROLES = ['customer', 'staff', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Who acts. It travels in the request context, and every transition of an order records it. */
export type Actor =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'user'; readonly userId: string; readonly role: Role; readonly sessionId: string }
  /** The system itself: a timer, the relay, an event's consumer. */
  | { readonly kind: 'system'; readonly name: string };

export const ANONYMOUS: Actor = { kind: 'anonymous' };

export function hasRole(actor: Actor, role: Role): boolean {
  return actor.kind === 'user' && ROLES.indexOf(actor.role) >= ROLES.indexOf(role);
}

/** `user:0197…`, `anonymous`, `system:expiry`: how an actor is written into journals and timelines. */
export function actorReference(actor: Actor): string {
  switch (actor.kind) {
    case 'user':
      return `user:${actor.userId}`;
    case 'system':
      return `system:${actor.name}`;
    case 'anonymous':
      return 'anonymous';
  }
}
