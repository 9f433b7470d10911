import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { type Actor, actorReference, Clock } from '#kernel';
import type { FastifyRequest } from 'fastify';
import { concatMap, type Observable } from 'rxjs';
import { currentContext } from '../context/index.js';
import { API_PREFIX, MAX_REASON_LENGTH, takenInput } from '../http/index.js';
import { ACCESS_RULE, AccessPolicy, type AccessRule, callerAddress, grantOf } from '../security/index.js';
import type { AuditEntry } from './audit-chain.js';
import { AuditLog } from './audit-log.js';
import { redact, storable } from './redact.js';

const READING_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/**
 * Has every privileged action audited: what changes something by a permission that reaches beyond one's own things. No
 * use case needs to think of it, so none can forget it.
 */
@Injectable()
export class AuditInterceptor implements NestInterceptor {
  constructor(
    private readonly reflector: Reflector,
    private readonly auditLog: AuditLog,
    private readonly clock: Clock,
    private readonly policy: AccessPolicy,
  ) {}

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = execution.switchToHttp().getRequest<FastifyRequest>();
    const { actor } = currentContext();
    if (!this.isPrivileged(execution, request.method, actor)) return next.handle();
    const called = {
      occurredAt: this.clock.now(),
      actor: actorReference(actor),
      ...heldBy(actor),
      action: `${request.method} ${request.routeOptions.url?.replace(`/${API_PREFIX}`, '')}`,
      address: callerAddress(request),
      requestId: currentContext().requestId,
    };
    // The request is read by its schemas after this, and before anything is written.
    this.auditLog.expect(() => ({ ...called, ...askedFor() }));
    return next.handle().pipe(
      concatMap(async (answer: unknown) => {
        await this.auditLog.complete();
        return answer;
      }),
    );
  }

  /** What changes something that is not one's own; a staff's own things count as anybody's. */
  private isPrivileged(execution: ExecutionContext, method: string, actor: Actor): boolean {
    if (READING_METHODS.has(method)) return false;
    const from = [execution.getHandler(), execution.getClass()];
    const rule = this.reflector.getAllAndOverride<AccessRule | undefined>(ACCESS_RULE, from);
    if (rule === undefined || rule === 'public' || grantOf(rule).all === undefined) return false;
    return this.policy.reachesAll(actor, rule);
  }
}

/** By what an actor may do more than others: a role in a session, or a key. */
function heldBy(actor: Actor): Pick<AuditEntry, 'role' | 'sessionId' | 'aal'> {
  switch (actor.kind) {
    case 'user':
      return { role: actor.role, sessionId: actor.sessionId, aal: actor.aal };
    case 'key':
      return { role: 'key', sessionId: actor.keyId, aal: null };
    default:
      throw new Error(`Nobody gave ${actor.kind} the rights of staff.`);
  }
}

/** To what the running request does what, and why, as its route has taken it: nobody adds to that, or spells it apart. */
function askedFor(): Pick<AuditEntry, 'target' | 'reason' | 'details'> {
  const { param = {}, body = {}, query } = takenInput();
  const { id: target, ...params } = param;
  const { reason, ...fields } = body;
  return {
    target: typeof target === 'string' ? storable(target) : null,
    reason: typeof reason === 'string' ? storable(reason, MAX_REASON_LENGTH) : null,
    // The query apart from the body, or whoever calls could tell the log there what the body does not say.
    details: redact({ ...params, ...fields, ...(query && { query }) }),
  };
}
