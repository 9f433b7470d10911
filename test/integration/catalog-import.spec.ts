import { request } from 'node:http';
import { newId } from '#kernel';
import {
  type AnswerOf,
  CatalogFixture,
  PRODUCTS,
  type ProductBody,
  productsOf,
} from '../support/catalog-fixtures.js';
import { eventually } from '../support/eventually.js';
import type { Answer } from '../support/test-app.js';

const IMPORT = `${PRODUCTS}/import`;
const HEADER = 'sku,name,description,price_amount,currency,active';

let catalog: CatalogFixture;

beforeAll(async () => {
  catalog = await CatalogFixture.start();
});

afterEach(async () => {
  expect(await catalog.count('catalog.import_rows')).toBe(0);
});

afterAll(async () => {
  await catalog.stop();
});

const send = (body: string, type: string, query = '', headers: Record<string, string> = {}) =>
  catalog.app.call('POST', IMPORT + query, {
    token: catalog.staff,
    body,
    headers: { 'content-type': type, ...headers },
  });
const csv = (lines: readonly string[], query = '', headers: Record<string, string> = {}) =>
  send([HEADER, ...lines, ''].join('\n'), 'text/csv', query, headers);
const ndjson = (rows: readonly object[], query = '') =>
  send(rows.map((row) => JSON.stringify(row)).join('\n'), 'application/x-ndjson', query);

interface ImportBody {
  readonly created: number;
  readonly unchanged: number;
  readonly errors: readonly { row: number; pointer: string; code: string }[];
}

const rowFaults = ({ body }: AnswerOf<ImportBody>) =>
  body.errors.map(({ row, pointer, code }) => [row, pointer, code]);

