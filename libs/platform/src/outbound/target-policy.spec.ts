import fc from 'fast-check';
import { isPublicAddress } from './public-address.js';
import { ANY_TARGET, findTargetProblems, PUBLIC_TARGETS } from './target-policy.js';

const codesOf = (url: string, policy = PUBLIC_TARGETS) =>
  findTargetProblems(url, policy).map(({ code }) => code);

describe('the URL of a target', () => {
  it.each([
    ['https://partner.example/hooks?shop=1#top', []],
    ['https://partner.example:8443/', []],
    ['https://8.8.8.8/', []],
    ['https://[2606:4700::1111]/', []],
    ['https://localhost.partner.example/', []],
    ['', ['url_malformed']],
    ['/hooks', ['url_malformed']],
    ['https://', ['url_malformed']],
    ['https://300.1.1.1/', ['url_malformed']],
    ['https://[fe80::1%25eth0]/', ['url_malformed']],
    [`https://partner.example/${'x'.repeat(2_048)}`, ['url_too_long']],
    ['http://partner.example/', ['url_protocol_not_allowed']],
    ['ftp://partner.example/', ['url_protocol_not_allowed']],
    ['file:///etc/passwd', ['url_protocol_not_allowed']],
    ['javascript:alert(1)', ['url_protocol_not_allowed']],
    ['https://user@partner.example/', ['url_has_credentials']],
    ['https://:word@partner.example/', ['url_has_credentials']],
    ['https://localhost/', ['url_address_not_allowed']],
    ['https://LOCALHOST./', ['url_address_not_allowed']],
    ['https://shop.localhost/', ['url_address_not_allowed']],
    ['https://127.0.0.1./', ['url_address_not_allowed']],
    ['https://2130706433/', ['url_address_not_allowed']],
    ['https://0x7f.1/', ['url_address_not_allowed']],
    ['https://0177.0.0.1/', ['url_address_not_allowed']],
    ['https://①⑥⑨.254.169.254/', ['url_address_not_allowed']],
    ['https://%31%32%37.0.0.1/', ['url_address_not_allowed']],
    ['https://[::1]/', ['url_address_not_allowed']],
    ['https://[0:0:0:0:0:0:0:1]/', ['url_address_not_allowed']],
    ['https://[::ffff:169.254.169.254]/', ['url_address_not_allowed']],
    [
      'http://me:word@10.0.0.1/',
      ['url_protocol_not_allowed', 'url_has_credentials', 'url_address_not_allowed'],
    ],
  ])('%s: %j', (url, codes) => {
    expect(codesOf(url)).toEqual(codes);
  });

  it('may lead anywhere, unencrypted too, where private targets are allowed, but holds no credentials', () => {
    expect(codesOf('http://127.0.0.1:4000/', ANY_TARGET)).toEqual([]);
    expect(codesOf('https://[::1]/', ANY_TARGET)).toEqual([]);
    expect(codesOf('ftp://me@localhost/', ANY_TARGET)).toEqual([
      'url_protocol_not_allowed',
      'url_has_credentials',
    ]);
  });
});

