import { newId } from '#kernel';
import { CatalogFixture, faults, PRODUCTS, productsOf } from '../support/catalog-fixtures.js';
import type { Answer } from '../support/test-app.js';

let catalog: CatalogFixture;

beforeAll(async () => {
  catalog = await CatalogFixture.start();
});

afterAll(async () => {
  await catalog.stop();
});

const NUL = '\u0000';
const LONE_SURROGATE = '\ud800';
const asStaff = () => ({ token: catalog.staff });

const create = (body: unknown, headers: Record<string, string> = {}) =>
  catalog.app.post(PRODUCTS, body, { token: catalog.staff, headers });
const patch = (id: string, etag: string | undefined, body: unknown) =>
  catalog.app.call('PATCH', `${PRODUCTS}/${id}`, {
    token: catalog.staff,
    body,
    headers: etag === undefined ? {} : { 'if-match': etag },
  });
const get = (id: string, headers: Record<string, string> = {}) =>
  catalog.app.get(`${PRODUCTS}/${id}`, { headers });
const list = (query: Record<string, string>, token?: string) =>
  catalog.app.get(`${PRODUCTS}?${new URLSearchParams(query).toString()}`, { token });
const skusOf = (answer: Answer) => productsOf(answer).map(({ sku }) => sku);
const tag = (answer: Answer) => answer.headers.get('etag') ?? '';

