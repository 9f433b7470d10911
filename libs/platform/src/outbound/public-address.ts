import { BlockList, isIP } from 'node:net';

/**
 * IPv4 that is not the public internet: IANA's registry of special purposes, without the blocks that are reached
 * from everywhere, and multicast.
 */
const SPECIAL_IPV4 = [
  '0.0.0.0/8', // this network, RFC 791; Linux takes 0.0.0.0 for loopback
  '10.0.0.0/8', // private use, RFC 1918
  '100.64.0.0/10', // shared by carriers (CGNAT), RFC 6598
  '127.0.0.0/8', // loopback, RFC 1122
  '168.63.129.16/32', // the host of a virtual machine in Azure; public by number, local by effect
  '169.254.0.0/16', // link-local, RFC 3927; where clouds hand out credentials
  '172.16.0.0/12', // private use, RFC 1918
  '192.0.0.0/24', // protocol assignments, RFC 6890
  '192.0.2.0/24', // documentation, RFC 5737
  '192.88.99.0/24', // relays of 6to4, RFC 7526
  '192.168.0.0/16', // private use, RFC 1918
  '198.18.0.0/15', // benchmarks, RFC 2544
  '198.51.100.0/24', // documentation, RFC 5737
  '203.0.113.0/24', // documentation, RFC 5737
  '224.0.0.0/4', // multicast, RFC 5771
  '240.0.0.0/4', // reserved, RFC 1112; broadcast, RFC 919
];

/**
 * All that is global unicast in IPv6, RFC 4291. Outside of it, and so never public, are among others the unspecified
 * address and loopback (::/127), IPv4-mapped (::ffff:0:0/96) and IPv4-compatible addresses, NAT64 (64:ff9b::/96,
 * RFC 6052; 64:ff9b:1::/48, RFC 8215), discard-only (100::/64, RFC 6666), SRv6 (5f00::/16, RFC 9602), unique local
 * (fc00::/7, RFC 4193), link-local (fe80::/10), site-local (fec0::/10, RFC 3879) and multicast (ff00::/8).
 */
const GLOBAL_UNICAST_IPV6 = ['2000::/3'];

/** What is special inside of it. Translation to IPv4 is, since an IPv4 address of any kind may be its end. */
const SPECIAL_IPV6 = [
  '2001::/23', // protocol assignments, RFC 2928; Teredo (RFC 4380), benchmarks (RFC 5180), ORCHID (RFC 7343)
  '2001:db8::/32', // documentation, RFC 3849
  '2002::/16', // 6to4, RFC 3056
  '3fff::/20', // documentation, RFC 9637
];

// One list for each family: a BlockList compares an IPv4 address with ranges of IPv6 as if it were mapped.
const specialIpv4 = blockList(SPECIAL_IPV4, 'ipv4');
const globalUnicastIpv6 = blockList(GLOBAL_UNICAST_IPV6, 'ipv6');
const specialIpv6 = blockList(SPECIAL_IPV6, 'ipv6');

/**
 * Whether a literal address is one of the public internet, which everybody may reach anyway. What is no address, or
 * carries a zone (`fe80::1%eth0`), is not.
 */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !specialIpv4.check(address, 'ipv4');
  if (family !== 6 || address.includes('%')) return false;
  return globalUnicastIpv6.check(address, 'ipv6') && !specialIpv6.check(address, 'ipv6');
}

function blockList(ranges: readonly string[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/');
    list.addSubnet(address, Number(prefix), family);
  }
  return list;
}