describe('an address', () => {
  it.each([
    // Either end of every special range of IPv4, and its neighbours outside.
    ['0.0.0.0', '0.255.255.255', undefined, '1.0.0.0'],
    ['10.0.0.0', '10.255.255.255', '9.255.255.255', '11.0.0.0'],
    ['100.64.0.0', '100.127.255.255', '100.63.255.255', '100.128.0.0'],
    ['127.0.0.0', '127.255.255.255', '126.255.255.255', '128.0.0.0'],
    ['168.63.129.16', '168.63.129.16', '168.63.129.15', '168.63.129.17'],
    ['169.254.0.0', '169.254.255.255', '169.253.255.255', '169.255.0.0'],
    ['172.16.0.0', '172.31.255.255', '172.15.255.255', '172.32.0.0'],
    ['192.0.0.0', '192.0.0.255', '191.255.255.255', '192.0.1.0'],
    ['192.0.2.0', '192.0.2.255', '192.0.1.255', '192.0.3.0'],
    ['192.88.99.0', '192.88.99.255', '192.88.98.255', '192.88.100.0'],
    ['192.168.0.0', '192.168.255.255', '192.167.255.255', '192.169.0.0'],
    ['198.18.0.0', '198.19.255.255', '198.17.255.255', '198.20.0.0'],
    ['198.51.100.0', '198.51.100.255', '198.51.99.255', '198.51.101.0'],
    ['203.0.113.0', '203.0.113.255', '203.0.112.255', '203.0.114.0'],
    ['224.0.0.0', '255.255.255.255', '223.255.255.255', undefined],
    // And of IPv6, whose rest below 2000:: and above 3fff:: is special as a whole.
    ['::', '1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', undefined, '2000::'],
    ['2001::', '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff', '2000:ffff::1', '2001:200::'],
    ['2001:db8::', '2001:db8:ffff::', '2001:db7:ffff::', '2001:db9::'],
    ['2002::', '2002:ffff:ffff::', '2001:ffff:ffff::', '2003::'],
    ['3fff::', '3fff:fff:ffff::', '3ffe:ffff:ffff::', '3fff:1000::'],
    ['4000::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '3fff:ffff:ffff::', undefined],
  ])('between %s and %s is not public; %s and %s are', (first, last, before, after) => {
    expect([first, last].filter(isPublicAddress)).toEqual([]);
    for (const neighbour of [before, after]) {
      if (neighbour !== undefined) expect([neighbour, isPublicAddress(neighbour)]).toEqual([neighbour, true]);
    }
  });

  it.each([
    ['unspecified', '::'],
    ['loopback', '::1'],
    ['mapped, even from a public one', '::ffff:8.8.8.8'],
    ['mapped, in hexadecimal', '::ffff:7f00:1'],
    ['compatible with IPv4', '::127.0.0.1'],
    ['translated (SIIT)', '::ffff:0:10.0.0.1'],
    ['NAT64', '64:ff9b::a9fe:a9fe'],
    ['NAT64 for local use', '64:ff9b:1::1'],
    ['discard-only', '100::1'],
    ['Teredo', '2001:0:4136:e378:8000:63bf:3fff:fdd2'],
    ['6to4 of a private one', '2002:c0a8:101::1'],
    ['unique local', 'fd00:ec2::254'],
    ['link-local', 'fe80::1'],
    ['link-local with a zone', 'fe80::1%eth0'],
    ['public with a zone', '2606:4700::1111%eth0'],
    ['site-local', 'fec0::1'],
    ['multicast', 'ff02::1'],
    ['no address at all', 'partner.example'],
    ['empty', ''],
    ['IPv4 in a spelling that only a URL may have', '0x7f.1'],
  ])('that is %s is not public: %s', (_what, address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

/** A second telling of what must not be reached, in numbers: of IPv4 the first bits, of IPv6 the first groups. */
const DENIED_IPV4 = [
  [0x00, 8],
  [0x0a, 8],
  [0x7f, 8],
  [0xa9fe, 16],
  [0xac1, 12],
  [0xc0a8, 16],
  [0x191, 10],
  [0xc00002, 24],
  [0x6309, 15],
  [0xe, 4],
  [0xf, 4],
] as const;
const DENIED_IPV6 = [
  [0xfc, 0xfd],
  [0xfe, 0xff],
  [0x00, 0x1f],
  [0x40, 0xfb],
] as const;

const deniedIpv4 = fc
  .constantFrom(...DENIED_IPV4)
  .chain(([prefix, bits]) =>
    fc.integer({ min: 0, max: 2 ** (32 - bits) - 1 }).map((rest) => prefix * 2 ** (32 - bits) + rest),
  );

const octetsOf = (ipv4: number) => [24, 16, 8, 0].map((shift) => (ipv4 >>> shift) & 0xff);
const groupsOf = (ipv4: number) => [ipv4 >>> 16, ipv4 & 0xffff];

/** IPv4 as a URL may spell it: one to four parts, the last one taking the rest, each in any of three bases. */
const spelledIpv4 = fc
  .record({
    ipv4: deniedIpv4,
    parts: fc.integer({ min: 1, max: 4 }),
    spellings: fc.array(
      fc.constantFrom(
        (part: number) => String(part),
        (part: number) => `0${part.toString(8)}`,
        (part: number) => `0x${part.toString(16)}`,
        (part: number) => `0X000${part.toString(16).toUpperCase()}`,
      ),
      { minLength: 4, maxLength: 4 },
    ),
    dot: fc.constantFrom('', '.'),
  })
  .map(({ ipv4, parts, spellings, dot }) => {
    const leading = octetsOf(ipv4).slice(0, parts - 1);
    const rest = ipv4 % 2 ** (8 * (5 - parts));
    return [...leading, rest].map((part, index) => spellings[index]?.(part)).join('.') + dot;
  });

const group = fc.integer({ min: 0, max: 0xffff });
const groups = (length: number) => fc.array(group, { minLength: length, maxLength: length });

/** The eight groups of an address that is not public, by itself or for the IPv4 address that it stands for. */
const deniedGroups = fc.oneof(
  fc
    .constantFrom(...DENIED_IPV6)
    .chain(([min, max]) => fc.tuple(fc.integer({ min: min * 256, max: max * 256 + 255 }), groups(7)))
    .map(([first, others]) => [first, ...others]),
  deniedIpv4.map((ipv4) => [0, 0, 0, 0, 0, 0xffff, ...groupsOf(ipv4)]),
  deniedIpv4.map((ipv4) => [0x64, 0xff9b, 0, 0, 0, 0, ...groupsOf(ipv4)]),
  fc.tuple(deniedIpv4, groups(5)).map(([ipv4, others]) => [0x2002, ...groupsOf(ipv4), ...others]),
  groups(6).map((others) => [0x2001, 0, ...others]),
);

/** IPv6 in any spelling: padded or not, upper case or not, its zeros left out or not, its end in decimal or not. */
const spelledIpv6 = fc
  .record({
    groups: deniedGroups,
    isPadded: fc.boolean(),
    isUpper: fc.boolean(),
    hasDecimalEnd: fc.boolean(),
  })
  .map(({ groups: all, isPadded, isUpper, hasDecimalEnd }) => {
    const hex = all.map((each) => each.toString(16).padStart(isPadded ? 4 : 1, '0'));
    const end = all.slice(6).flatMap((each) => [each >>> 8, each & 0xff]);
    const text = [...hex.slice(0, 6), ...(hasDecimalEnd ? [end.join('.')] : hex.slice(6))].join(':');
    const spelled = isPadded ? text : text.replace(/^0(:0)+:/, '::');
    return isUpper ? spelled.toUpperCase() : spelled;
  });

describe('no address that is not public', () => {
  it('gets through in any spelling of IPv4', () => {
    fc.assert(
      fc.property(spelledIpv4, (host) => {
        expect(codesOf(`https://${host}/`)).toEqual(['url_address_not_allowed']);
      }),
      { numRuns: 1_000 },
    );
  });

  it('gets through in any spelling of IPv6, in a URL or from a resolver', () => {
    fc.assert(
      fc.property(spelledIpv6, (address) => {
        expect(codesOf(`https://[${address}]/`)).toEqual(['url_address_not_allowed']);
        expect(isPublicAddress(address)).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });
});
