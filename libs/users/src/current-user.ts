import { type Actor, DomainError } from '#kernel';
import { currentActor } from '#platform/context';
import { securityErrors } from '#platform/security';

/**
 * The user who calls. For endpoints whose permission only people have.
 *
 * @throws DomainError authentication_required
 */
export function currentUser(): Extract<Actor, { kind: 'user' }> {
  const actor = currentActor();
  if (actor.kind !== 'user') throw new DomainError(securityErrors.authentication_required);
  return actor;
}
