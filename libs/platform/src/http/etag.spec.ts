import { etagOf, matchesEtag, versionFromIfMatch } from './etag.js';

describe('the ETag of a version', () => {
  it('is the version in quotes', () => {
    expect(etagOf(7)).toBe('"7"');
  });

  it('names the version when it comes back in If-Match', () => {
    expect([1, 7, 2_147_483_647].map((version) => versionFromIfMatch(etagOf(version)))).toEqual([
      1, 7, 2_147_483_647,
    ]);
  });
});

describe('If-Match', () => {
  it.each([
    ['"7"', 7],
    [' "7" ', 7],
    ['W/"7"', 7],
  ])('%j names version %d', (header, version) => {
    expect(versionFromIfMatch(header)).toBe(version);
  });

  it.each([undefined, '', '  '])('%j is missing', (header) => {
    expect(() => versionFromIfMatch(header)).toThrow(
      expect.objectContaining({ code: 'if_match_required', kind: 'precondition_required' }),
    );
  });

  it.each([
    '7',
    '"7',
    '7"',
    "'7'",
    '""',
    '"x"',
    '"-1"',
    '"1.5"',
    '"1e3"',
    '"0x7"',
    '" 7"',
    '"٧"',
    '"9999999999999999"',
    'w/"7"',
    '"7", "8"',
    '"7"; drop',
  ])('%j names no version that there could be', (header) => {
    expect(() => versionFromIfMatch(header)).toThrow(
      expect.objectContaining({ code: 'stale_etag', kind: 'precondition_failed' }),
    );
  });
});

describe('If-None-Match', () => {
  it.each([
    ['the same tag', '"7"', true],
    ['the same tag, weakened by a proxy', 'W/"7"', true],
    ['a list with the tag', '"5", W/"6","7"', true],
    ['anything', '*', true],
    ['another tag', '"8"', false],
    ['a tag that only begins like it', '"77"', false],
    ['the version without quotes', '7', false],
    ['nothing', '', false],
    ['no header', undefined, false],
  ])('that names %s: %j, %j', (_, header, isMatch) => {
    expect(matchesEtag(header, etagOf(7))).toBe(isMatch);
  });
});
