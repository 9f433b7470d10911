import { DemoCatalog } from '#catalog';
import { newId } from '#kernel';
import { register } from 'prom-client';
import { type AnswerOf, CatalogFixture, faults, PRODUCTS, productsOf } from '../support/catalog-fixtures.js';
import { TestApp } from '../support/test-app.js';

let catalog: CatalogFixture;

beforeAll(async () => {
  catalog = await CatalogFixture.start();
});

afterAll(async () => {
  await catalog.stop();
});

const journal = (id: string, query = '') =>
  catalog.app.get(`${PRODUCTS}/${id}/stock-movements${query}`, { token: catalog.staff });

async function reserve(productId: string, quantity: number): Promise<string> {
  const orderId = newId();
  await catalog.transaction(() => catalog.facade.reserve(orderId, [{ productId, quantity }]));
  return orderId;
}

describe('receiving stock', () => {
  it('adds to what is on hand and answers the movement with the level', async () => {
    const id = await catalog.stocked(0);
    const answer = await catalog.move(id, { kind: 'receive', quantity: 40 });
    expect(answer).toMatchObject({ status: 201 });
    expect(answer.body).toEqual({
      id: expect.any(String),
      productId: id,
      kind: 'receive',
      quantity: 40,
      onHandDelta: 40,
      reservedDelta: 0,
      orderId: null,
      reason: null,
      actor: expect.stringMatching(/^user:/),
      occurredAt: expect.stringMatching(/Z$/),
      stock: { productId: id, onHand: 40, reserved: 0, available: 40 },
    });
    await reserve(id, 5);
    const level = await catalog.app.get(`${PRODUCTS}/${id}/stock`, { token: catalog.staff });
    expect(level).toMatchObject({ status: 200 });
    expect(level.body).toEqual({ productId: id, onHand: 40, reserved: 5, available: 35 });
  });

  it('happens once per idempotency key', async () => {
    const id = await catalog.stocked(0);
    const key = newId();
    const move = (quantity: number, useKey = key) => catalog.move(id, { kind: 'receive', quantity }, useKey);
    const first = await move(7);
    const replay = await move(7, `"${key}"`);
    expect(replay).toMatchObject({ status: 201, body: first.body });
    expect(replay.headers.get('idempotency-replayed')).toBe('true');
    expect(await move(8)).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
    const other = await catalog.stocked(0);
    expect(await catalog.move(other, { kind: 'receive', quantity: 7 }, key)).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused' },
    });
    const atOnce = newId();
    const answers: AnswerOf<{ id: string }>[] = await Promise.all(
      Array.from({ length: 10 }, () => move(1, atOnce)),
    );
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(await catalog.stock(id)).toMatchObject({ onHand: 8 });
  });

  it('by many at once loses nothing', async () => {
    const id = await catalog.stocked(0);
    await Promise.all(Array.from({ length: 30 }, () => catalog.move(id, { kind: 'receive', quantity: 3 })));
    expect(await catalog.stock(id)).toEqual({ onHand: 90, reserved: 0, available: 90 });
    expect(await catalog.events('stock', id)).toHaveLength(2);
  });

  it('stops at what one product can hold', async () => {
    const id = await catalog.stocked(0);
    const all = await catalog.move(id, {
      kind: 'adjust',
      onHand: 1e12 - 1,
      expectedOnHand: 0,
      reason: 'Sand',
    });
    expect(all).toMatchObject({ status: 201, body: { stock: { onHand: 1e12 - 1 } } });
    expect(await catalog.move(id, { kind: 'receive', quantity: 2 })).toMatchObject({
      status: 422,
      body: { code: 'stock_limit_exceeded' },
    });
    expect(await catalog.move(id, { kind: 'receive', quantity: 1 })).toMatchObject({ status: 201 });
    expect(await catalog.stock(id)).toMatchObject({ onHand: 1e12 });
  });
});

