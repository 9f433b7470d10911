import { checkedRow, faultyRow, type ImportRow } from './import-row.js';

/** Reads one JSON object per line, each like the body that creates a product. */
export async function* ndjsonRows(text: AsyncIterable<string>): AsyncGenerator<ImportRow> {
  let row = 0;
  for await (const line of lines(text)) {
    if (line.trim() !== '') yield rowOf(++row, line);
  }
}

async function* lines(text: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of text) {
    const parts = (rest + piece).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
  yield rest;
}

function rowOf(row: number, line: string): ImportRow {
  let candidate: unknown;
  try {
    candidate = JSON.parse(line);
  } catch {
    return faultyRow(row, 'malformed_json', 'The row is not valid JSON.');
  }
  return checkedRow(row, candidate);
}
