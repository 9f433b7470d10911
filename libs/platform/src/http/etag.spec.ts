import { etagOf, matchesEtag, requireVersion, versionsFromIfMatch } from './etag.js';

describe('the ETag of a version', () => {
  it('is the version in quotes', () => {
    expect(etagOf(7)).toBe('"7"');
  });

  it('names the version when it comes back in If-Match', () => {
    for (const version of [1, 7, 2_147_483_647]) {
      expect(versionsFromIfMatch(etagOf(version))).toEqual([version]);
    }
  });
});

describe('If-Match', () => {
  it.each([
    ['"7"', [7]],
    [' "7" ', [7]],
    ['"7", "8"', [7, 8]],
    ['"7","8"', [7, 8]],
    [', "7" ,, "8",', [7, 8]],
    ['W/"6", "7"', [7]],
    ['*', undefined],
    [' * ', undefined],
  ])('%j names versions %j', (header, versions) => {
    expect(versionsFromIfMatch(header)).toEqual(versions);
  });

  it.each([
    ...['W/"7"', '""', '"x"', '"-1"', '"07"', '"1.5"', '"1e3"', '"0x7"', '"7,8"', '"9999999999999999"'],
    'W/"7", W/"8"',
  ])('%j names no version that there could be', (header) => {
    expect(versionsFromIfMatch(header)).toEqual([]);
  });

  it.each([undefined, '', '  '])('%j is missing', (header) => {
    expect(() => versionsFromIfMatch(header)).toThrow(
      expect.objectContaining({ code: 'if_match_required', kind: 'precondition_required' }),
    );
  });

  it.each([
    ...['7', '"7', '7"', "'7'", '" 7"', 'w/"7"', '"7"; drop', '"7" "8"', '"7", 8', '"7", *', '"٧"', ','],
    `"7"${', '.repeat(100)}x`,
  ])('%j holds no entity tags', (header) => {
    expect(() => versionsFromIfMatch(header)).toThrow(
      expect.objectContaining({
        code: 'validation_failed',
        errors: [expect.objectContaining({ pointer: 'header:/If-Match', code: 'invalid_format' })],
      }),
    );
  });

  it('passes the versions that it names, and with * any', () => {
    expect(() => requireVersion(undefined, 7)).not.toThrow();
    expect(() => requireVersion([6, 7], 7)).not.toThrow();
    for (const expected of [[], [6]]) {
      expect(() => requireVersion(expected, 7)).toThrow(
        expect.objectContaining({ code: 'stale_etag', kind: 'precondition_failed' }),
      );
    }
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
