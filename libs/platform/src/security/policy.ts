import type { Role } from '#kernel';
import type { StepUp } from '../config/index.js';

/** Who has a permission. Nobody else does. */
export interface Grant {
  /** What it lets one do, in a few words. */
  readonly means: string;
  /**
   * Who may use it on what is their own: everybody, also when nobody knows who they are, or whoever has an account.
   * What is whose, the use case judges. Absent: there is nothing that could be one's own.
   */
  readonly own?: 'anyone' | 'customer';
  /** The least role that may use it whosever the thing is. Absent: no person may. */
  readonly all?: Exclude<Role, 'customer'>;
  /** Whether an API key can hold it as a scope; the key may then use it whosever the thing is. */
  readonly scope?: true;
  /** When a person who uses it on what is not their own can be asked for a second factor. */
  readonly stepUp?: StepUp;
  /** Whether the token alone does not do, whatever else the grant says: see `isCheckedLive`. */
  readonly live?: true;
}

const grants = <const T extends Record<string, Grant>>(table: T): T => table;

/**
 * The policy: who may do what, over every door. An endpoint names the permission that it takes, and so it is open to
 * whom this table says; what has no permission is closed. Each name is also the scope that API keys hold.
 */
export const POLICY = grants({
  'account:use': { means: 'Use and change one’s own account', own: 'customer', live: true },
  'users:read': { means: 'See users', all: 'staff', scope: true },
  'users:write': { means: 'Change names of customers', all: 'staff', scope: true, stepUp: 'admin' },
  'users:readdress': { means: 'Change addresses of customers, with which they log in', all: 'staff', stepUp: 'admin' }, // prettier-ignore
  'users:roles': { means: 'Change roles, and staff and administrators', all: 'admin', stepUp: 'admin' },
  'users:recover': { means: 'Take a lost second factor away', all: 'admin', stepUp: 'admin' },
  'users:erase': { means: 'Erase a person who has asked for it', all: 'admin', stepUp: 'admin' },
  'keys:manage': { means: 'Make and revoke API keys', all: 'admin', stepUp: 'admin' },

  'catalog:read': { means: 'See products; staff, and keys, see those that are not for sale, too', own: 'anyone', all: 'staff', scope: true }, // prettier-ignore
  'catalog:write': { means: 'Make, change and import products', all: 'staff', scope: true },
  'stock:read': { means: 'See what is in stock', all: 'staff', scope: true },
  'stock:write': { means: 'Receive and adjust stock', all: 'staff', scope: true },

  'orders:place': { means: 'Ask for a price, and place orders', own: 'anyone', scope: true },
  'orders:claim': { means: 'Claim one’s earlier guest orders', own: 'customer', live: true },
  'orders:list': { means: 'List orders', own: 'customer', all: 'staff', scope: true },
  'orders:read': { means: 'See an order', own: 'anyone', all: 'staff', scope: true },
  'orders:pay': { means: 'Try again to pay an order', own: 'anyone', all: 'staff', scope: true },
  'orders:cancel': { means: 'Cancel an order, which gives the money back', own: 'anyone', all: 'staff', scope: true, stepUp: 'refunds' }, // prettier-ignore
  'orders:close': { means: 'Close the rest of an order, which gives its money back', all: 'staff', scope: true, stepUp: 'refunds' }, // prettier-ignore
  'orders:transfer': { means: 'Move orders from one account to another', all: 'staff', scope: true, stepUp: 'refunds' }, // prettier-ignore
  'orders:fulfil': { means: 'Send pieces of an order, and take them back', all: 'staff', scope: true },

  'payments:read': { means: 'See payments and disputes', all: 'staff', scope: true },
  'payments:capture': { means: 'Capture payments', all: 'staff', scope: true },
  'payments:void': { means: 'Void payments, which gives up what was authorized', all: 'staff', scope: true, stepUp: 'refunds' }, // prettier-ignore
  'payments:refund': { means: 'Refund payments', all: 'staff', scope: true, stepUp: 'refunds' },

  'sales:read': { means: 'See what was sold per day and product', all: 'staff', scope: true },
  'events:read': { means: 'Read the events of everything that happens', all: 'staff', scope: true },
  'webhooks:read': { means: 'See webhook endpoints and what was sent to them', all: 'staff', scope: true },
  'webhooks:write': { means: 'Make and change webhook endpoints; send to them again', all: 'admin', scope: true, stepUp: 'admin' }, // prettier-ignore

  'ledger:read': { means: 'Read the books', all: 'admin', scope: true, stepUp: 'admin' },
  'audit:read': { means: 'Read and verify the audit log', all: 'admin', scope: true, stepUp: 'admin' },
  'operations:read': { means: 'See what is stuck, dead letters, and the invariants', all: 'admin', scope: true, stepUp: 'admin' }, // prettier-ignore
  'operations:write': { means: 'Say what becomes of what is stuck and of dead letters; freeze captures', all: 'admin', stepUp: 'admin' }, // prettier-ignore
});

export type Permission = keyof typeof POLICY;

/** The permissions that API keys can hold. */
export const SCOPES = (Object.keys(POLICY) as Permission[]).filter((name) => grantOf(name).scope === true);

/** What the policy says of a permission, with what it leaves out absent. */
export function grantOf(permission: Permission): Grant {
  return POLICY[permission];
}

/**
 * Whether whoever uses it must still be who their access token says: the session is open and has as many factors, the
 * user exists, the role is theirs. An access token is good for minutes after that has ended, which does for reading and
 * selling, and not for what gives money or rights away.
 */
export function isCheckedLive(permission: Permission): boolean {
  const { all, stepUp, live } = grantOf(permission);
  return live === true || stepUp !== undefined || all === 'admin';
}

/** Whether it takes the role of an admin: nobody else has the permission, not even on what is their own. */
export function isForAdmins(permission: Permission | 'public'): boolean {
  if (permission === 'public') return false;
  const { own, all } = grantOf(permission);
  return own === undefined && all === 'admin';
}
