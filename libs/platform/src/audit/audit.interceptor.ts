import { Stream } from 'node:stream';
import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { type Actor, actorReference, Clock, hasRole } from '#kernel';
import type { FastifyRequest } from 'fastify';
import { concatMap, type Observable } from 'rxjs';
import { currentContext } from '../context/index.js';
import { API_PREFIX } from '../http/index.js';
import { ACCESS_RULE, type AccessRule, AUDITED_FOR_STAFF } from '../security/index.js';
import { AuditLog } from './audit-log.js';
import { redact, storable } from './redact.js';

const READING_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/**
 * Has every privileged action audited: what changes something on a route for staff or admins, and what staff change on
 * the routes that say so. No use case needs to think of it, so none can forget it.
 */
@Injectable()
export class AuditInterceptor implements NestInterceptor {
  constructor(
    private readonly reflector: Reflector,
    private readonly auditLog: AuditLog,
    private readonly clock: Clock,
  ) {}

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = execution.switchToHttp().getRequest<FastifyRequest>();
    const { actor } = currentContext();
    if (actor.kind !== 'user' || !this.isPrivileged(execution, request.method, actor)) return next.handle();
    const { reason, ...body } = fieldsOf(request.body);
    const { id: target, ...params } = fieldsOf(request.params);
    this.auditLog.expect({
      occurredAt: this.clock.now(),
      actor: actorReference(actor),
      role: actor.role,
      sessionId: actor.sessionId,
      action: `${request.method} ${request.routeOptions.url?.replace(`/${API_PREFIX}`, '')}`,
      target: typeof target === 'string' ? storable(target) : null,
      reason: typeof reason === 'string' ? storable(reason) : null,
      details: redact({ ...params, ...fieldsOf(request.query), ...body }),
      address: storable(request.ip),
      requestId: currentContext().requestId,
    });
    return next.handle().pipe(
      concatMap(async (answer: unknown) => {
        await this.auditLog.complete();
        return answer;
      }),
    );
  }

  private isPrivileged(execution: ExecutionContext, method: string, actor: Actor): boolean {
    if (READING_METHODS.has(method)) return false;
    const from = [execution.getHandler(), execution.getClass()];
    const rule = this.reflector.getAllAndOverride<AccessRule | undefined>(ACCESS_RULE, from);
    if (rule === 'staff' || rule === 'admin') return true;
    const isAudited = this.reflector.getAllAndOverride<boolean | undefined>(AUDITED_FOR_STAFF, from);
    return isAudited === true && hasRole(actor, 'staff');
  }
}

/** The fields of a part of a request. A body that is a file is a stream, of which nothing is kept. */
function fieldsOf(value: unknown): Record<string, unknown> {
  const hasFields = value !== null && typeof value === 'object' && !(value instanceof Stream);
  return hasFields ? { ...value } : {};
}
