import { Injectable } from '@nestjs/common';
import { type Actor, DomainError, hasRole } from '#kernel';
import { Config } from '../config/index.js';
import { grantOf, type Permission } from './policy.js';
import { securityErrors } from './security.errors.js';

/** Answers, from the policy, who may do what. */
@Injectable()
export class AccessPolicy {
  constructor(private readonly config: Config) {}

  /**
   * Passes whoever may use the permission at all. Where that is on their own things alone, whose things they are is
   * still to be judged: see `reachesAll`.
   *
   * @throws DomainError authentication_required, forbidden, insufficient_aal
   */
  admit(actor: Actor, permission: Permission): void {
    const { own } = grantOf(permission);
    const isOpen = own === 'anyone' && actor.kind !== 'key';
    if (isOpen || (own === 'customer' && actor.kind === 'user')) return;
    if (this.reachesAll(actor, permission)) return;
    throw new DomainError(
      actor.kind === 'anonymous' ? securityErrors.authentication_required : securityErrors.forbidden,
    );
  }

  /**
   * Whether the actor may use the permission on what is not their own.
   *
   * @throws DomainError insufficient_aal, for whom that is true only with a second factor
   */
  reachesAll(actor: Actor, permission: Permission): boolean {
    const { all, scope } = grantOf(permission);
    if (actor.kind === 'key') return scope === true && actor.scopes.includes(permission);
    if (all === undefined || !hasRole(actor, all)) return false;
    this.requireSecondFactor(actor, permission);
    return true;
  }

  /**
   * Passes whoever may give permissions to an API key, as far as second factors go: a key is asked for none, so whoever
   * makes one shows what each of its permissions asks of people.
   *
   * @throws DomainError insufficient_aal
   */
  admitGiving(actor: Actor, permissions: readonly Permission[]): void {
    for (const permission of permissions) this.requireSecondFactor(actor, permission);
  }

  private requireSecondFactor(actor: Actor, permission: Permission): void {
    const { stepUp } = grantOf(permission);
    const isAsked = stepUp !== undefined && this.config.settings.SECOND_FACTOR_FOR.includes(stepUp);
    if (isAsked && actor.kind === 'user' && actor.aal < 2) {
      throw new DomainError(securityErrors.insufficient_aal);
    }
  }
}
