import { defineFieldCodes } from '#kernel';
import { isIP } from 'node:net';
import { isPublicAddress } from './public-address.js';

/** Whom the URLs of other people may make us call. */
export interface TargetPolicy {
  readonly protocols: readonly string[];
  /** Whether a literal IPv4 or IPv6 address may be connected to. */
  readonly mayReach: (address: string) => boolean;
  /** Told to whoever is refused by this policy, where there is something that they can do. */
  readonly hint?: string;
}

/** The public internet, encrypted. */
export const PUBLIC_TARGETS: TargetPolicy = { protocols: ['https:'], mayReach: isPublicAddress };

/** Everything, for laptops and tests. */
export const ANY_TARGET: TargetPolicy = { protocols: ['https:', 'http:'], mayReach: () => true };

/** What is wrong with the URL of a target. The code is stable; the detail may be shown to whoever gave the URL. */
export interface TargetProblem {
  readonly code:
    | 'url_malformed'
    | 'url_too_long'
    | 'url_protocol_not_allowed'
    | 'url_has_credentials'
    | 'url_address_not_allowed';
  readonly detail: string;
}

const MAX_URL_LENGTH = 2_048;

defineFieldCodes({
  url_too_long: 'The URL is too long',
  url_malformed: 'It is no absolute URL',
  url_protocol_not_allowed: 'The URL begins with another protocol',
  url_has_credentials: 'The URL holds a user name or a password',
  url_address_not_allowed: 'The URL does not lead to the public internet',
});

/**
 * All that is wrong with a URL before any name is looked up; empty when nothing is. Where a name leads to is checked
 * when it is connected to, each time, since it may lead elsewhere tomorrow.
 */
export function findTargetProblems(text: string, policy: TargetPolicy): TargetProblem[] {
  if (text.length > MAX_URL_LENGTH) {
    return [{ code: 'url_too_long', detail: `The URL has more than ${MAX_URL_LENGTH} characters.` }];
  }
  const url = URL.parse(text);
  if (url === null) return [{ code: 'url_malformed', detail: 'This is not an absolute URL.' }];
  const problems: TargetProblem[] = [];
  if (!policy.protocols.includes(url.protocol)) {
    problems.push({
      code: 'url_protocol_not_allowed',
      detail: withHint('The URL must begin with https://.', policy),
    });
  }
  if (url.username !== '' || url.password !== '') {
    problems.push({
      code: 'url_has_credentials',
      detail: 'The URL must not hold a user name or a password.',
    });
  }
  const address = literalAddress(url);
  if (address !== undefined && !policy.mayReach(address)) {
    problems.push({
      code: 'url_address_not_allowed',
      detail: withHint('The URL must lead to the public internet.', policy),
    });
  }
  return problems;
}

function withHint(detail: string, { hint }: TargetPolicy): string {
  return hint === undefined ? detail : `${detail} ${hint}`;
}

/** The address that a URL names without a look-up, in its one normal spelling: WHATWG reads 0x7f.1 as 127.0.0.1. */
function literalAddress({ hostname }: URL): string | undefined {
  // RFC 6761: these names are loopback, whatever a resolver says.
  if (/(^|\.)localhost\.?$/.test(hostname)) return '127.0.0.1';
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return isIP(host) === 0 ? undefined : host;
}
