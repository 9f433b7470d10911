import { parseTradeRow, rowAmountMinor, type TradeRecord } from './trade-row.js';
import { aRow } from './testing/trade-builders.js';

const RECORD: TradeRecord = {
  InvoiceNo: '536365',
  StockCode: '85123A',
  Description: 'WHITE HANGING HEART T-LIGHT HOLDER',
  Quantity: '6',
  InvoiceDate: '2010-12-01 08:26:00',
  UnitPrice: '2.55',
  CustomerID: '17850.0',
  Country: 'United Kingdom',
};

describe('parseTradeRow', () => {
  it('reads a row as the file prints it', () => {
    expect(parseTradeRow(RECORD, 7)).toEqual({
      ok: true,
      row: {
        rowNumber: 7,
        invoiceNo: '536365',
        stockCode: '85123A',
        description: 'WHITE HANGING HEART T-LIGHT HOLDER',
        quantity: 6,
        invoicedAt: '2010-12-01T08:26:00.000Z',
        unitPriceMinor: 255,
        customerId: '17850',
        country: 'United Kingdom',
      },
      isPriceRounded: false,
    });
  });

  it.each<[string, Partial<TradeRecord>, object]>([
    ['a customer number that is no float', { CustomerID: '17850' }, { customerId: '17850' }],
    ['a guest', { CustomerID: '' }, { customerId: null }],
    ['a missing description', { Description: '' }, { description: '' }],
    [
      'spaces around a description',
      { Description: ' SMALL POPCORN HOLDER ' },
      { description: 'SMALL POPCORN HOLDER' },
    ],
    ['a code in lower case', { StockCode: '85123a' }, { stockCode: '85123A' }],
    ['a cancellation in lower case', { InvoiceNo: 'c536379' }, { invoiceNo: 'C536379' }],
    ['a negative quantity', { Quantity: '-74215' }, { quantity: -74215 }],
    ['a negative price', { UnitPrice: '-11062.06' }, { unitPriceMinor: -1106206 }],
    ['a code with a space', { StockCode: 'BANK CHARGES' }, { stockCode: 'BANK CHARGES' }],
  ])('takes %s', (_, change, expected) => {
    expect(parseTradeRow({ ...RECORD, ...change }, 1)).toMatchObject({ ok: true, row: expected });
  });

  it.each<[Partial<TradeRecord>, string]>([
    [{ InvoiceNo: '' }, 'InvoiceNo "" is no invoice number'],
    [{ InvoiceNo: 'X536365' }, 'InvoiceNo "X536365" is no invoice number'],
    [{ StockCode: ' ' }, 'StockCode " " is no stock code'],
    [{ StockCode: '85123A@255' }, 'StockCode "85123A@255" is no stock code'],
    [{ StockCode: 'CAFÉ' }, 'StockCode "CAFÉ" is no stock code'],
    [{ Description: 'A\u0000B' }, 'Description holds a control character'],
    [{ Quantity: '' }, 'Quantity "" is no whole number'],
    [{ Quantity: '1.5' }, 'Quantity "1.5" is no whole number'],
    [{ Quantity: '1e3' }, 'Quantity "1e3" is no whole number'],
    [{ InvoiceDate: '12/1/2010 8:26' }, 'InvoiceDate "12/1/2010 8:26" is no date and time'],
    [{ InvoiceDate: '2011-02-29 10:00:00' }, 'InvoiceDate "2011-02-29 10:00:00" is no date and time'],
    [{ InvoiceDate: '2011-02-28 24:00:01' }, 'InvoiceDate "2011-02-28 24:00:01" is no date and time'],
    [{ UnitPrice: '' }, 'UnitPrice "" is no decimal price'],
    [{ UnitPrice: '2,55' }, 'UnitPrice "2,55" is no decimal price'],
    [{ CustomerID: '17850.5' }, 'CustomerID "17850.5" is no number'],
    [{ CustomerID: 'nan' }, 'CustomerID "nan" is no number'],
    [{ Country: ' ' }, 'Country is empty'],
    [{ Country: 'United\u0007Kingdom' }, 'Country holds a control character'],
    [
      { Quantity: '999999999', UnitPrice: '999999999.99' },
      'Quantity 999999999 at 999999999.99 is more than can be counted exactly',
    ],
    [{ InvoiceNo: '9'.repeat(60) }, `InvoiceNo "${'9'.repeat(40)}…" is no invoice number`],
  ])('calls %j malformed', (change, reason) => {
    expect(parseTradeRow({ ...RECORD, ...change }, 9)).toEqual({
      ok: false,
      malformed: { rowNumber: 9, reason },
    });
  });

  it('says when a price was rounded', () => {
    expect(parseTradeRow({ ...RECORD, UnitPrice: '0.001' }, 1)).toMatchObject({
      isPriceRounded: true,
      row: { unitPriceMinor: 0 },
    });
  });
});

describe('rowAmountMinor', () => {
  it.each([
    [6, 255, 1530],
    [-6, 255, -1530],
    [-6, 0, 0],
    [74215, 104, 7718360],
  ])('is %d pieces at %d pence: %d', (quantity, unitPriceMinor, amountMinor) => {
    expect(rowAmountMinor(aRow({ quantity, unitPriceMinor }))).toBe(amountMinor);
  });
});
