import { currentContext } from '#platform/context';
import { addressBlock } from '#platform/security';

const MAX_USER_AGENT_LENGTH = 200;

/** Where a session is opened, and with what. */
export interface SessionOrigin {
  /** The client's, behind trusted proxies. */
  readonly address: string | null;
  /** The addresses that count as one with it: whoever has one of a network has all of them. */
  readonly network: string | null;
  readonly userAgent: string | null;
}

/** What the running request tells of itself; nothing outside of any. */
export function currentOrigin(): SessionOrigin {
  const { client } = currentContext();
  if (!client) return { address: null, network: null, userAgent: null };
  const { address, userAgent } = client;
  return { address, network: addressBlock(address), userAgent: shownUserAgent(userAgent) };
}

/** It is the client's to say, and shown to people: without what would be no text, and not too much of it. */
function shownUserAgent(userAgent: string | undefined): string | null {
  const shown = userAgent
    ?.replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, MAX_USER_AGENT_LENGTH);
  return shown === undefined || shown === '' ? null : shown;
}
