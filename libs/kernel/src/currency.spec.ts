import { CURRENCIES, minorUnitExponent } from './currency.js';

const withExponent = (digits: number) => CURRENCIES.filter((code) => minorUnitExponent(code) === digits);

describe('currencies', () => {
  it('without a minor unit are these', () => {
    expect(withExponent(0)).toEqual(['CLP', 'ISK', 'JPY', 'KRW', 'UGX', 'VND']);
  });

  it('with three digits are these', () => {
    expect(withExponent(3)).toEqual(['BHD', 'JOD', 'KWD', 'OMR', 'TND']);
  });

  it('have two digits otherwise', () => {
    const others = CURRENCIES.filter((code) => ![0, 3].includes(minorUnitExponent(code)));
    expect(others).toEqual(withExponent(2));
    expect(others).toEqual(expect.arrayContaining(['EUR', 'GBP', 'HUF', 'IDR', 'USD']));
  });

  it('are ISO 4217 codes, in alphabetical order, each once', () => {
    const known = new Set(Intl.supportedValuesOf('currency'));
    expect(CURRENCIES.filter((code) => !known.has(code))).toEqual([]);
    expect(CURRENCIES).toEqual([...new Set(CURRENCIES)].sort());
  });
});
