import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { DomainError } from '#kernel';
import type { FastifyRequest } from 'fastify';
import { currentContext } from '../context/index.js';
import { AccessPolicy } from './access-policy.js';
import { ACCESS_RULE, type AccessRule } from './access.js';
import { Authentication } from './authentication.js';
import { isCheckedLive } from './policy.js';
import { securityErrors } from './security.errors.js';

/** Decides, before a use case looks at a request, who calls and whether they may. Denies by default. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly authentication: Authentication,
    private readonly policy: AccessPolicy,
  ) {}

  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const rule = this.reflector.getAllAndOverride<AccessRule | undefined>(ACCESS_RULE, [
      execution.getHandler(),
      execution.getClass(),
    ]);
    if (rule === undefined) throw new DomainError(securityErrors.forbidden);
    if (rule === 'public') return true;

    const request = execution.switchToHttp().getRequest<FastifyRequest>();
    const actor = await this.authentication.actorOf(request);
    currentContext().actor = actor;
    this.policy.admit(actor, rule);
    if (isCheckedLive(rule)) await this.authentication.requireLive(request);
    return true;
  }
}