async function form(build: (form: FormData) => void): Promise<Answer> {
  const body = new FormData();
  build(body);
  const response = await fetch(catalog.app.baseUrl + IMPORT, {
    method: 'POST',
    headers: { authorization: `Bearer ${catalog.staff}` },
    body,
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

async function imported(prefix: string): Promise<Map<string, ProductBody>> {
  const page = await catalog.app.get(`${PRODUCTS}?q=${prefix}&limit=100`, { token: catalog.staff });
  return new Map(productsOf(page).map((product) => [product.sku, product]));
}

const none = { created: 0, updated: 0, unchanged: 0, failed: 0, errors: [] };

describe('an import', () => {
  it('creates what is new, changes what is different, and leaves the rest', async () => {
    const first = await csv([
      'UP-A,Alpha,,100,GBP,',
      'UP-B,Beta,"a ""b"", c",200,GBP,true',
      'UP-C,Gamma,,300,JPY,false',
    ]);
    expect(first).toMatchObject({ status: 200, body: { ...none, created: 3 } });
    const before = await imported('UP-');
    expect(before.get('UP-B')).toMatchObject({
      name: 'Beta',
      description: 'a "b", c',
      price: { amount: 200, currency: 'GBP' },
      availability: 'out_of_stock',
      version: 1,
    });
    expect(before.get('UP-C')).toMatchObject({ active: false, price: { currency: 'JPY' } });

    const second = await csv(['UP-D,Delta,,1,GBP,', 'UP-B,Beta,,201,EUR,true', 'UP-A,Alpha,,100,GBP,true']);
    expect(second).toMatchObject({ status: 200, body: { ...none, created: 1, updated: 1, unchanged: 1 } });
    const after = await imported('UP-');
    expect(after.get('UP-A')).toEqual(before.get('UP-A'));
    expect(after.get('UP-B')).toMatchObject({
      id: before.get('UP-B')!.id,
      description: null,
      price: { amount: 201, currency: 'EUR' },
      version: 2,
    });
    const events = await catalog.events('product', before.get('UP-B')!.id);
    expect(events.map(({ sequence, type }) => [sequence, type])).toEqual([
      [1, 'steelyard.product.created.v1'],
      [2, 'steelyard.product.updated.v1'],
    ]);
    expect(events[1]?.data).toEqual({
      productId: before.get('UP-B')!.id,
      sku: 'UP-B',
      name: 'Beta',
      priceAmount: 201,
      currency: 'EUR',
      active: true,
    });
    expect(await catalog.move(after.get('UP-D')!.id, { kind: 'receive', quantity: 1 })).toMatchObject({
      status: 201,
    });
  });

  it('takes NDJSON, with the fields of a new product', async () => {
    const price = { amount: 5, currency: 'GBP' };
    const answer = await ndjson([
      { sku: 'ND-1', name: 'One', price },
      { sku: 'ND-2', name: 'Two', price, description: 'x\ny', active: false },
    ]);
    expect(answer).toMatchObject({ status: 200, body: { ...none, created: 2 } });
    expect((await imported('ND-')).get('ND-2')).toMatchObject({ description: 'x\ny', active: false });
  });

  it('takes the file of a form, by its type or by its name', async () => {
    const file = (sku: string, type: string) => new Blob([`${HEADER}\r\n${sku},F,,1,GBP,\r\n`], { type });
    for (const [sku, type, name] of [
      ['FORM-1', 'text/csv', 'products'],
      ['FORM-2', 'application/vnd.ms-excel', 'Products.CSV'],
      ['FORM-3', '', 'products.csv'],
    ] as const) {
      const answer = await form((form) => {
        form.append('comment', 'a field before the file');
        form.append('file', file(sku, type), name);
      });
      expect(answer).toMatchObject({ status: 200, body: { ...none, created: 1 } });
    }
  });

  it('takes a file far larger than a body may be, and one without rows', async () => {
    const lines = Array.from(
      { length: 6_000 },
      (_, row) => `BIG-${row},Big ${row},${'x'.repeat(300)},${row},GBP,true`,
    );
    expect(lines.join('\n').length).toBeGreaterThan(1_048_576);
    expect(await csv(lines)).toMatchObject({ status: 200, body: { ...none, created: 6_000 } });
    expect(await csv(lines.toReversed())).toMatchObject({ status: 200, body: { ...none, unchanged: 6_000 } });
    expect(await csv([])).toMatchObject({ status: 200, body: none });
    expect(await send('', 'application/x-ndjson')).toMatchObject({ status: 200, body: none });
  });

  it('happens once per idempotency key', async () => {
    const headers = { 'idempotency-key': newId() };
    const first = await csv(['KEY-1,Key,,1,GBP,'], '', headers);
    const replay = await csv(['KEY-1,Key,,1,GBP,'], '', headers);
    expect(replay).toMatchObject({ status: 200, body: { ...none, created: 1 } });
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    expect(replay.headers.get('idempotency-replayed')).toBe('true');
    expect(await csv(['KEY-1,Other,,1,GBP,'], '', headers)).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused' },
    });
  });

  it('of two files with the same new SKUs at once creates each product once', async () => {
    const lines = Array.from({ length: 600 }, (_, row) => `TWICE-${row},Twice,,1,GBP,`);
    const answers: AnswerOf<ImportBody>[] = await Promise.all([csv(lines), csv(lines.toReversed())]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers.reduce((sum, { body }) => sum + body.created, 0)).toBe(600);
    expect(answers.reduce((sum, { body }) => sum + body.unchanged, 0)).toBe(600);
  });
});

describe('faulty rows', () => {
  const lines = [
    'BAD-1,Good,,1,GBP,',
    'BAD-2,,,x,GBP,',
    'BAD-1,Again,,1,GBP,',
    'BAD-3,Good,,1,GBP,',
    'BAD-4,Few',
  ];
  const errors = [
    { row: 2, pointer: '/name', code: 'too_short', detail: expect.any(String) },
    { row: 2, pointer: '/price_amount', code: 'wrong_type', detail: expect.any(String) },
    { row: 3, pointer: '/sku', code: 'duplicate_sku', detail: 'An earlier row has the same SKU.' },
    { row: 5, pointer: '', code: 'wrong_column_count', detail: 'The row has 2 fields and should have 6.' },
  ];

  it('have the whole import refused, with nothing stored', async () => {
    const answer = await csv(lines);
    expect(answer).toMatchObject({ status: 422, body: { code: 'import_rejected', failed: 3 } });
    expect(answer.body.errors).toEqual(errors);
    expect(await imported('BAD-')).toEqual(new Map());
    expect(await catalog.count('platform.outbox', `data->>'sku' LIKE 'BAD-%'`)).toBe(0);
  });

  it('are left out when the import may be partial', async () => {
    const answer = await csv(lines, '?partial=true');
    expect(answer).toMatchObject({ status: 200 });
    expect(answer.body).toEqual({ ...none, created: 2, failed: 3, errors });
    const products = await imported('BAD-');
    expect([...products.keys()].sort()).toEqual(['BAD-1', 'BAD-3']);
    expect(products.get('BAD-1')).toMatchObject({ name: 'Good' });
  });

  it('of NDJSON are named by the fields of the object', async () => {
    const answer = await send('{"sku":"N"}\n\n{broken\n"text"\n', 'application/x-ndjson');
    expect(answer).toMatchObject({ status: 422, body: { code: 'import_rejected', failed: 3 } });
    expect(rowFaults(answer)).toEqual([
      [1, '/name', 'required'],
      [1, '/price', 'required'],
      [2, '', 'malformed_json'],
      [3, '', 'wrong_type'],
    ]);
  });

  it('are all counted, and the first thousand errors listed', async () => {
    const answer: AnswerOf<ImportBody> = await csv(
      Array.from({ length: 2_500 }, (_, row) => `MANY-${row},,,1,GBP,`),
    );
    expect(answer).toMatchObject({ status: 422, body: { failed: 2_500 } });
    expect(answer.body.errors).toHaveLength(1_000);
    expect(answer.body.errors.at(-1)).toMatchObject({ row: 1_000 });
  });

  it('a duplicate is found however far apart', async () => {
    const many = Array.from({ length: 1_200 }, (_, row) => `FAR-${row},Far,,1,GBP,`);
    const answer = await csv([...many, 'FAR-3,Far,,2,GBP,']);
    expect(answer.body.errors).toEqual([expect.objectContaining({ row: 1_201, code: 'duplicate_sku' })]);
  });
});

describe('a file is refused', () => {
  it.each([
    ['with another header', 'sku,name\nA,B\n', 400, 'import_header_invalid'],
    ['that is empty', '', 400, 'import_header_invalid'],
    ['with a quote that is never closed', `${HEADER}\nA,"B,,1,GBP,\n`, 400, 'import_malformed'],
    ['with a giant line', `${HEADER}\nA,${'x'.repeat(1_048_577)},,1,GBP,\n`, 413, 'import_row_too_large'],
  ])('%s', async (_, content, status, code) => {
    expect(await send(content, 'text/csv')).toMatchObject({ status, body: { code } });
    expect(await send(content, 'text/csv; charset=utf-8', '?partial=true')).toMatchObject({
      status,
      body: { code },
    });
  });

  it('in another encoding', async () => {
    const response = await fetch(catalog.app.baseUrl + IMPORT, {
      method: 'POST',
      headers: { authorization: `Bearer ${catalog.staff}`, 'content-type': 'text/csv' },
      body: Buffer.from(`\ufeff${HEADER}\nA,B,,1,GBP,\n`, 'utf16le'),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: 'import_malformed',
      detail: 'The file is not valid UTF-8.',
    });
  });

  it.each([
    ['application/json', '{}'],
    ['text/plain', HEADER],
    ['application/octet-stream', HEADER],
    ['application/x-www-form-urlencoded', 'sku=A'],
    ['nonsense', HEADER],
  ])('of type %s', async (type, body) => {
    expect(await send(body, type)).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } });
  });

  it('that is not there', async () => {
    const answer = await catalog.app.call('POST', IMPORT, { token: catalog.staff });
    expect(answer).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } });
  });

  it('with an unknown or impossible parameter', async () => {
    for (const query of ['?partial=yes', '?partial=', '?dryRun=true']) {
      expect(await csv([], query)).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
    }
    expect(await csv([], '', { 'idempotency-key': 'x'.repeat(256) })).toMatchObject({
      status: 400,
      body: { code: 'idempotency_key_invalid' },
    });
  });

  it('in a form without one, of another type, or cut off', async () => {
    expect(await form((form) => form.append('file', 'only text'))).toMatchObject({
      status: 400,
      body: { code: 'import_malformed', detail: 'The form holds no file.' },
    });
    const picture = new Blob([new Uint8Array(200_000)], { type: 'image/png' });
    expect(await form((form) => form.append('file', picture, 'mug.png'))).toMatchObject({
      status: 415,
      body: { code: 'unsupported_media_type' },
    });
    const start =
      '--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\nContent-Type: text/csv\r\n\r\n';
    for (const body of [`${start}${HEADER}\nCUT-1,Cut,,1,GBP,\n`, '--x\r\nContent-Disp', '']) {
      expect(await send(body, 'multipart/form-data; boundary=x')).toMatchObject({
        status: 400,
        body: { code: 'import_malformed' },
      });
    }
    expect(await send('', 'multipart/form-data')).toMatchObject({ status: 400 });
    expect(await imported('CUT-')).toEqual(new Map());
  });
});

it('an upload whose client goes away leaves nothing behind', async () => {
  const url = new URL(IMPORT, catalog.app.baseUrl);
  const upload = request(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${catalog.staff}`,
      'content-type': 'text/csv',
      'content-length': 10_000_000,
    },
  });
  upload.on('error', () => undefined);
  upload.write(
    `${HEADER}\n${Array.from({ length: 2_000 }, (_, row) => `GONE-${row},Gone,,1,GBP,`).join('\n')}`,
  );
  await eventually(async () => expect(await catalog.count('catalog.import_rows')).toBeGreaterThan(500));
  upload.destroy();
  await eventually(async () => expect(await catalog.count('catalog.import_rows')).toBe(0));
  expect(await imported('GONE-')).toEqual(new Map());
});
