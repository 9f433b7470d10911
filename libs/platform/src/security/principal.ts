import { type Actor, actorReference } from '#kernel';
import { addressBlock } from './address-block.js';

/** As whom a caller counts where callers are counted: an account, a key, or the address that the call came from. */
export function principalOf(actor: Actor, address: string): string {
  // With its kind: people choose the ids of their accounts, and could choose that of a key.
  return actor.kind === 'user' || actor.kind === 'key' ? actorReference(actor) : addressBlock(address);
}
