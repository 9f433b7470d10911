import { hostname, userInfo } from 'node:os';
import { type Actor, actorReference, type Clock, newId } from '#kernel';
import { runInContext } from '../context/index.js';
import type { AuditLog } from './audit-log.js';
import { redact } from './redact.js';

/** What a command is about to do, as the audit log tells it. */
export interface AuditedCommand {
  /** As it is typed: `steelyard dead-letters redrive`. */
  readonly command: string;
  /** The id of what it is done to, where it is one thing. */
  readonly target?: string;
  readonly reason: string;
  /** What was chosen, by the names that the fields of the API have. */
  readonly details: Readonly<Record<string, unknown>>;
}

/**
 * Runs a command that does what else takes the rights of staff, with its entry in the audit log: written with the
 * first transaction that `run` commits, by itself when there was none, and not at all when `run` fails before. The
 * actor is the account of the operating system, for a command knows nobody else.
 */
export function auditCommand<T>(
  auditLog: AuditLog,
  clock: Clock,
  { command, target, reason, details }: AuditedCommand,
  run: () => Promise<T>,
): Promise<T> {
  const actor: Actor = { kind: 'host', account: accountName() };
  const requestId = newId();
  return runInContext({ requestId, signal: new AbortController().signal, actor }, async () => {
    const occurredAt = clock.now();
    auditLog.expect(() => ({
      occurredAt,
      actor: actorReference(actor),
      role: actor.kind,
      sessionId: null,
      aal: null,
      action: command,
      target: target ?? null,
      reason,
      details: redact(details),
      address: hostname(),
      requestId,
    }));
    const result = await run();
    await auditLog.complete();
    return result;
  });
}

/**
 * The account that runs this process. In a container its number may have no name.
 *
 * @param lookUp throws when there is none
 */
export function accountName(lookUp = () => userInfo().username, uid = process.getuid?.()): string {
  try {
    return lookUp();
  } catch {
    return `uid-${uid}`;
  }
}
