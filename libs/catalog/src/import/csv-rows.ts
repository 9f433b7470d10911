import { pipeline } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { DomainError } from '#kernel';
import { catalogErrors } from '../domain/catalog.errors.js';
import { checkedRow, faultyRow, type ImportRow } from './import-row.js';
import { MAX_ROW_BYTES } from './upload-text.js';

/** The columns of a CSV import, each exactly once and in any order. */
export const CSV_COLUMNS = ['sku', 'name', 'description', 'price_amount', 'currency', 'active'] as const;

type CsvColumn = (typeof CSV_COLUMNS)[number];

/** Where a CSV row has what a product has elsewhere. */
const CSV_POINTERS: Readonly<Record<string, string>> = {
  '/price/amount': '/price_amount',
  '/price/currency': '/currency',
};

const BROKEN_QUOTES: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a quoted field is never closed',
  CSV_INVALID_CLOSING_QUOTE: 'a quoted field goes on after its closing quote',
  INVALID_OPENING_QUOTE: 'a quote stands in the middle of a field that does not begin with one',
};

/**
 * Reads RFC 4180 with a header line.
 *
 * @throws DomainError import_header_invalid, import_malformed, import_row_too_large
 */
export async function* csvRows(text: AsyncIterable<string>): AsyncGenerator<ImportRow> {
  const parser = parse({
    record_delimiter: ['\r\n', '\n'],
    max_record_size: MAX_ROW_BYTES,
    relax_column_count: true,
    skip_empty_lines: true,
  });
  // An error of either side destroys the parser, and so reaches the loop below.
  pipeline(text, parser, () => undefined);
  let columns: readonly CsvColumn[] | undefined;
  let row = 0;
  try {
    for await (const record of parser as AsyncIterable<string[]>) {
      if (columns) yield rowOf(++row, columns, record);
      else columns = columnsOf(record);
    }
  } catch (error) {
    throw error instanceof CsvError ? explain(error) : error;
  }
  if (!columns) columnsOf([]);
}

function columnsOf(header: readonly string[]): readonly CsvColumn[] {
  const names = header.map((name) => name.trim());
  if (names.length !== CSV_COLUMNS.length || !CSV_COLUMNS.every((column) => names.includes(column))) {
    throw new DomainError(catalogErrors.import_header_invalid, {
      detail: `The first line must name the columns ${CSV_COLUMNS.join(', ')}.`,
      extensions: { columns: CSV_COLUMNS },
    });
  }
  return names as CsvColumn[];
}

function rowOf(row: number, columns: readonly CsvColumn[], record: readonly string[]): ImportRow {
  if (record.length !== columns.length) {
    const detail = `The row has ${record.length} fields and should have ${columns.length}.`;
    return faultyRow(row, 'wrong_column_count', detail);
  }
  const field = (column: CsvColumn) => record[columns.indexOf(column)]?.trim() ?? '';
  const checked = checkedRow(row, {
    sku: field('sku'),
    name: field('name'),
    description: field('description') === '' ? null : field('description'),
    price: { amount: numberOf(field('price_amount')), currency: field('currency') },
    active: booleanOf(field('active')),
  });
  if (!('errors' in checked)) return checked;
  const errors = checked.errors.map((error) => ({
    ...error,
    pointer: CSV_POINTERS[error.pointer] ?? error.pointer,
  }));
  return { row, errors };
}

/** What is no number stays as it is, and the schema says so. */
function numberOf(field: string): number | string | undefined {
  if (field === '') return undefined;
  return /^-?\d+(\.\d+)?$/.test(field) ? Number(field) : field;
}

/** An empty field means the default. */
function booleanOf(field: string): boolean | string | undefined {
  if (field === '') return undefined;
  return field === 'true' || field === 'false' ? field === 'true' : field;
}

function explain(error: CsvError): DomainError {
  if (error.code === 'CSV_MAX_RECORD_SIZE') {
    return new DomainError(catalogErrors.import_row_too_large, { cause: error });
  }
  const line = typeof error['lines'] === 'number' ? `In line ${error['lines']}` : 'In one line';
  const problem = BROKEN_QUOTES[error.code] ?? 'the text is not CSV';
  return new DomainError(catalogErrors.import_malformed, { detail: `${line} ${problem}.`, cause: error });
}
