import { Injectable } from '@nestjs/common';
import { type Actor, ANONYMOUS, DomainError } from '#kernel';
import type { FastifyRequest } from 'fastify';
import { AccessTokens } from './access-tokens.js';
import { securityErrors } from './security.errors.js';

/** A kind of credential that is not an access token of ours, and how it is verified. */
export interface CredentialVerifier {
  /** Whether a bearer token looks like one of this kind, whatever it is worth. */
  recognizes(token: string): boolean;
  /**
   * Who the bearer is.
   *
   * @throws DomainError invalid_token, and what else keeps whoever holds a good one from being somebody here
   */
  verify(token: string): Promise<Actor>;
}

/** Finds out who sends a request: once, however many ask. */
@Injectable()
export class Authentication {
  private readonly found = new WeakMap<FastifyRequest, Promise<Actor>>();
  private readonly verifiers: CredentialVerifier[] = [];

  constructor(private readonly tokens: AccessTokens) {}

  /** Has credentials of another kind accepted beside our own access tokens. */
  accept(verifier: CredentialVerifier): void {
    this.verifiers.push(verifier);
  }

  /**
   * The bearer of the request's credential; anonymous without an `Authorization` header.
   *
   * @throws DomainError invalid_token, and what the verifiers of other kinds throw
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
    const verifier = this.verifiers.find((candidate) => candidate.recognizes(token)) ?? this.tokens;
    return verifier.verify(token);
  }
}
