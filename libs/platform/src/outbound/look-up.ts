import { lookup, Resolver } from 'node:dns/promises';

/** Where a name leads to: all of its addresses, IPv4 and IPv6. Rejects when there are none, or nobody says so in time. */
export type LookUp = (hostname: string) => Promise<readonly Address[]>;

interface Address {
  readonly address: string;
  readonly family: number;
}

/** After so long without an answer the question is asked again, of the next name server where there are several. */
const ASK_AGAIN_MS = 1_000;

export interface NameServersOptions {
  /** How long one look-up may take, with all that is asked again. */
  readonly timeoutMs: number;
  /** Whom to ask, as `address:port`; those of the system unless told. */
  readonly servers?: readonly string[];
}

/**
 * Asks name servers itself. What the system offers instead (`getaddrinfo`) holds one of the few threads of the process
 * for as long as a name server keeps silent, and cannot be broken off: the name servers of one partner would hold up
 * everybody. Names are taken as they are: neither the search domains nor the hosts file of this machine count.
 */
export function askNameServers({ timeoutMs, servers }: NameServersOptions): LookUp {
  return async (hostname) => {
    // Of its own, so that it can be broken off without the others; it reads anew whom to ask.
    const resolver = new Resolver({ timeout: ASK_AGAIN_MS });
    if (servers) resolver.setServers(servers);
    const timer = setTimeout(() => resolver.cancel(), timeoutMs);
    try {
      const [ipv4, ipv6] = await Promise.allSettled([
        resolver.resolve4(hostname),
        resolver.resolve6(hostname),
      ]);
      // A name server that keeps silent about one family does not take away the other.
      const addresses = [...addressesOf(ipv4, 4), ...addressesOf(ipv6, 6)];
      if (addresses.length === 0 && ipv4.status === 'rejected') throw ipv4.reason;
      return addresses;
    } finally {
      clearTimeout(timer);
    }
  };
}

/** Asks the system, which knows the names of its own network. For targets of one's own, whose name servers answer. */
export const askSystem: LookUp = (hostname) => lookup(hostname, { all: true });

function addressesOf(answer: PromiseSettledResult<string[]>, family: 4 | 6): Address[] {
  return answer.status === 'fulfilled' ? answer.value.map((address) => ({ address, family })) : [];
}
