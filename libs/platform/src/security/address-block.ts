import { isIPv4, isIPv6 } from 'node:net';

const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
/** What one customer of a provider gets of IPv6 addresses, at the least: 2^64 of them. */
const BLOCK_GROUPS = 4;
const SITE_GROUPS = 3;
const ALL_GROUPS = 8;

/**
 * The addresses that count as one where calls are counted by address: an IPv4 address, or the /64 network of an IPv6
 * one, of which whoever has one address has all.
 */
export function addressBlock(address: string): string {
  const [, mapped] = MAPPED_IPV4.exec(address) ?? [];
  if (mapped !== undefined && isIPv4(mapped)) return mapped;
  const [plain = ''] = address.split('%', 1);
  if (!isIPv6(plain)) return address;
  return `${groupsOf(plain).slice(0, BLOCK_GROUPS).join(':')}::/64`;
}

/**
 * The /48 network of an IPv6 address: what providers give to a site, and some to each customer. Undefined for IPv4
 * addresses, which are given one by one.
 */
export function addressSite(address: string): string | undefined {
  const [plain = ''] = address.split('%', 1);
  if (!isIPv6(plain) || MAPPED_IPV4.test(plain)) return undefined;
  return `${groupsOf(plain).slice(0, SITE_GROUPS).join(':')}::/48`;
}

/** The eight groups of an IPv6 address without leading zeros. */
function groupsOf(address: string): string[] {
  const [head = '', tail] = address.toLowerCase().split('::');
  const left = split(head);
  const right = tail === undefined ? [] : split(tail);
  const zeros = Array<string>(ALL_GROUPS - left.length - right.length).fill('0');
  return [...left, ...zeros, ...right].map((group) => group.replace(/^0+(?=.)/, ''));
}

/** The last two groups may be written as an IPv4 address; no block reaches that far. */
function split(part: string): string[] {
  if (part === '') return [];
  return part.split(':').flatMap((group) => (group.includes('.') ? ['0', '0'] : [group]));
}
