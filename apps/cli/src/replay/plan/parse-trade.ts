import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';
import { sumPence } from './pence.js';
import {
  type MalformedRow,
  parseTradeRow,
  rowAmountMinor,
  TRADE_COLUMNS,
  type TradeRecord,
  type TradeRow,
} from './trade-row.js';

/** A price that had more than two decimals. */
export interface RoundedPrice {
  readonly rowNumber: number;
  readonly invoiceNo: string;
  /** The price as the file has it, in pounds. */
  readonly text: string;
  /** The price that the replay uses, in pence. */
  readonly unitPriceMinor: number;
}

/** A whole trade file: every row is in `rows` or in `malformed`. */
export interface TradeFile {
  /** SHA-256 of the uncompressed bytes in hexadecimal: names the file wherever it lies, packed or not. */
  readonly digest: string;
  /** Rows below the header, counted as they are read. */
  readonly rowCount: number;
  /** Quantity times price over all understood rows in pence, added as they are read. */
  readonly totalMinor: number;
  readonly rows: readonly TradeRow[];
  readonly malformed: readonly MalformedRow[];
  readonly roundedPrices: readonly RoundedPrice[];
  /** Stock codes, in upper case, that the file spells in more than one case. */
  readonly mergedStockCodes: readonly string[];
}

/** The file as a whole cannot be read: missing, not gzip, not UTF-8, not CSV, or without the columns. */
export class TradeFileError extends Error {
  override readonly name = 'TradeFileError';
}

/**
 * Reads a trade file, `.csv` or (by its name) `.csv.gz`.
 *
 * @throws TradeFileError when the file as a whole cannot be read; a single bad row is never an error but an entry
 *   of `malformed`
 */
export async function readTradeFile(path: string): Promise<TradeFile> {
  return parseTrade(createReadStream(path), { isGzip: path.toLowerCase().endsWith('.gz') });
}

/** Reads trade from a stream of bytes. See {@link readTradeFile}. */
export async function parseTrade(source: Readable, options: { isGzip: boolean }): Promise<TradeFile> {
  const hash = createHash('sha256');
  const collector = new TradeCollector();
  // Rows of another length than the header's are counted as malformed, which needs them to get through here.
  const csv = parse({ bom: true, skip_empty_lines: true, relax_column_count: true });
  const observe = (bytes: AsyncIterable<Buffer>) => hashAndCheckUtf8(bytes, hash);
  const collect = async (records: AsyncIterable<string[]>) => {
    for await (const record of records) collector.add(record);
  };
  try {
    if (options.isGzip) await pipeline(source, createGunzip(), observe, csv, collect);
    else await pipeline(source, observe, csv, collect);
    return collector.finish(hash.digest('hex'));
  } catch (error) {
    if (error instanceof TradeFileError) throw error;
    const cause = error instanceof Error ? error.message : String(error);
    throw new TradeFileError(`The trade file cannot be read: ${cause}`, { cause: error });
  }
}

async function* hashAndCheckUtf8(bytes: AsyncIterable<Buffer>, hash: ReturnType<typeof createHash>) {
  // The CSV parser would turn foreign bytes into replacement characters without a word.
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  for await (const chunk of bytes) {
    hash.update(chunk);
    decodeOrRefuse(() => utf8.decode(chunk, { stream: true }));
    yield chunk;
  }
  decodeOrRefuse(() => utf8.decode());
}

function decodeOrRefuse(decode: () => string): void {
  try {
    decode();
  } catch (error) {
    throw new TradeFileError('The trade file is not UTF-8.', { cause: error });
  }
}

/** Turns CSV records into rows, one at a time; the first record is the header. */
class TradeCollector {
  private columnIndexes: readonly number[] | null = null;
  private columnCount = 0;
  private rowCount = 0;
  private totalMinor = 0;
  private readonly rows: TradeRow[] = [];
  private readonly malformed: MalformedRow[] = [];
  private readonly roundedPrices: RoundedPrice[] = [];
  private readonly spellings = new Map<string, Set<string>>();
  /** One copy of each text: invoice numbers, names and countries repeat hundreds of times. */
  private readonly texts = new Map<string, string>();

  add(record: readonly string[]): void {
    if (this.columnIndexes === null) {
      this.columnIndexes = indexColumns(record);
      this.columnCount = record.length;
      return;
    }
    const rowNumber = ++this.rowCount;
    if (record.length !== this.columnCount) {
      const reason = `has ${record.length} fields where the header has ${this.columnCount}`;
      this.malformed.push({ rowNumber, reason });
      return;
    }
    const entries = TRADE_COLUMNS.map((column, at) => [column, record[this.columnIndexes?.[at] ?? -1] ?? '']);
    this.addRecord(Object.fromEntries(entries) as TradeRecord, rowNumber);
  }

  finish(digest: string): TradeFile {
    if (this.columnIndexes === null) throw new TradeFileError('The trade file is empty: it has no header.');
    const mergedStockCodes = [...this.spellings].filter(([, spelt]) => spelt.size > 1).map(([code]) => code);
    const { rowCount, totalMinor, rows, malformed, roundedPrices } = this;
    return {
      digest,
      rowCount,
      totalMinor,
      rows,
      malformed,
      roundedPrices,
      mergedStockCodes: mergedStockCodes.sort(),
    };
  }

  private addRecord(record: TradeRecord, rowNumber: number): void {
    const parsed = parseTradeRow(record, rowNumber);
    if (!parsed.ok) {
      this.malformed.push(parsed.malformed);
      return;
    }
    const row: TradeRow = {
      ...parsed.row,
      invoiceNo: this.shared(parsed.row.invoiceNo),
      stockCode: this.shared(parsed.row.stockCode),
      description: this.shared(parsed.row.description),
      invoicedAt: this.shared(parsed.row.invoicedAt),
      customerId: parsed.row.customerId === null ? null : this.shared(parsed.row.customerId),
      country: this.shared(parsed.row.country),
    };
    this.rows.push(row);
    this.totalMinor = sumPence([this.totalMinor, rowAmountMinor(row)]);
    this.noteSpelling(row.stockCode, record.StockCode.trim());
    if (parsed.isPriceRounded) {
      const { invoiceNo, unitPriceMinor } = row;
      this.roundedPrices.push({ rowNumber, invoiceNo, text: record.UnitPrice, unitPriceMinor });
    }
  }

  private noteSpelling(stockCode: string, spelling: string): void {
    const spellings = this.spellings.get(stockCode);
    if (spellings === undefined) this.spellings.set(stockCode, new Set([spelling]));
    else spellings.add(spelling);
  }

  private shared(text: string): string {
    const known = this.texts.get(text);
    if (known !== undefined) return known;
    this.texts.set(text, text);
    return text;
  }
}

function indexColumns(header: readonly string[]): readonly number[] {
  const names = header.map((name) => name.trim());
  const missing = TRADE_COLUMNS.filter((column) => !names.includes(column));
  if (missing.length > 0) throw new TradeFileError(`The trade file has no column ${missing.join(', ')}.`);
  return TRADE_COLUMNS.map((column) => names.indexOf(column));
}
