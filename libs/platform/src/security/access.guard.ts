import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ANONYMOUS, DomainError, hasRole } from '#kernel';
import type { FastifyRequest } from 'fastify';
import { currentContext } from '../context/index.js';
import { ACCESS_RULE, type AccessRule } from './access.js';
import { AccessTokens } from './access-tokens.js';
import { securityErrors } from './security.errors.js';

/** Decides, before anything else looks at a request, who calls and whether they may. Denies by default. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly tokens: AccessTokens,
  ) {}

  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const rule = this.reflector.getAllAndOverride<AccessRule | undefined>(ACCESS_RULE, [
      execution.getHandler(),
      execution.getClass(),
    ]);
    if (rule === undefined) throw new DomainError(securityErrors.forbidden);
    if (rule === 'public') return true;

    const { authorization } = execution.switchToHttp().getRequest<FastifyRequest>().headers;
    const actor =
      authorization === undefined ? ANONYMOUS : await this.tokens.verify(bearerToken(authorization));
    currentContext().actor = actor;
    if (rule === 'anyone') return true;
    if (actor.kind !== 'user') throw new DomainError(securityErrors.authentication_required);
    if (!hasRole(actor, rule)) throw new DomainError(securityErrors.forbidden);
    return true;
  }
}

function bearerToken(authorization: string): string {
  const match = /^Bearer +(\S+)$/i.exec(authorization);
  if (!match?.[1]) throw new DomainError(securityErrors.invalid_token);
  return match[1];
}
