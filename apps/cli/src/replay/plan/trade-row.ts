import { parsePence } from './pence.js';

/** The columns that a trade file must have, in any order. */
export const TRADE_COLUMNS = [
  'InvoiceNo',
  'StockCode',
  'Description',
  'Quantity',
  'InvoiceDate',
  'UnitPrice',
  'CustomerID',
  'Country',
] as const;

/** The text of one row by column, as it stands in the file. */
export type TradeRecord = Readonly<Record<(typeof TRADE_COLUMNS)[number], string>>;

/** One row of the file, understood. */
export interface TradeRow {
  /** 1 is the first row below the header. */
  readonly rowNumber: number;
  /** Upper case; a leading `C` marks a cancellation, a leading `A` an accounting adjustment. */
  readonly invoiceNo: string;
  /** Upper case: the file spells 85123A also as 85123a and means the same goods. */
  readonly stockCode: string;
  /** Trimmed; empty when the file has none. */
  readonly description: string;
  readonly quantity: number;
  /** RFC 3339. The file's times have no zone; they are taken as UTC, so that a month in the file stays that month. */
  readonly invoicedAt: string;
  /** Pence per piece, rounded half-up to the penny. */
  readonly unitPriceMinor: number;
  /** Digits only (the file prints `17850.0`); null for a guest. */
  readonly customerId: string | null;
  /** The country's name as the file spells it. */
  readonly country: string;
}

/** A row that cannot be understood, and the first reason why. */
export interface MalformedRow {
  readonly rowNumber: number;
  readonly reason: string;
}

export type ParsedRow =
  | { readonly ok: true; readonly row: TradeRow; readonly isPriceRounded: boolean }
  | { readonly ok: false; readonly malformed: MalformedRow };

const INVOICE_NO = /^[AC]?\d{1,18}$/;
// Printable ASCII, because codes go into idempotency keys, and those are HTTP headers; no at sign, because the SKU of
// a further price point is written `<code>@<pence>`.
const STOCK_CODE = /^[ -?A-~]{1,40}$/;
const INTEGER = /^-?\d{1,15}$/;
const DATE_TIME = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/;
const CUSTOMER_ID = /^(\d{1,18})(?:\.0+)?$/;
const CONTROL_CHARACTER = /\p{Cc}/u;

/** Reads one row. Nothing is guessed: what does not fit is malformed, with its reason. */
export function parseTradeRow(record: TradeRecord, rowNumber: number): ParsedRow {
  const malformed = (reason: string): ParsedRow => ({ ok: false, malformed: { rowNumber, reason } });

  const invoiceNo = record.InvoiceNo.trim().toUpperCase();
  if (!INVOICE_NO.test(invoiceNo))
    return malformed(`InvoiceNo ${quote(record.InvoiceNo)} is no invoice number`);

  const stockCode = record.StockCode.trim().toUpperCase();
  if (!STOCK_CODE.test(stockCode)) return malformed(`StockCode ${quote(record.StockCode)} is no stock code`);

  const description = record.Description.trim();
  if (CONTROL_CHARACTER.test(description)) return malformed('Description holds a control character');

  if (!INTEGER.test(record.Quantity))
    return malformed(`Quantity ${quote(record.Quantity)} is no whole number`);
  const quantity = Number(record.Quantity);

  const invoicedAt = parseDateTime(record.InvoiceDate);
  if (invoicedAt === null) return malformed(`InvoiceDate ${quote(record.InvoiceDate)} is no date and time`);

  const price = parsePence(record.UnitPrice);
  if (price === null) return malformed(`UnitPrice ${quote(record.UnitPrice)} is no decimal price`);
  if (!Number.isSafeInteger(quantity * price.amountMinor)) {
    return malformed(
      `Quantity ${record.Quantity} at ${record.UnitPrice} is more than can be counted exactly`,
    );
  }

  const customerId = record.CustomerID === '' ? null : CUSTOMER_ID.exec(record.CustomerID)?.[1];
  if (customerId === undefined) return malformed(`CustomerID ${quote(record.CustomerID)} is no number`);

  const country = record.Country.trim();
  if (country === '') return malformed('Country is empty');
  if (CONTROL_CHARACTER.test(country)) return malformed('Country holds a control character');

  const unitPriceMinor = price.amountMinor;
  return {
    ok: true,
    row: {
      rowNumber,
      invoiceNo,
      stockCode,
      description,
      quantity,
      invoicedAt,
      unitPriceMinor,
      customerId,
      country,
    },
    isPriceRounded: price.isRounded,
  };
}

/** What the row says that it is worth, in pence; negative for what goes back. */
export function rowAmountMinor(row: TradeRow): number {
  const amountMinor = row.quantity * row.unitPriceMinor;
  // Nothing sold at a negative price, or taken back at no price, is worth zero rather than negative zero.
  return amountMinor === 0 ? 0 : amountMinor;
}

function parseDateTime(text: string): string | null {
  if (!DATE_TIME.test(text)) return null;
  const rfc3339 = `${text.replace(' ', 'T')}.000Z`;
  const time = new Date(rfc3339);
  // Date accepts the 31st of February and moves on to March; only a date that survives the round trip exists.
  return !Number.isNaN(time.getTime()) && time.toISOString() === rfc3339 ? rfc3339 : null;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
