import { Readable } from 'node:stream';
import fc from 'fast-check';
import { csvRows } from './csv-rows.js';
import type { ImportRow } from './import-row.js';
import { ndjsonRows } from './ndjson-rows.js';
import { UploadText } from './upload-text.js';

const HEADER = 'sku,name,description,price_amount,currency,active';

async function read(
  format: (text: AsyncIterable<string>) => AsyncIterable<ImportRow>,
  content: string | Buffer,
  chunkBytes = 65_536,
): Promise<ImportRow[]> {
  const bytes = Buffer.from(content);
  const chunks: Buffer[] = [];
  for (let start = 0; start < bytes.length; start += chunkBytes) {
    chunks.push(bytes.subarray(start, start + chunkBytes));
  }
  const rows: ImportRow[] = [];
  for await (const row of format(new UploadText(Readable.from(chunks, { objectMode: true })))) rows.push(row);
  return rows;
}

/** Text as a spreadsheet may hold it, which also has what CSV has to quote. */
const words = fc
  .array(fc.constantFrom('a', 'Ω', '😀', ',', '"', '""', '\n', 'é', ' ', ';', "'"), {
    minLength: 1,
    maxLength: 12,
  })
  .map((parts) => `x${parts.join('')}x`);
const products = fc.record({
  sku: fc.integer({ min: 0, max: 999 }).map((number) => `SKU "${number}"`),
  name: words.map((text) => text.replaceAll('\n', ' ')),
  description: fc.option(words),
  price: fc.record({
    amount: fc.integer({ min: 0, max: 1_000_000 }),
    currency: fc.constantFrom('GBP', 'JPY'),
  }),
  active: fc.boolean(),
});
const quoted = (value: string | number | boolean | null) => `"${String(value ?? '').replaceAll('"', '""')}"`;
const chunkSizes = fc.integer({ min: 1, max: 40 });