describe('creating a product', () => {
  it('answers it with its address and entity tag', async () => {
    const body = catalog.product({ description: 'Thrown by hand.\nGlazed.', active: false });
    const answer = await create(body);
    expect(answer).toMatchObject({ status: 201 });
    expect(answer.body).toEqual({
      ...body,
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      availability: 'out_of_stock',
      version: 1,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updatedAt: answer.body.createdAt,
    });
    expect(answer.headers.get('location')).toBe(`${PRODUCTS}/${answer.body.id}`);
    expect(tag(answer)).toBe('"1.0"');
    const read = await catalog.app.get(answer.headers.get('location')!, asStaff());
    expect(read).toMatchObject({ status: 200, body: answer.body });
  });

  it('takes the id that the client chose, and odd but honest text', async () => {
    const id = newId();
    const text = {
      sku: ' ÄÖ-鞄 ',
      name: '  Tasse “Zoë” 🐎 e\u0301  ',
      price: { amount: 0, currency: 'JPY' },
    };
    const answer = await create({ id: id.toUpperCase(), ...text });
    expect(answer).toMatchObject({
      status: 201,
      body: { id, sku: 'ÄÖ-鞄', name: 'Tasse “Zoë” 🐎 e\u0301', description: null, active: true },
    });
  });

  it('refuses an id and a SKU that are taken', async () => {
    const { body } = await catalog.createProduct();
    expect(await create(catalog.product({ id: body.id }))).toMatchObject({
      status: 409,
      body: { code: 'product_exists' },
    });
    expect(await create(catalog.product({ sku: body.sku }))).toMatchObject({
      status: 409,
      body: { code: 'sku_taken' },
    });
    expect(await create(catalog.product({ sku: body.sku.toLowerCase() }))).toMatchObject({ status: 201 });
  });

  it('happens once per idempotency key', async () => {
    const key = newId();
    const body = catalog.product();
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => create(body, { 'idempotency-key': key })),
    );
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.id}`)).size).toBe(1);
    expect(new Set(answers.map(tag))).toEqual(new Set(['"1.0"']));
    const other = await create(catalog.product(), { 'idempotency-key': key });
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
  });

  it('publishes it', async () => {
    const { body } = await catalog.createProduct({ sku: 'PUBLISHED', name: 'Published' });
    expect(await catalog.events('product', body.id)).toEqual([
      {
        sequence: 1,
        type: 'steelyard.product.created.v1',
        data: {
          productId: body.id,
          sku: 'PUBLISHED',
          name: 'Published',
          priceAmount: 1250,
          currency: 'GBP',
          active: true,
        },
      },
    ]);
  });

  const price = (value: unknown) => ({ price: value });
  it.each<[string, object, [string, string][]]>([
    [
      'no fields',
      { sku: undefined, name: undefined, price: undefined },
      [
        ['/sku', 'required'],
        ['/name', 'required'],
        ['/price', 'required'],
      ],
    ],
    [
      'wrong types',
      { sku: 1, name: {}, active: 'yes', description: {} },
      [
        ['/sku', 'wrong_type'],
        ['/name', 'wrong_type'],
        ['/description', 'wrong_type'],
        ['/active', 'wrong_type'],
      ],
    ],
    ['an unknown field', { stock: 5 }, [['/stock', 'unknown_field']]],
    ['an empty SKU', { sku: '  ' }, [['/sku', 'too_short']]],
    ['a long SKU', { sku: 'x'.repeat(65) }, [['/sku', 'too_long']]],
    ['a SKU with a control character', { sku: 'A\tB' }, [['/sku', 'invalid_text']]],
    ['NUL in the name', { name: `a${NUL}b` }, [['/name', 'invalid_text']]],
    ['half a character', { name: `a${LONE_SURROGATE}` }, [['/name', 'invalid_text']]],
    ['a name of two lines', { name: 'a\u2028b' }, [['/name', 'invalid_text']]],
    ['a long name', { name: 'x'.repeat(201) }, [['/name', 'too_long']]],
    ['NUL in the description', { description: NUL }, [['/description', 'invalid_text']]],
    ['a long description', { description: 'x'.repeat(5_001) }, [['/description', 'too_long']]],
    ['a negative price', price({ amount: -1, currency: 'GBP' }), [['/price/amount', 'too_small']]],
    ['a price with decimals', price({ amount: 12.5, currency: 'GBP' }), [['/price/amount', 'wrong_type']]],
    ['a price as text', price({ amount: '1', currency: 'GBP' }), [['/price/amount', 'wrong_type']]],
    ['a huge price', price({ amount: 1e12 + 1, currency: 'GBP' }), [['/price/amount', 'too_big']]],
    ['an unknown currency', price({ amount: 1, currency: 'XXX' }), [['/price/currency', 'not_allowed']]],
    ['a currency in lower case', price({ amount: 1, currency: 'gbp' }), [['/price/currency', 'not_allowed']]],
    ['no currency', price({ amount: 1 }), [['/price/currency', 'not_allowed']]],
    [
      'an unknown field of the price',
      price({ amount: 1, currency: 'GBP', minor: true }),
      [['/price/minor', 'unknown_field']],
    ],
    ['an id that is no UUIDv7', { id: '6f1e1f2e-8f57-4d0c-9a53-2f3b0a3b9b61' }, [['/id', 'invalid_format']]],
  ])('refuses %s', async (_, overrides, errors) => {
    const answer = await create({ ...catalog.product(), ...overrides });
    expect(answer).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
    expect(faults(answer)).toEqual(errors);
  });

  it.each([
    ['malformed JSON', '{"sku":', 'application/json', 400, 'malformed_json'],
    ['nothing', '', 'application/json', 400, 'malformed_json'],
    ['a list', '[]', 'application/json', 400, 'validation_failed'],
    ['a poisoned prototype', '{"__proto__":{"active":true}}', 'application/json', 400, 'malformed_json'],
    ['null', 'null', 'application/json', 400, 'validation_failed'],
    [
      'a number beyond all',
      '{"sku":"A","name":"B","price":{"amount":1e999,"currency":"GBP"}}',
      'application/json',
      400,
      'validation_failed',
    ],
    ['plain text', 'sku', 'text/plain', 415, 'unsupported_media_type'],
    ['a file of rows', 'sku,name', 'text/csv', 415, 'unsupported_media_type'],
    ['lines of JSON', '{}', 'application/x-ndjson', 415, 'unsupported_media_type'],
    ['XML', '<product/>', 'application/xml', 415, 'unsupported_media_type'],
    ['too much', `{"name":"${'x'.repeat(1_048_577)}"}`, 'application/json', 413, 'body_too_large'],
  ])('refuses a body of %s', async (_, body, type, status, code) => {
    const answer = await create(body, { 'content-type': type });
    expect(answer).toMatchObject({ status, body: { code, status } });
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  });

  it('has stored nothing of all that was refused', async () => {
    const { rows } = await catalog.sql.query(
      `SELECT count(*)::int AS products, (SELECT count(*)::int FROM catalog.stock_levels) AS levels,
              (SELECT count(*)::int FROM platform.outbox WHERE aggregate = 'product') AS events
         FROM catalog.products`,
    );
    expect(rows).toEqual([{ products: 6, levels: 6, events: 6 }]);
  });
});

describe('access', () => {
  const id = newId();
  it.each([
    ['POST', ''],
    ['PATCH', `/${id}`],
    ['POST', '/import'],
    ['GET', `/${id}/stock`],
    ['GET', `/${id}/stock-movements`],
    ['POST', `/${id}/stock-movements`],
  ])('to %s /products%s is for staff', async (method, path) => {
    const anonymous = await catalog.app.call(method, PRODUCTS + path);
    expect(anonymous).toMatchObject({ status: 401, body: { code: 'authentication_required' } });
    const customer = await catalog.app.call(method, PRODUCTS + path, { token: catalog.customer });
    expect(customer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    const forged = await catalog.app.call(method, PRODUCTS + path, { token: `${catalog.staff}x` });
    expect(forged).toMatchObject({ status: 401, body: { code: 'invalid_token' } });
  });

  it('to products is for anyone, but not with a bad token', async () => {
    expect(await list({})).toMatchObject({ status: 200 });
    expect(await list({}, 'nonsense')).toMatchObject({ status: 401, body: { code: 'invalid_token' } });
  });
});

describe('a list of products', () => {
  it('is newest first, page by page, and complete', async () => {
    const skus: string[] = [];
    for (let index = 0; index < 7; index += 1) {
      skus.push((await catalog.createProduct({ name: 'Paged product' })).body.sku);
    }
    const found: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Answer = await list({ q: 'paged PRODUCT', limit: '3', ...(cursor ? { cursor } : {}) });
      expect(page).toMatchObject({ status: 200 });
      found.push(...skusOf(page));
      cursor = page.body.nextCursor;
    } while (cursor);
    expect(found).toEqual(skus.toReversed());
  });

  it('breaks the tie of products of the same moment', async () => {
    await catalog.sql.query(
      `WITH p AS (
         INSERT INTO catalog.products (id, sku, name, price_amount, currency, created_at, updated_at)
         SELECT uuidv7(), 'TIED-' || n, 'Tied', 100, 'GBP', '2020-01-01', '2020-01-01' FROM generate_series(1, 5) n
         RETURNING id
       )
       INSERT INTO catalog.stock_levels (product_id) SELECT id FROM p`,
    );
    const first = await list({ q: 'tied', limit: '2' });
    const second = await list({ q: 'tied', limit: '2', cursor: first.body.nextCursor });
    const third = await list({ q: 'tied', limit: '2', cursor: second.body.nextCursor });
    expect([first, second, third].flatMap(skusOf)).toHaveLength(5);
    expect(new Set([first, second, third].flatMap(skusOf)).size).toBe(5);
    expect(third.body.nextCursor).toBeNull();
  });

  it('finds text as it is written, in SKU and name, whatever its case', async () => {
    await catalog.createProduct({ sku: 'FIND-100%', name: 'Über_Größe \\ back' });
    await catalog.createProduct({ sku: 'FIND-1000', name: 'UberXGroße / back' });
    const both = ['FIND-1000', 'FIND-100%'];
    for (const [q, skus] of [
      ['find-100', both],
      ['BACK', both],
      ['100%', ['FIND-100%']],
      ['r_g', ['FIND-100%']],
      ['\\', ['FIND-100%']],
      ['über_größe', ['FIND-100%']],
      [' back ', both],
      ['no such thing', []],
    ] as const) {
      expect([q, skusOf(await list({ q }))]).toEqual([q, skus]);
    }
    expect(skusOf(await list({ sku: 'FIND-1000' }))).toEqual(['FIND-1000']);
    expect(skusOf(await list({ sku: 'find-1000' }))).toEqual([]);
    expect(skusOf(await list({ sku: 'FIND-1000', q: 'nothing' }))).toEqual([]);
    expect((await list({ q: '' })).body.data.length).toBeGreaterThan(5);
  });

  it('shows inactive products to staff alone', async () => {
    const { sku } = (await catalog.createProduct({ active: false })).body;
    for (const token of [undefined, catalog.customer]) {
      expect(skusOf(await list({ sku }, token))).toEqual([]);
      expect(skusOf(await list({ sku, active: 'false' }, token))).toEqual([]);
    }
    expect(skusOf(await list({ sku }, catalog.staff))).toEqual([sku]);
    expect(skusOf(await list({ sku, active: 'false' }, catalog.staff))).toEqual([sku]);
    expect(skusOf(await list({ sku, active: 'true' }, catalog.staff))).toEqual([]);
  });

  it('refuses a cursor that is not its own', async () => {
    const { nextCursor } = (await list({ limit: '1' })).body as { nextCursor: string };
    const { body: journal } = await catalog.app.get(`${PRODUCTS}?limit=1`, asStaff());
    const flipped = `${nextCursor.slice(0, -3)}${nextCursor.endsWith('A') ? 'B' : 'A'}${nextCursor.slice(-2)}`;
    const queries: Record<string, string>[] = [
      { cursor: flipped },
      { cursor: nextCursor, q: 'mug' },
      { cursor: nextCursor, sku: 'X' },
      { cursor: journal.nextCursor },
      { cursor: 'nonsense' },
      { cursor: '"' },
    ];
    for (const query of queries) {
      expect(await list(query)).toMatchObject({ status: 400, body: { code: 'invalid_cursor' } });
    }
  });

  it.each([
    ['limit=0', 'query:/limit', 'too_small'],
    ['limit=101', 'query:/limit', 'too_big'],
    ['limit=ten', 'query:/limit', 'wrong_type'],
    ['limit=1.5', 'query:/limit', 'wrong_type'],
    ['active=yes', 'query:/active', 'not_allowed'],
    ['q=%00', 'query:/q', 'invalid_text'],
    [`q=${'x'.repeat(201)}`, 'query:/q', 'too_long'],
    ['sku=', 'query:/sku', 'too_short'],
    ['q=a&q=b', 'query:/q', 'wrong_type'],
    ['color=red', 'query:/color', 'unknown_field'],
    [`cursor=${'x'.repeat(1_001)}`, 'query:/cursor', 'too_long'],
  ])('refuses ?%s', async (query, pointer, code) => {
    const answer = await catalog.app.get(`${PRODUCTS}?${query}`);
    expect(answer).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
    expect(faults(answer)).toEqual([[pointer, code]]);
  });
});

describe('reading a product', () => {
  it('answers 304 for a representation that is current', async () => {
    const id = await catalog.stocked(3);
    const answer = await get(id);
    expect(answer).toMatchObject({ status: 200, body: { availability: 'low_stock' } });
    expect(answer.headers.get('cache-control')).toBe('no-cache');
    for (const known of [tag(answer), `W/${tag(answer)}`, `"x", ${tag(answer)}`, '*']) {
      const again = await get(id, { 'if-none-match': known });
      expect(again).toMatchObject({ status: 304, body: '' });
      expect(tag(again)).toBe(tag(answer));
    }
    expect(await get(id, { 'if-none-match': '"0.0"' })).toMatchObject({ status: 200 });
  });

  it('is served from the cache, loaded once however many ask', async () => {
    const { id } = (await catalog.createProduct()).body;
    const first = await catalog.statementsDuring(() =>
      Promise.all(Array.from({ length: 20 }, () => get(id))),
    );
    expect(first).toEqual({ 'catalog.read_product': 1 });
    expect(await catalog.statementsDuring(() => get(id))).toEqual({});
  });

  it('sees a change of the product at once, and one of its availability', async () => {
    const id = await catalog.stocked(9);
    const before = await get(id);
    expect(before.body).toMatchObject({ availability: 'in_stock' });
    const changed = await patch(id, tag(before), { name: 'Changed' });
    expect((await get(id)).body).toEqual(changed.body);
    await catalog.move(id, { kind: 'adjust', onHand: 2, expectedOnHand: 9, reason: 'Breakage' });
    const after = await get(id, { 'if-none-match': tag(changed) });
    expect(after).toMatchObject({ status: 200, body: { availability: 'low_stock', version: 2 } });
    expect(tag(after)).not.toBe(tag(changed));
  });

  it('does not put back into the cache what a change has overtaken', async () => {
    const { body } = await catalog.createProduct();
    const etag = '"1"';
    const [, changed] = await Promise.all([
      Promise.all(Array.from({ length: 20 }, () => get(body.id))),
      patch(body.id, etag, { name: 'Overtaking' }),
    ]);
    expect(changed).toMatchObject({ status: 200 });
    expect((await get(body.id)).body).toMatchObject({ name: 'Overtaking', version: 2 });
  });

  it('hides an inactive product from everybody but staff, cached or not', async () => {
    const { id } = (await catalog.createProduct({ active: false })).body;
    for (let times = 0; times < 2; times += 1) {
      expect(await get(id)).toMatchObject({ status: 404, body: { code: 'product_not_found' } });
      const customer = await catalog.app.get(`${PRODUCTS}/${id}`, { token: catalog.customer });
      expect(customer).toMatchObject({ status: 404, body: { code: 'product_not_found' } });
      expect(await catalog.app.get(`${PRODUCTS}/${id}`, asStaff())).toMatchObject({ status: 200 });
    }
  });

  it('is refused for an unknown or impossible id', async () => {
    expect(await get(newId())).toMatchObject({ status: 404, body: { code: 'product_not_found' } });
    for (const id of ['42', 'x'.repeat(200), '%00', '..%2f..']) {
      expect(await get(id)).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
    }
  });
});

describe('changing a product', () => {
  it('changes what is given and nothing else', async () => {
    const created = await catalog.createProduct({ description: 'Old' });
    const { id } = created.body;
    const renamed = await patch(id, tag(created), { name: 'New name' });
    expect(renamed).toMatchObject({ status: 200 });
    expect(renamed.body).toEqual({
      ...created.body,
      name: 'New name',
      version: 2,
      updatedAt: renamed.body.updatedAt,
    });
    const rest = {
      sku: `NEW-${id}`,
      description: null,
      price: { amount: 99, currency: 'EUR' },
      active: false,
    };
    const changed = await patch(id, tag(renamed), rest);
    expect(changed.body).toMatchObject({ ...rest, name: 'New name', version: 3 });
    const events = await catalog.events('product', id);
    expect(events.map(({ sequence, type }) => [sequence, type])).toEqual([
      [1, 'steelyard.product.created.v1'],
      [2, 'steelyard.product.updated.v1'],
      [3, 'steelyard.product.updated.v1'],
    ]);
    expect(events[2]?.data).toMatchObject({ priceAmount: 99, currency: 'EUR', active: false });
  });

  it('to what it already is makes no new version', async () => {
    const created = await catalog.createProduct({ description: 'Same' });
    const same = await patch(created.body.id, tag(created), { description: ' Same ', active: true });
    expect(same).toMatchObject({ status: 200, body: created.body });
    expect(await patch(created.body.id, tag(same), {})).toMatchObject({ status: 200, body: created.body });
    expect(await catalog.events('product', created.body.id)).toHaveLength(1);
  });

  it('takes the tag with or without the availability beside the version', async () => {
    const { id } = (await catalog.createProduct()).body;
    expect(await patch(id, '"1.0"', { name: 'A' })).toMatchObject({ status: 200 });
    expect(await patch(id, '"2"', { name: 'B' })).toMatchObject({ status: 200 });
    expect(await patch(id, '"9.1", "3.77"', { name: 'C' })).toMatchObject({
      status: 200,
      body: { version: 4 },
    });
  });

  it('needs the version that is current', async () => {
    const { id } = (await catalog.createProduct()).body;
    expect(await patch(id, undefined, { name: 'A' })).toMatchObject({
      status: 428,
      body: { code: 'if_match_required' },
    });
    for (const stale of ['"0.0"', '"2.0"', '"one"', 'W/"1"', '"2", "3"']) {
      expect(await patch(id, stale, { name: 'A' })).toMatchObject({
        status: 412,
        body: { code: 'stale_etag' },
      });
    }
    expect(await patch(id, '1', { name: 'A' })).toMatchObject({
      status: 400,
      body: { code: 'validation_failed', errors: [{ pointer: 'header:/If-Match' }] },
    });
    expect((await get(id)).body).toMatchObject({ version: 1 });
    expect(await patch(id, '*', { name: 'A' })).toMatchObject({ status: 200, body: { version: 2 } });
  });

  it('is won by one of those who race', async () => {
    const created = await catalog.createProduct();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        patch(created.body.id, tag(created), { name: `Racer ${index}` }),
      ),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([200, ...Array.from({ length: 9 }, () => 412)]);
    const winner = answers.find(({ status }) => status === 200);
    expect((await get(created.body.id)).body).toEqual(winner?.body);
  });

  it('is refused for a SKU that is taken, an unknown product, and bad fields', async () => {
    const taken = await catalog.createProduct();
    const created = await catalog.createProduct();
    const { id } = created.body;
    expect(await patch(id, tag(created), { sku: taken.body.sku })).toMatchObject({
      status: 409,
      body: { code: 'sku_taken' },
    });
    expect(await patch(newId(), '"1"', {})).toMatchObject({
      status: 404,
      body: { code: 'product_not_found' },
    });
    for (const [body, errors] of [
      [{ id: newId() }, [['/id', 'unknown_field']]],
      [{ version: 2 }, [['/version', 'unknown_field']]],
      [{ name: null }, [['/name', 'wrong_type']]],
      [{ name: '' }, [['/name', 'too_short']]],
      [{ price: { amount: -1, currency: 'GBP' } }, [['/price/amount', 'too_small']]],
      [{ price: 5 }, [['/price', 'wrong_type']]],
      [{ active: null }, [['/active', 'wrong_type']]],
      [[], [['', 'wrong_type']]],
    ] as const) {
      const answer = await patch(id, tag(created), body);
      expect(answer).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
      expect(faults(answer)).toEqual(errors);
    }
    expect((await get(id)).body).toEqual(created.body);
  });
});
