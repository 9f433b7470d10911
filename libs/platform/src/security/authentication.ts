import { Injectable } from '@nestjs/common';
import { type Actor, ANONYMOUS, DomainError } from '#kernel';
import type { FastifyRequest } from 'fastify';
import { AccessTokens } from './access-tokens.js';
import { bearerToken } from './bearer-token.js';
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
  verify(token: string): Promise<Actor | Newcomer>;
}

/** Somebody whose credential is good, and who is nobody here until they are let in. */
export interface Newcomer {
  /** @throws DomainError what keeps them from being somebody here */
  readonly welcome: () => Promise<Actor>;
}

/** Knows what has become of what our access tokens say. */
export interface LiveSessions {
  /** Whether the session is open, with as many factors, the user exists, and the role is still theirs. */
  isLive(user: Extract<Actor, { kind: 'user' }>): Promise<boolean>;
}

/** Finds out who sends a request: once, however many ask. */
@Injectable()
export class Authentication {
  private readonly bearers = new WeakMap<FastifyRequest, Promise<Actor | Newcomer>>();
  private readonly actors = new WeakMap<FastifyRequest, Promise<Actor>>();
  private readonly verifiers: CredentialVerifier[] = [];
  private sessions: LiveSessions | undefined;

  constructor(private readonly tokens: AccessTokens) {}

  /** Has credentials of another kind accepted beside our own access tokens. */
  accept(verifier: CredentialVerifier): void {
    this.verifiers.push(verifier);
  }

  /** Has the sessions of our own access tokens looked up here. */
  lookUpSessionsIn(sessions: LiveSessions): void {
    this.sessions = sessions;
  }

  /**
   * Passes whose credential is good at this moment. Of credentials of other kinds, and of nobody, that is known: they
   * are looked up with each call. Our access tokens are not, until somebody asks here.
   *
   * @throws DomainError invalid_token
   */
  async requireLive(request: FastifyRequest): Promise<void> {
    const actor = await this.actorOf(request);
    if (actor.kind !== 'user' || this.verifierOf(tokenIn(request)) !== this.tokens) return;
    if (!(await this.sessions?.isLive(actor))) throw new DomainError(securityErrors.invalid_token);
  }

  /**
   * The bearer of the request's credential; anonymous without an `Authorization` header. Who comes for the first time
   * becomes somebody by that: it is for whoever lets them in.
   *
   * @throws DomainError invalid_token, and what the verifiers of other kinds throw
   */
  actorOf(request: FastifyRequest): Promise<Actor> {
    return once(this.actors, request, async () => {
      const bearer = await this.bearerOf(request);
      return 'welcome' in bearer ? bearer.welcome() : bearer;
    });
  }

  /**
   * The same for whoever only counts: nobody becomes somebody by it, and who would is anonymous.
   *
   * @throws DomainError invalid_token, and what the verifiers of other kinds throw
   */
  async knownActorOf(request: FastifyRequest): Promise<Actor> {
    const bearer = await this.bearerOf(request);
    return 'welcome' in bearer ? ANONYMOUS : bearer;
  }

  private bearerOf(request: FastifyRequest): Promise<Actor | Newcomer> {
    return once(this.bearers, request, () => this.verify(request));
  }

  private async verify(request: FastifyRequest): Promise<Actor | Newcomer> {
    if (request.headers.authorization === undefined) return ANONYMOUS;
    const token = tokenIn(request);
    return this.verifierOf(token).verify(token);
  }

  private verifierOf(token: string): Pick<CredentialVerifier, 'verify'> {
    return this.verifiers.find((candidate) => candidate.recognizes(token)) ?? this.tokens;
  }
}

function once<T>(
  known: WeakMap<FastifyRequest, Promise<T>>,
  request: FastifyRequest,
  find: () => Promise<T>,
): Promise<T> {
  const found = known.get(request) ?? find();
  known.set(request, found);
  return found;
}

/** @throws DomainError invalid_token for a header that bears none */
function tokenIn(request: FastifyRequest): string {
  const token = bearerToken(request);
  if (token === undefined) throw new DomainError(securityErrors.invalid_token);
  return token;
}