describe('an import', () => {
  it('reads from CSV what was written, wherever the chunks end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(products, { maxLength: 10 }), chunkSizes, async (written, chunkBytes) => {
        const lines = written.map(({ sku, name, description, price, active }) =>
          [sku, name, description, price.amount, price.currency, active].map(quoted).join(','),
        );
        const rows = await read(csvRows, [HEADER, ...lines].join('\r\n'), chunkBytes);
        expect(rows).toEqual(written.map((product, index) => ({ row: index + 1, product })));
      }),
    );
  });

  it('reads from NDJSON what was written, wherever the chunks end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(products, { maxLength: 10 }), chunkSizes, async (written, chunkBytes) => {
        const content = written.map((product) => JSON.stringify(product)).join('\n');
        const rows = await read(ndjsonRows, content, chunkBytes);
        expect(rows).toEqual(written.map((product, index) => ({ row: index + 1, product })));
      }),
    );
  });

  it('takes columns in any order, a byte order mark, empty lines, and defaults for empty fields', async () => {
    const content = '\ufeffactive,currency,price_amount,description,name,sku\n\n,GBP,0,,Name,A\n\n';
    expect(await read(csvRows, content)).toEqual([
      {
        row: 1,
        product: {
          sku: 'A',
          name: 'Name',
          description: null,
          price: { amount: 0, currency: 'GBP' },
          active: true,
        },
      },
    ]);
  });

  const NUL = '\u0000';
  it.each([
    ['too few fields', 'A,B', [['', 'wrong_column_count']]],
    ['too many fields', 'A,B,,1,GBP,true,x', [['', 'wrong_column_count']]],
    ['no SKU', ',B,,1,GBP,', [['/sku', 'too_short']]],
    ['a long SKU', `${'A'.repeat(65)},B,,1,GBP,`, [['/sku', 'too_long']]],
    ['NUL', `A${NUL},B,,1,GBP,`, [['/sku', 'invalid_text']]],
    ['a line break in the name', 'A,"B\nC",,1,GBP,', [['/name', 'invalid_text']]],
    ['no price', 'A,B,,,GBP,', [['/price_amount', 'required']]],
    ['a price with decimals', 'A,B,,1.5,GBP,', [['/price_amount', 'wrong_type']]],
    ['a price in words', 'A,B,,ten,GBP,', [['/price_amount', 'wrong_type']]],
    ['a negative price', 'A,B,,-1,GBP,', [['/price_amount', 'too_small']]],
    ['a huge price', 'A,B,,9999999999999,GBP,', [['/price_amount', 'too_big']]],
    ['an unknown currency', 'A,B,,1,XXX,', [['/currency', 'not_allowed']]],
    ['activity in words', 'A,B,,1,GBP,yes', [['/active', 'wrong_type']]],
    [
      'several faults',
      ',,,x,,maybe',
      [
        ['/sku', 'too_short'],
        ['/name', 'too_short'],
        ['/price_amount', 'wrong_type'],
        ['/currency', 'not_allowed'],
        ['/active', 'wrong_type'],
      ],
    ],
  ])('finds in a CSV row %s', async (_, line, errors) => {
    const rows = await read(csvRows, `${HEADER}\n${line}\n`);
    expect(rows.map((row) => ('errors' in row ? row.errors.map((e) => [e.pointer, e.code]) : row))).toEqual([
      errors,
    ]);
  });

  it.each([
    ['broken JSON', '{"sku":', [['', 'malformed_json']]],
    ['no object', '[]', [['', 'wrong_type']]],
    ['null', 'null', [['', 'wrong_type']]],
    [
      'an unknown field',
      '{"sku":"A","name":"B","price":{"amount":1,"currency":"GBP"},"x":1}',
      [['/x', 'unknown_field']],
    ],
    [
      'a lone surrogate',
      '{"sku":"\\ud800","name":"B","price":{"amount":1,"currency":"GBP"}}',
      [['/sku', 'invalid_text']],
    ],
    ['no price', '{"sku":"A","name":"B"}', [['/price', 'required']]],
  ])('finds in an NDJSON row %s', async (_, line, errors) => {
    const rows = await read(ndjsonRows, line);
    expect(rows.map((row) => ('errors' in row ? row.errors.map((e) => [e.pointer, e.code]) : row))).toEqual([
      errors,
    ]);
  });

  const giant = 'x'.repeat(1_048_577);
  it.each([
    ['nothing', '', 'import_header_invalid'],
    ['another header', 'sku,name\nA,B\n', 'import_header_invalid'],
    ['a column twice', 'sku,sku,name,price_amount,currency,active\n', 'import_header_invalid'],
    ['columns between semicolons', HEADER.replaceAll(',', ';'), 'import_header_invalid'],
    ['UTF-16', Buffer.from(`\ufeff${HEADER}\n`, 'utf16le'), 'import_malformed'],
    [
      'bytes that are no UTF-8',
      Buffer.from([...Buffer.from(`${HEADER}\nA,`), 0xff, 0x0a]),
      'import_malformed',
    ],
    ['a character cut in two', Buffer.from(`${HEADER}\nA,é`).subarray(0, -1), 'import_malformed'],
    ['a quote that is never closed', `${HEADER}\nA,"B,,1,GBP,\n`, 'import_malformed'],
    ['text after a closing quote', `${HEADER}\nA,"B"C,,1,GBP,\n`, 'import_malformed'],
    ['a quote inside a field', `${HEADER}\nA,B"C,,1,GBP,\n`, 'import_malformed'],
    ['a giant line', `${HEADER}\nA,${giant},,1,GBP,\n`, 'import_row_too_large'],
    [
      'a giant line of nothing but commas',
      `${HEADER}\n${giant.replaceAll('x', ',')}`,
      'import_row_too_large',
    ],
    [
      'a giant field of many lines',
      `${HEADER}\nA,"${'x\n'.repeat(600_000)}",,1,GBP,\n`,
      'import_row_too_large',
    ],
  ])('refuses a CSV file with %s', async (_, content, code) => {
    await expect(read(csvRows, content)).rejects.toMatchObject({ code });
  });

  it('refuses a giant NDJSON line', async () => {
    await expect(read(ndjsonRows, `{}\n"${giant}"\n`)).rejects.toMatchObject({
      code: 'import_row_too_large',
    });
  });

  it('refuses an upload that breaks off', async () => {
    const content = Readable.from(
      (function* () {
        yield Buffer.from(`${HEADER}\nA,B`);
        throw new Error('aborted');
      })(),
    );
    const rows = csvRows(new UploadText(content));
    await expect(rows.next()).rejects.toMatchObject({ code: 'import_malformed' });
  });
});
