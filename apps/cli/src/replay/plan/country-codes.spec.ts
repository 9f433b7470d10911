import { countryCodeOf } from './country-codes.js';

describe('countryCodeOf', () => {
  it.each([
    ['United Kingdom', 'GB'],
    ['EIRE', 'IE'],
    ['RSA', 'ZA'],
    ['USA', 'US'],
    ['Switzerland', 'CH'],
    ['Hong Kong', 'HK'],
  ])('knows %s as %s', (name, code) => {
    expect(countryCodeOf(name)).toBe(code);
  });

  it.each(['Channel Islands', 'European Community', 'Unspecified'])('gives %s no code', (name) => {
    expect(countryCodeOf(name)).toBeNull();
  });

  it.each(['Atlantis', 'united kingdom', '', 'constructor'])('does not guess a code for %j', (name) => {
    expect(countryCodeOf(name)).toBeNull();
  });

  it.each([
    ...[
      'Australia',
      'Austria',
      'Bahrain',
      'Belgium',
      'Brazil',
      'Canada',
      'Cyprus',
      'Denmark',
      'Finland',
      'France',
    ],
    ...[
      'Germany',
      'Greece',
      'Iceland',
      'Israel',
      'Italy',
      'Japan',
      'Lebanon',
      'Lithuania',
      'Malta',
      'Netherlands',
    ],
    ...['Norway', 'Poland', 'Portugal', 'Saudi Arabia', 'Singapore', 'Spain', 'Sweden', 'Switzerland'],
    ...['United Arab Emirates', 'United Kingdom'],
  ])('gives %s the code that has this name in ISO 3166-1', (countryName) => {
    const isoNames = new Intl.DisplayNames('en', { type: 'region' });
    expect(isoNames.of(countryCodeOf(countryName) ?? 'ZZ')).toBe(countryName);
  });
});
