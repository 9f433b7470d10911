import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { parseTrade, readTradeFile, TradeFileError } from './parse-trade.js';

const FIXTURE = 'test/fixtures/online-retail-sample.csv';
const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';
const ROW = '600001,60010,LANTERN,6,2010-12-01 08:26:00,2.55,20001.0,United Kingdom';

/** Bytes in small chunks, so that characters and rows are cut anywhere. */
function chunked(bytes: Buffer): Readable {
  const count = Math.ceil(bytes.length / 7);
  return Readable.from(Array.from({ length: count }, (_, at) => bytes.subarray(at * 7, at * 7 + 7)));
}

const parseText = (text: string) => parseTrade(chunked(Buffer.from(text)), { isGzip: false });

describe('readTradeFile', () => {
  it('reads every row of the sample', async () => {
    const file = await readTradeFile(FIXTURE);
    expect(file).toMatchObject({ rowCount: 53, totalMinor: -2_027_199, malformed: [] });
    expect(file.rows.map((row) => row.rowNumber)).toEqual(Array.from({ length: 53 }, (_, at) => at + 1));
    expect(file.digest).toBe(createHash('sha256').update(readFileSync(FIXTURE)).digest('hex'));
  });

  it('keeps quotes, commas and pound signs of descriptions', async () => {
    const descriptions = new Set((await readTradeFile(FIXTURE)).rows.map((row) => row.description));
    expect(descriptions).toContain('TIN, ROUND, "SWEETS"');
    expect(descriptions).toContain('RECORD FRAME 7" SINGLE SIZE');
    expect(descriptions).toContain('CHARLIE+LOLA"EXTREMELY BUSY" SIGN');
    expect(descriptions).toContain('CREAM CUPID MUG £1');
    expect(descriptions).toContain('');
  });

  it('names rounded prices and stock codes spelt in two ways', async () => {
    const { roundedPrices, mergedStockCodes } = await readTradeFile(FIXTURE);
    expect(roundedPrices).toEqual([
      { rowNumber: 48, invoiceNo: '600029', text: '0.001', unitPriceMinor: 0 },
      { rowNumber: 49, invoiceNo: '600029', text: '1.255', unitPriceMinor: 126 },
    ]);
    expect(mergedStockCodes).toEqual(['60010A', 'M']);
  });

  it('says which file is missing', async () => {
    await expect(readTradeFile('no/such/file.csv')).rejects.toThrow(
      /cannot be read: .*ENOENT.*no\/such\/file\.csv/,
    );
  });
});

describe('parseTrade', () => {
  it('reads the same file packed, with the same digest', async () => {
    const bytes = readFileSync(FIXTURE);
    const plain = await parseTrade(chunked(bytes), { isGzip: false });
    const packed = await parseTrade(chunked(gzipSync(bytes)), { isGzip: true });
    expect(packed).toEqual(plain);
  });

  it.each([
    ['a byte order mark', `\uFEFF${HEADER.replace('InvoiceNo', '"InvoiceNo"')}\n${ROW}\n`],
    ['Windows line ends', `${HEADER}\r\n${ROW}\r\n`],
    ['no line end at the end', `${HEADER}\n${ROW}`],
    ['empty lines', `${HEADER}\n\n${ROW}\n\n`],
    [
      'further columns and another order',
      `Note,Country,CustomerID,UnitPrice,InvoiceDate,Quantity,Description,StockCode,InvoiceNo\n-,United Kingdom,20001.0,2.55,2010-12-01 08:26:00,6,LANTERN,60010,600001\n`,
    ],
  ])('takes a file with %s', async (_, text) => {
    const { rows, malformed, rowCount } = await parseText(text);
    expect({ rows, malformed, rowCount }).toMatchObject({
      rows: [{ rowNumber: 1, invoiceNo: '600001', country: 'United Kingdom', quantity: 6 }],
      malformed: [],
      rowCount: 1,
    });
  });

  it('counts rows that it cannot understand, each with its reason, and goes on', async () => {
    const file = await parseText([HEADER, ROW, '600002,60010', ROW.replace(',6,', ',six,'), ROW].join('\n'));
    expect(file).toMatchObject({ rowCount: 4, totalMinor: 3060 });
    expect(file.rows.map((row) => row.rowNumber)).toEqual([1, 4]);
    expect(file.malformed).toEqual([
      { rowNumber: 2, reason: 'has 2 fields where the header has 8' },
      { rowNumber: 3, reason: 'Quantity "six" is no whole number' },
    ]);
  });

  it('takes a file without rows', async () => {
    await expect(parseText(`${HEADER}\n`)).resolves.toMatchObject({ rowCount: 0, totalMinor: 0, rows: [] });
  });

  it.each<[string, Buffer, boolean, RegExp]>([
    ['an empty file', Buffer.alloc(0), false, /is empty: it has no header/],
    [
      'a header without columns',
      Buffer.from('InvoiceNo,Quantity\n1,2\n'),
      false,
      /no column StockCode, Description, /,
    ],
    [
      'a quote that is never closed',
      Buffer.from(`${HEADER}\n600001,"60010\n`),
      false,
      /cannot be read: Quote/,
    ],
    [
      'Latin-1',
      Buffer.from(`${HEADER}\n${ROW.replace('LANTERN', 'LANTERN £1')}\n`, 'latin1'),
      false,
      /not UTF-8/,
    ],
    ['UTF-8 that ends within a character', Buffer.from(`${HEADER}\n£`).subarray(0, -1), false, /not UTF-8/],
    [
      'plain text named gzip',
      Buffer.from(`${HEADER}\n${ROW}\n`),
      true,
      /cannot be read: .*incorrect header check/,
    ],
    [
      'a truncated gzip',
      gzipSync(readFileSync(FIXTURE)).subarray(0, -20),
      true,
      /cannot be read: .*unexpected end/,
    ],
  ])('refuses %s as a whole', async (_, bytes, isGzip, message) => {
    const reading = parseTrade(chunked(bytes), { isGzip });
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toBeInstanceOf(TradeFileError);
  });
});
