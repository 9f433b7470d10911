import type { Actor } from '#kernel';
import { addressBlock } from './address-block.js';

/** As whom a caller counts where callers are counted: an account, a key, or the address that the call came from. */
export function principalOf(actor: Actor, address: string): string {
  if (actor.kind === 'user') return actor.userId;
  return actor.kind === 'key' ? actor.keyId : addressBlock(address);
}
