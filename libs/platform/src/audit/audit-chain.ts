import { createHash } from 'node:crypto';
import { type AssuranceLevel, canonicalJson } from '#kernel';

/** What one privileged action was: who did what, why, and from where. */
export interface AuditEntry {
  readonly occurredAt: Date;
  readonly actor: string;
  readonly role: string;
  /** The session of a person, or the id of a machine's key; null for a command on the host, which has none. */
  readonly sessionId: string | null;
  /** The assurance level of that session; null without one, and for entries from before it was noted. */
  readonly aal: AssuranceLevel | null;
  /** The method and the route, `POST /payments/:id/capture`, or the command, `steelyard dead-letters redrive`. */
  readonly action: string;
  /** The id in the address or, where there is none, of what was made or discarded. */
  readonly target: string | null;
  readonly reason: string | null;
  readonly details: unknown;
  /** The network address that a call came from, or the name of the host of a command. */
  readonly address: string;
  readonly requestId: string;
}

export interface AuditRow extends AuditEntry {
  readonly position: number;
  readonly hash: Buffer;
}

/** What the first row follows. */
export const CHAIN_START = Buffer.alloc(32);

/** The hash of the row at `position` after the row with `previousHash`. It covers every column. */
export function hashOf(previousHash: Buffer, position: number, entry: AuditEntry): Buffer {
  // PostgreSQL keeps the members of the details in another order than they came in.
  const content = canonicalJson([
    position,
    entry.occurredAt.toISOString(),
    entry.actor,
    entry.role,
    entry.sessionId,
    entry.action,
    entry.target,
    entry.reason,
    entry.details,
    entry.address,
    entry.requestId,
    // Entries from before it was noted keep their hash: they have no such member, and not an empty one.
    ...(entry.aal === null ? [] : [entry.aal]),
  ]);
  return createHash('sha256').update(previousHash).update(content).digest();
}
