import { Injectable } from '@nestjs/common';
import { type Actor, ANONYMOUS, DomainError } from '#kernel';
import type { FastifyRequest } from 'fastify';
import { AccessTokens } from './access-tokens.js';
import { securityErrors } from './security.errors.js';

/** Finds out who sends a request: once, however many ask. */
@Injectable()
export class Authentication {
  private readonly found = new WeakMap<FastifyRequest, Promise<Actor>>();

  constructor(private readonly tokens: AccessTokens) {}

  /**
   * The bearer of the request's access token; anonymous without an `Authorization` header.
   *
   * @throws DomainError invalid_token
   */
  actorOf(request: FastifyRequest): Promise<Actor> {
    const known = this.found.get(request);
    if (known) return known;
    const actor = this.find(request.headers.authorization);
    this.found.set(request, actor);
    return actor;
  }

  private async find(authorization: string | undefined): Promise<Actor> {
    if (authorization === undefined) return ANONYMOUS;
    const [, token] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
    if (token === undefined) throw new DomainError(securityErrors.invalid_token);
    return this.tokens.verify(token);
  }
}
