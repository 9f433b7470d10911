/** What a person may do. Each role includes the ones before it. */
export const ROLES = ['customer', 'staff', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** How sure it is that a person is who they say (NIST SP 800-63B): 1 for one factor, 2 for two. */
export type AssuranceLevel = 1 | 2;

/** Who acts. It travels in the request context, and every transition of an order records it. */
export type Actor =
  | { readonly kind: 'anonymous' }
  | {
      readonly kind: 'user';
      readonly userId: string;
      readonly role: Role;
      readonly sessionId: string;
      readonly aal: AssuranceLevel;
      /** The outside identity provider whose session it is; absent: it is ours. */
      readonly issuer?: string;
    }
  /** A machine that holds an API key, and may do what the key's scopes name. */
  | { readonly kind: 'key'; readonly keyId: string; readonly scopes: readonly string[] }
  /** Whoever runs a command on a host that reaches the database: their account of its operating system. */
  | { readonly kind: 'host'; readonly account: string }
  /** The system itself: a timer, the relay, an event's consumer. */
  | { readonly kind: 'system'; readonly name: string };

export const ANONYMOUS: Actor = { kind: 'anonymous' };

/** Whether a person acts who has this role, or one that includes it. A machine has none. */
export function hasRole(actor: Actor, role: Role): boolean {
  return actor.kind === 'user' && ROLES.indexOf(actor.role) >= ROLES.indexOf(role);
}

/** `user:0197…`, `key:0197…`, `anonymous`, `host:deploy`, `system:expiry`: how an actor is written into journals and timelines. */
export function actorReference(actor: Actor): string {
  switch (actor.kind) {
    case 'user':
      return userReference(actor.userId);
    case 'key':
      return `key:${actor.keyId}`;
    case 'host':
      return `host:${actor.account}`;
    case 'system':
      return `system:${actor.name}`;
    case 'anonymous':
      return 'anonymous';
  }
}

/** The reference of a person, whoever acts. */
export function userReference(userId: string): string {
  return `user:${userId}`;
}