describe('adjusting stock', () => {
  it('sets what was counted, up, down or the same', async () => {
    const id = await catalog.stocked(10);
    for (const [expectedOnHand, onHand] of [
      [10, 4],
      [4, 4],
      [4, 12],
      [12, 0],
    ] as const) {
      const answer = await catalog.move(id, { kind: 'adjust', onHand, expectedOnHand, reason: ' Count ' });
      expect(answer).toMatchObject({
        status: 201,
        body: { quantity: onHand - expectedOnHand, reason: 'Count', stock: { onHand } },
      });
    }
  });

  it('is refused when the books say something else, and tells what', async () => {
    const id = await catalog.stocked(10);
    const answer = await catalog.move(id, { kind: 'adjust', onHand: 4, expectedOnHand: 9, reason: 'Count' });
    expect(answer).toMatchObject({ status: 409, body: { code: 'stale_quantity', onHand: 10 } });
    expect(await catalog.stock(id)).toMatchObject({ onHand: 10 });
  });

  it('is refused below what is reserved', async () => {
    const id = await catalog.stocked(10);
    await reserve(id, 6);
    const adjust = (onHand: number) =>
      catalog.move(id, { kind: 'adjust', onHand, expectedOnHand: 10, reason: 'Count' });
    expect(await adjust(5)).toMatchObject({ status: 409, body: { code: 'stock_reserved', reserved: 6 } });
    expect(await adjust(6)).toMatchObject({ status: 201, body: { stock: { available: 0 } } });
  });

  it('by many at once from the same expectation happens once', async () => {
    const id = await catalog.stocked(10);
    const answers = await Promise.all(
      [1, 2, 3, 4, 5].map((onHand) =>
        catalog.move(id, { kind: 'adjust', onHand, expectedOnHand: 10, reason: 'Count' }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409]);
  });
});

describe('a stock movement is refused', () => {
  const receive = (quantity: unknown) => ({ kind: 'receive', quantity });
  const adjust = (overrides: object) => ({
    kind: 'adjust',
    onHand: 1,
    expectedOnHand: 0,
    reason: 'x',
    ...overrides,
  });
  it.each<[string, unknown, [string, string][]]>([
    ['without a kind', { quantity: 1 }, [['/kind', 'no_matching_form']]],
    ['of an unknown kind', { kind: 'steal', quantity: 1 }, [['/kind', 'no_matching_form']]],
    ['of a kind that only orders make', { kind: 'ship', quantity: 1 }, [['/kind', 'no_matching_form']]],
    ['that is a list', [], [['', 'wrong_type']]],
    ['without a quantity', { kind: 'receive' }, [['/quantity', 'required']]],
    ['of nothing', receive(0), [['/quantity', 'too_small']]],
    ['of less than nothing', receive(-5), [['/quantity', 'too_small']]],
    ['of half a piece', receive(0.5), [['/quantity', 'wrong_type']]],
    ['of a number as text', receive('5'), [['/quantity', 'wrong_type']]],
    ['of too many pieces', receive(10_000_001), [['/quantity', 'too_big']]],
    ['with an unknown field', { ...receive(1), onHand: 1 }, [['/onHand', 'unknown_field']]],
    ['that adjusts below zero', adjust({ onHand: -1 }), [['/onHand', 'too_small']]],
    ['that adjusts beyond the limit', adjust({ onHand: 1e12 + 1 }), [['/onHand', 'too_big']]],
    ['that expects less than zero', adjust({ expectedOnHand: -1 }), [['/expectedOnHand', 'too_small']]],
    ['that adjusts without a reason', adjust({ reason: undefined }), [['/reason', 'required']]],
    ['that adjusts for an empty reason', adjust({ reason: '  ' }), [['/reason', 'too_short']]],
    ['that adjusts for a long reason', adjust({ reason: 'x'.repeat(501) }), [['/reason', 'too_long']]],
    ['that adjusts for a reason with NUL', adjust({ reason: 'a\u0000' }), [['/reason', 'invalid_text']]],
  ])('%s', async (_, body, errors) => {
    const id = await catalog.stocked(0);
    const answer = await catalog.move(id, body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
    expect(faults(answer)).toEqual(errors);
    expect(await catalog.count('catalog.stock_movements', `product_id = '${id}'`)).toBe(0);
  });

  it('without a key, or with an impossible one', async () => {
    const id = await catalog.stocked(0);
    const path = `${PRODUCTS}/${id}/stock-movements`;
    const send = (headers: Record<string, string>) =>
      catalog.app.post(path, { kind: 'receive', quantity: 1 }, { token: catalog.staff, headers });
    expect(await send({})).toMatchObject({ status: 400, body: { code: 'idempotency_key_required' } });
    expect(await send({ 'idempotency-key': 'x'.repeat(256) })).toMatchObject({
      status: 400,
      body: { code: 'idempotency_key_invalid' },
    });
    expect(await catalog.stock(id)).toMatchObject({ onHand: 0 });
  });

  it('for a product that does not exist', async () => {
    const missing = { status: 404, body: { code: 'product_not_found' } };
    expect(await catalog.move(newId(), { kind: 'receive', quantity: 1 })).toMatchObject(missing);
    expect(await journal(newId())).toMatchObject(missing);
    const stock = await catalog.app.get(`${PRODUCTS}/${newId()}/stock`, { token: catalog.staff });
    expect(stock).toMatchObject(missing);
    expect(await catalog.move('42', { kind: 'receive', quantity: 1 })).toMatchObject({ status: 400 });
  });
});

describe('the journal', () => {
  it('lists what moved, newest first, page by page, and adds up to the level', async () => {
    const id = await catalog.stocked(10);
    const orderId = await reserve(id, 4);
    await catalog.transaction(() => catalog.facade.commitReservations(orderId));
    await catalog.transaction(() => catalog.facade.ship(orderId, [{ productId: id, quantity: 1 }]));
    await catalog.transaction(() => catalog.facade.releaseReservations(orderId, 'released'));
    await catalog.move(id, { kind: 'adjust', onHand: 8, expectedOnHand: 9, reason: 'Breakage' });
    const first = await journal(id, '?limit=4');
    const second = await journal(id, `?limit=4&cursor=${first.body.nextCursor}`);
    expect(second.body.nextCursor).toBeNull();
    const movements: { kind: string; onHandDelta: number; reservedDelta: number; orderId: string | null }[] =
      [...first.body.data, ...second.body.data];
    expect(movements.map(({ kind }) => kind)).toEqual([
      'adjust',
      'release',
      'ship',
      'commit',
      'reserve',
      'receive',
    ]);
    expect(movements.map(({ orderId }) => orderId)).toEqual([null, orderId, orderId, orderId, orderId, null]);
    const sum = (field: 'onHandDelta' | 'reservedDelta') =>
      movements.reduce((total, movement) => total + movement[field], 0);
    expect({ onHand: sum('onHandDelta'), reserved: sum('reservedDelta') }).toEqual({
      onHand: 8,
      reserved: 0,
    });
    expect(await catalog.stock(id)).toEqual({ onHand: 8, reserved: 0, available: 8 });

    const other = await catalog.stocked(1);
    const borrowed = await journal(other, `?cursor=${first.body.nextCursor}`);
    expect(borrowed).toMatchObject({ status: 400, body: { code: 'invalid_cursor' } });
  });
});

describe('the demo catalog', () => {
  it('is created once, with stock of every kind, and left alone after', async () => {
    const demo = catalog.app.app.get(DemoCatalog);
    await Promise.all([demo.ensure(), demo.ensure()]);
    const products = async () => productsOf(await catalog.app.get(`${PRODUCTS}?q=DEMO-&limit=100`));
    const created = await products();
    expect(created).toHaveLength(12);
    expect(new Set(created.map(({ availability }) => availability))).toEqual(
      new Set(['in_stock', 'low_stock', 'out_of_stock']),
    );
    expect(new Set(created.map(({ price }) => price.currency))).toEqual(new Set(['GBP']));
    await demo.ensure();
    expect(await products()).toEqual(created);
  });

  it('does not exist in production', async () => {
    // The registry of metrics is the process's, and takes each name once.
    register.clear();
    const production = await TestApp.start({ NODE_ENV: 'production' });
    try {
      await expect(production.app.get(DemoCatalog).ensure()).rejects.toThrow('not for production');
      expect((await production.get(PRODUCTS)).body).toEqual({ data: [], nextCursor: null });
    } finally {
      await production.stop();
    }
  });
});
