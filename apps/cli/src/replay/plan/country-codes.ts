/**
 * The country names of the Online Retail data and their ISO 3166-1 alpha-2 codes.
 *
 * Three names are known and have no code. `Unspecified` and `European Community` are no countries. The
 * `Channel Islands` are two: Jersey (JE) and Guernsey (GG); the file does not say which, and a guess would put a
 * wrong country on half of the parcels. Such an order carries the name in its metadata alone, which is where the
 * revenue report reads it from.
 */
const ALPHA_2_BY_NAME: Readonly<Record<string, string | null>> = {
  Australia: 'AU',
  Austria: 'AT',
  Bahrain: 'BH',
  Belgium: 'BE',
  Brazil: 'BR',
  Canada: 'CA',
  'Channel Islands': null,
  Cyprus: 'CY',
  'Czech Republic': 'CZ',
  Denmark: 'DK',
  EIRE: 'IE',
  'European Community': null,
  Finland: 'FI',
  France: 'FR',
  Germany: 'DE',
  Greece: 'GR',
  'Hong Kong': 'HK',
  Iceland: 'IS',
  Israel: 'IL',
  Italy: 'IT',
  Japan: 'JP',
  Lebanon: 'LB',
  Lithuania: 'LT',
  Malta: 'MT',
  Netherlands: 'NL',
  Norway: 'NO',
  Poland: 'PL',
  Portugal: 'PT',
  RSA: 'ZA',
  'Saudi Arabia': 'SA',
  Singapore: 'SG',
  Spain: 'ES',
  Sweden: 'SE',
  Switzerland: 'CH',
  USA: 'US',
  'United Arab Emirates': 'AE',
  'United Kingdom': 'GB',
  Unspecified: null,
};

/**
 * The ISO 3166-1 alpha-2 code of a country as the file spells it.
 *
 * @returns null for a name that stands for no single country, and for a name that the table does not know: an
 *   order without an address country is still an order.
 */
export function countryCodeOf(countryName: string): string | null {
  return Object.hasOwn(ALPHA_2_BY_NAME, countryName) ? (ALPHA_2_BY_NAME[countryName] ?? null) : null;
}
