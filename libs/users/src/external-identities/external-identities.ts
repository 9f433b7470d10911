import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type Actor, Clock, DomainError } from '#kernel';
import { Config } from '#platform/config';
import { currentContext, runAsSystem } from '#platform/context';
import { Database } from '#platform/database';
import { Authentication, type CredentialVerifier, type Newcomer, securityErrors } from '#platform/security';
import { NO_PASSWORD } from '../passwords.js';
import { SecondFactors } from '../second-factor/second-factors.js';
import type { User } from '../user.row.js';
import { usersErrors } from '../users.errors.js';
import { UsersService } from '../users.service.js';
import {
  assuranceIn,
  type ExternalClaims,
  type ExternalPerson,
  roleIn,
  sessionIdIn,
} from './external-claims.js';
import { type ExternalIdentity, IdentityLinks } from './identity-links.js';
import { IdentityProvider } from './identity-provider.js';

/**
 * Lets in whoever holds an access token of the outside identity provider. Who comes for the first time gets an account,
 * or is linked to theirs: see docs/adr/0017.
 */
@Injectable()
export class ExternalIdentities implements CredentialVerifier, OnModuleInit {
  constructor(
    private readonly provider: IdentityProvider,
    private readonly links: IdentityLinks,
    private readonly users: UsersService,
    private readonly secondFactors: SecondFactors,
    private readonly authentication: Authentication,
    private readonly database: Database,
    private readonly config: Config,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    if (this.provider.issuer !== undefined) this.authentication.accept(this);
  }

  recognizes(token: string): boolean {
    return this.provider.issued(token);
  }

  /** @throws DomainError invalid_token, service_unavailable */
  async verify(token: string): Promise<Actor | Newcomer> {
    const claims = await this.provider.verify(token);
    const identity = { issuer: String(this.provider.issuer), subject: claims.sub };
    const known = await this.links.find(identity, claims.iat);
    if (known) return this.actorOf(known, claims);
    return { welcome: async () => this.actorOf(await this.welcome(token, identity, claims), claims) };
  }

  private actorOf({ id, role }: User, claims: ExternalClaims): Actor {
    const { OIDC_ROLE_CLAIM: claim, OIDC_ROLES: roles } = this.config.settings;
    const issuer = String(this.provider.issuer);
    return {
      kind: 'user',
      userId: id,
      role: claim === undefined ? role : roleIn(claims, claim, roles),
      sessionId: sessionIdIn(issuer, claims),
      aal: assuranceIn(claims),
      issuer,
    };
  }

  /** @throws DomainError invalid_token, identity_email_unverified, identity_email_taken, service_unavailable */
  private async welcome(token: string, identity: ExternalIdentity, claims: ExternalClaims): Promise<User> {
    await this.links.endedBefore(identity, claims.iat);
    // Before the transaction, so that no connection waits for the provider.
    const person = await this.provider.personOf(token, claims);
    if (!person) throw new DomainError(securityErrors.identity_email_unverified);
    const { signal } = currentContext();
    return runAsSystem('identity-provider', () => this.linkOnce(identity, claims, person), signal);
  }

  /** Of any number of calls at once the first links, and the others find what it did. */
  private async linkOnce(
    identity: ExternalIdentity,
    { iat }: ExternalClaims,
    person: ExternalPerson,
  ): Promise<User> {
    try {
      return await this.database.transaction(async () => {
        await this.database.lock('identity', `${identity.issuer} ${identity.subject}`);
        const known = await this.links.find(identity, iat);
        if (known) return known;
        // Whose link has ended meanwhile is gone for this token.
        const endedAt = await this.links.endedBefore(identity, iat);
        const user = (await this.accountOf(person)) ?? (await this.newAccount(person));
        await this.links.add(identity, user, endedAt);
        return user;
      });
    } catch (error) {
      // Somebody registered with the address at the same moment, and has proven nothing yet.
      const isTaken = error instanceof DomainError && error.code === usersErrors.email_taken.code;
      throw isTaken ? new DomainError(securityErrors.identity_email_taken, { cause: error }) : error;
    }
  }

  /**
   * The account that has the address already. Both sides must have proven the address: else whoever registers with a
   * stranger's waits for them here, or comes for their account from a provider that asks for no proof. Whoever reads
   * the mail of staff, or of somebody with a second factor, must not be them by that alone.
   *
   * @throws DomainError identity_email_taken
   */
  private async accountOf({ email }: ExternalPerson): Promise<User | undefined> {
    // Registrations in silence look first whether it is taken; they wait here.
    await this.database.lock('email', email);
    const found = await this.users.findByEmail(email);
    if (!found) return undefined;
    await this.database.lock('person', found.id, { shared: true });
    const user = await this.users.hold(found.id);
    // Erased, or moved to another address, while we waited; from here on they stay a customer until they are linked.
    if (user?.email !== email) return undefined;
    const hasSecondFactor = (await this.secondFactors.methodsOf(user.id)).length > 0;
    if (user.emailVerifiedAt === null || user.role !== 'customer' || hasSecondFactor) {
      throw new DomainError(securityErrors.identity_email_taken);
    }
    return user;
  }

  private newAccount({ email, name }: ExternalPerson): Promise<User> {
    return this.users.add({
      ...{ email, name, role: 'customer', passwordHash: NO_PASSWORD },
      emailVerifiedAt: this.clock.now(),
    });
  }
}
