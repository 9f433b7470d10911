import { newId } from '#kernel';
import { CatalogFixture } from '../support/catalog-fixtures.js';

let catalog: CatalogFixture;

beforeAll(async () => {
  catalog = await CatalogFixture.start();
});

afterAll(async () => {
  await catalog.stop();
});

const inTransaction = <T>(fn: () => Promise<T>) => catalog.transaction(fn);

interface Line {
  readonly productId: string;
  readonly quantity: number;
}

/** Places an order's reservation as orders does; its id. */
async function reserved(...lines: Line[]): Promise<string> {
  const orderId = newId();
  await inTransaction(() => catalog.facade.reserve(orderId, lines));
  return orderId;
}

/** An order whose reservation holds until it is shipped. */
async function committed(...lines: Line[]): Promise<string> {
  const orderId = await reserved(...lines);
  await inTransaction(() => catalog.facade.commitReservations(orderId));
  return orderId;
}

async function reservation(orderId: string) {
  const { rows } = await catalog.sql.query<object>(
    `SELECT status, quantity::int, shipped::int, released::int FROM catalog.reservations WHERE order_id = $1`,
    [orderId],
  );
  return rows;
}

/** What the journal says of one product, oldest first. */
async function journal(productId: string) {
  const { rows } = await catalog.sql.query<{ kind: string }>(
    `SELECT kind, quantity::int, on_hand_delta::int AS on_hand, reserved_delta::int AS reserved, actor
       FROM catalog.stock_movements WHERE product_id = $1 ORDER BY id`,
    [productId],
  );
  return rows;
}

/** Products whose books do not agree with their journal, their reservations or their published events. */
async function disagreements() {
  const { rows } = await catalog.sql.query<object>(`
    SELECT s.product_id, s.on_hand, s.reserved, s.version, m.*, r.*, e.*
      FROM catalog.stock_levels s
     CROSS JOIN LATERAL (
       SELECT coalesce(sum(on_hand_delta), 0) AS journal_on_hand, coalesce(sum(reserved_delta), 0) AS journal_reserved
         FROM catalog.stock_movements WHERE product_id = s.product_id) m
     CROSS JOIN LATERAL (
       SELECT coalesce(sum(quantity - shipped - released), 0) AS held
         FROM catalog.reservations WHERE product_id = s.product_id AND status IN ('active', 'committed')) r
     CROSS JOIN LATERAL (
       SELECT count(*) AS events, coalesce(max(sequence), 0) AS last
         FROM platform.outbox WHERE aggregate = 'stock' AND aggregate_id = s.product_id) e
     WHERE s.on_hand <> journal_on_hand OR s.reserved <> journal_reserved OR s.reserved <> held
        OR s.version <> events OR s.version <> last`);
  return rows;
}

/** Settles all, and counts what each came to: `ok`, or the code of its error. */
async function outcomes(tasks: Promise<unknown>[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const result of await Promise.allSettled(tasks)) {
    const outcome =
      result.status === 'fulfilled'
        ? 'ok'
        : ((result.reason as { code?: string }).code ?? String(result.reason));
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
}

describe('what an order asks for', () => {
  it('is found by id and by SKU, in the order of the references, in one statement', async () => {
    const mug = await catalog.stocked(7, { sku: 'FOUND-MUG', name: 'Mug' });
    const yen = { price: { amount: 300, currency: 'JPY' } };
    const bowl = await catalog.stocked(0, { sku: "FOUND 'BOWL', {x}", name: 'Bowl', ...yen });
    await catalog.stocked(1, { sku: 'FOUND-INACTIVE', active: false });
    let found: unknown;
    const statements = await catalog.statementsDuring(async () => {
      found = await catalog.facade.findSellable([
        { sku: "FOUND 'BOWL', {x}" },
        { productId: mug },
        { productId: newId() },
        { sku: 'found-mug' },
        { sku: 'FOUND-INACTIVE' },
        { sku: 'FOUND-MUG' },
        { productId: bowl, sku: 'FOUND-MUG' },
        {},
      ]);
    });
    const mugForSale = {
      productId: mug,
      sku: 'FOUND-MUG',
      name: 'Mug',
      unitPrice: { amount: 1250, currency: 'GBP' },
      available: 7,
    };
    const bowlForSale = {
      productId: bowl,
      sku: "FOUND 'BOWL', {x}",
      name: 'Bowl',
      unitPrice: { amount: 300, currency: 'JPY' },
      available: 0,
    };
    expect(found).toEqual([
      bowlForSale,
      mugForSale,
      undefined,
      undefined,
      undefined,
      mugForSale,
      bowlForSale,
      undefined,
    ]);
    expect(statements).toEqual({ 'catalog.find_sellable': 1 });
    expect(await catalog.facade.findSellable([])).toEqual([]);
  });
});

describe('a reservation', () => {
  it('holds stock, adding up the lines of a product, in one statement', async () => {
    const mug = await catalog.stocked(20);
    const bowl = await catalog.stocked(30);
    const orderId = newId();
    const lines = [
      { productId: bowl, quantity: 1 },
      { productId: mug, quantity: 2 },
      { productId: bowl, quantity: 4 },
    ];
    const statements = await catalog.statementsDuring(() =>
      inTransaction(() => catalog.facade.reserve(orderId, lines)),
    );
    expect(statements).toEqual({ 'catalog.reserve_stock': 1 });
    expect(await catalog.stock(mug)).toEqual({ onHand: 20, reserved: 2, available: 18 });
    expect(await catalog.stock(bowl)).toEqual({ onHand: 30, reserved: 5, available: 25 });
    expect(await journal(bowl)).toEqual([
      { kind: 'receive', quantity: 30, on_hand: 30, reserved: 0, actor: expect.stringMatching(/^user:/) },
      { kind: 'reserve', quantity: 5, on_hand: 0, reserved: 5, actor: 'system:test' },
    ]);
  });

  it('is refused whole, naming every product that is short, and nothing is stored', async () => {
    const plenty = await catalog.stocked(10);
    const little = await catalog.stocked(2);
    const none = await catalog.stocked(0);
    const unknown = newId();
    const orderId = newId();
    const lines = [unknown, none, little, plenty].map((productId) => ({ productId, quantity: 3 }));
    await expect(inTransaction(() => catalog.facade.reserve(orderId, lines))).rejects.toMatchObject({
      code: 'insufficient_stock',
      kind: 'conflict',
      extensions: {
        lines: [
          { productId: little, requested: 3, available: 2 },
          { productId: none, requested: 3, available: 0 },
          { productId: unknown, requested: 3, available: 0 },
        ],
      },
    });
    expect(await catalog.stock(plenty)).toEqual({ onHand: 10, reserved: 0, available: 10 });
    expect(await reservation(orderId)).toEqual([]);
    expect(await journal(plenty)).toHaveLength(1);
  });

  it('vanishes with the transaction of its order', async () => {
    const mug = await catalog.stocked(10);
    const orderId = newId();
    const failure = inTransaction(async () => {
      await catalog.facade.reserve(orderId, [{ productId: mug, quantity: 8 }]);
      throw new Error('the order fails');
    });
    await expect(failure).rejects.toThrow('the order fails');
    expect(await catalog.stock(mug)).toEqual({ onHand: 10, reserved: 0, available: 10 });
    expect(await journal(mug)).toHaveLength(1);
    expect(await catalog.events('stock', mug)).toHaveLength(1);
  });

  it('cannot be made a second time by the same order', async () => {
    const mug = await catalog.stocked(10);
    const orderId = await reserved({ productId: mug, quantity: 1 });
    const again = inTransaction(() => catalog.facade.reserve(orderId, [{ productId: mug, quantity: 1 }]));
    await expect(again).rejects.toThrow('reservations_pkey');
    expect(await catalog.stock(mug)).toMatchObject({ reserved: 1 });
  });

  it('is released once, whatever is tried after', async () => {
    const mug = await catalog.stocked(10);
    const orderId = await reserved({ productId: mug, quantity: 4 });
    const facade = catalog.facade;
    await inTransaction(() => facade.releaseReservations(orderId, 'expired'));
    await inTransaction(() => facade.releaseReservations(orderId, 'released'));
    await inTransaction(() => facade.commitReservations(orderId));
    expect(await catalog.stock(mug)).toEqual({ onHand: 10, reserved: 0, available: 10 });
    expect(await reservation(orderId)).toEqual([{ status: 'expired', quantity: 4, shipped: 0, released: 4 }]);
    expect((await journal(mug)).map(({ kind }) => kind)).toEqual(['receive', 'reserve', 'release']);
  });

  it('that is committed does not expire, and can still be released', async () => {
    const mug = await catalog.stocked(10);
    const orderId = await committed({ productId: mug, quantity: 4 });
    await inTransaction(() => catalog.facade.commitReservations(orderId));
    await inTransaction(() => catalog.facade.releaseReservations(orderId, 'expired'));
    expect(await reservation(orderId)).toEqual([
      { status: 'committed', quantity: 4, shipped: 0, released: 0 },
    ]);
    await inTransaction(() => catalog.facade.releaseReservations(orderId, 'released'));
    expect(await reservation(orderId)).toEqual([
      { status: 'released', quantity: 4, shipped: 0, released: 4 },
    ]);
    expect(await catalog.stock(mug)).toEqual({ onHand: 10, reserved: 0, available: 10 });
    expect((await journal(mug)).map(({ kind }) => kind)).toEqual(['receive', 'reserve', 'commit', 'release']);
  });

  it('is released by concurrent calls once', async () => {
    const mug = await catalog.stocked(10);
    const orderId = await reserved({ productId: mug, quantity: 4 });
    const release = () => inTransaction(() => catalog.facade.releaseReservations(orderId, 'released'));
    expect(await outcomes(Array.from({ length: 10 }, release))).toEqual({ ok: 10 });
    expect(await catalog.stock(mug)).toEqual({ onHand: 10, reserved: 0, available: 10 });
  });
});

describe('shipping', () => {
  it('takes pieces out of the house and out of the reservation', async () => {
    const mug = await catalog.stocked(10);
    const bowl = await catalog.stocked(10);
    const orderId = await committed({ productId: mug, quantity: 4 }, { productId: bowl, quantity: 1 });
    const ship = (...lines: Line[]) => inTransaction(() => catalog.facade.ship(orderId, lines));
    await ship({ productId: mug, quantity: 1 }, { productId: mug, quantity: 2 });
    expect(await catalog.stock(mug)).toEqual({ onHand: 7, reserved: 1, available: 6 });
    await inTransaction(() => catalog.facade.releaseReservations(orderId, 'released'));
    expect(await catalog.stock(mug)).toEqual({ onHand: 7, reserved: 0, available: 7 });
    expect(await catalog.stock(bowl)).toEqual({ onHand: 10, reserved: 0, available: 10 });
    expect(await reservation(orderId)).toEqual(
      expect.arrayContaining([{ status: 'released', quantity: 4, shipped: 3, released: 1 }]),
    );
  });

  it('of all leaves the reservation committed, with nothing to release', async () => {
    const mug = await catalog.stocked(4);
    const orderId = await committed({ productId: mug, quantity: 4 });
    await inTransaction(() => catalog.facade.ship(orderId, [{ productId: mug, quantity: 4 }]));
    await inTransaction(() => catalog.facade.releaseReservations(orderId, 'released'));
    expect(await catalog.stock(mug)).toEqual({ onHand: 0, reserved: 0, available: 0 });
    expect(await reservation(orderId)).toEqual([
      { status: 'committed', quantity: 4, shipped: 4, released: 0 },
    ]);
  });

  it('is refused whole when the order has less reserved', async () => {
    const mug = await catalog.stocked(10);
    const bowl = await catalog.stocked(10);
    const foreign = await catalog.stocked(10);
    const orderId = await committed({ productId: mug, quantity: 4 }, { productId: bowl, quantity: 2 });
    await inTransaction(() => catalog.facade.ship(orderId, [{ productId: bowl, quantity: 1 }]));
    const lines = [mug, bowl, foreign].map((productId) => ({ productId, quantity: 2 }));
    await expect(inTransaction(() => catalog.facade.ship(orderId, lines))).rejects.toMatchObject({
      code: 'shipment_exceeds_reservation',
      kind: 'conflict',
      extensions: {
        lines: [
          { productId: bowl, requested: 2, reserved: 1 },
          { productId: foreign, requested: 2, reserved: 0 },
        ],
      },
    });
    expect(await catalog.stock(mug)).toEqual({ onHand: 10, reserved: 4, available: 6 });
  });

  it('is refused before the reservation is committed', async () => {
    const mug = await catalog.stocked(10);
    const orderId = await reserved({ productId: mug, quantity: 4 });
    const shipped = inTransaction(() => catalog.facade.ship(orderId, [{ productId: mug, quantity: 1 }]));
    await expect(shipped).rejects.toMatchObject({ code: 'shipment_exceeds_reservation' });
  });
});

describe('availability', () => {
  it('is announced when the word changes, numbered without gaps', async () => {
    const mug = await catalog.stocked(20);
    const orders: string[] = [];
    for (const quantity of [10, 4, 1, 3, 2]) orders.push(await reserved({ productId: mug, quantity }));
    await inTransaction(() => catalog.facade.releaseReservations(orders[3]!, 'released'));
    await inTransaction(() => catalog.facade.releaseReservations(orders[0]!, 'released'));
    const steps = (await catalog.events('stock', mug)).map(({ sequence, type, data }) => {
      expect(type).toBe('steelyard.stock.availability_changed.v1');
      expect(data).toMatchObject({ productId: mug });
      const { previous, current } = data as { previous: string; current: string };
      return [sequence, previous, current];
    });
    expect(steps).toEqual([
      [1, 'out_of_stock', 'in_stock'],
      [2, 'in_stock', 'low_stock'],
      [3, 'low_stock', 'out_of_stock'],
      [4, 'out_of_stock', 'low_stock'],
      [5, 'low_stock', 'in_stock'],
    ]);
  });

  it('is the same word in SQL and in the domain, for every level around the limits', async () => {
    for (const pieces of [1, 5, 6, 7]) {
      const id = await catalog.stocked(pieces);
      const [event] = await catalog.events('stock', id);
      const { body } = await catalog.app.get(`/api/v1/products/${id}`);
      expect(event?.data).toMatchObject({ previous: 'out_of_stock', current: body.availability });
    }
  });
});

describe('a return', () => {
  /** An order of pieces that have all left the house. */
  async function shipped(...lines: Line[]): Promise<string> {
    const orderId = await committed(...lines);
    await inTransaction(() => catalog.facade.ship(orderId, lines));
    return orderId;
  }

  it('puts pieces back on hand, adding up the lines of a product, in one statement', async () => {
    const mug = await catalog.stocked(20);
    const bowl = await catalog.stocked(30);
    const orderId = await shipped({ productId: mug, quantity: 5 }, { productId: bowl, quantity: 5 });
    const lines = [
      { productId: bowl, quantity: 1 },
      { productId: mug, quantity: 2 },
      { productId: bowl, quantity: 3 },
    ];
    const statements = await catalog.statementsDuring(() =>
      inTransaction(() => catalog.facade.returnToStock(orderId, lines)),
    );
    expect(statements).toEqual({ 'catalog.return_stock': 1 });
    expect(await catalog.stock(mug)).toEqual({ onHand: 17, reserved: 0, available: 17 });
    expect(await catalog.stock(bowl)).toEqual({ onHand: 29, reserved: 0, available: 29 });
    const { rows } = await catalog.sql.query<object>(
      `SELECT kind, quantity::int, on_hand_delta::int, reserved_delta::int, order_id, actor
         FROM catalog.stock_movements WHERE product_id = $1 ORDER BY id DESC LIMIT 1`,
      [bowl],
    );
    expect(rows).toEqual([
      {
        kind: 'return',
        quantity: 4,
        on_hand_delta: 4,
        reserved_delta: 0,
        order_id: orderId,
        actor: 'system:test',
      },
    ]);
    expect(await disagreements()).toEqual([]);
  });

  it('tells shoppers that there is something to buy again', async () => {
    const mug = await catalog.stocked(1);
    const orderId = await shipped({ productId: mug, quantity: 1 });
    await inTransaction(() => catalog.facade.returnToStock(orderId, [{ productId: mug, quantity: 1 }]));
    expect((await catalog.events('stock', mug)).at(-1)).toMatchObject({
      sequence: 3,
      data: { previous: 'out_of_stock', current: 'low_stock' },
    });
  });

  it('beyond what a product can hold brings nothing back', async () => {
    const mug = await catalog.stocked(1);
    const bowl = await catalog.stocked(1);
    const lines = [
      { productId: mug, quantity: 1 },
      { productId: bowl, quantity: 1 },
    ];
    const orderId = await shipped(...lines);
    const full = { kind: 'adjust', onHand: 1e12, expectedOnHand: 0, reason: 'count' };
    expect(await catalog.move(mug, full)).toMatchObject({ status: 201 });
    await expect(inTransaction(() => catalog.facade.returnToStock(orderId, lines))).rejects.toMatchObject({
      code: 'stock_limit_exceeded',
    });
    expect(await catalog.stock(bowl)).toEqual({ onHand: 0, reserved: 0, available: 0 });
  });
});

describe('under contention', () => {
  it('200 buyers of a product with 50 pieces: exactly 50 get one', async () => {
    const mug = await catalog.stocked(50);
    const buyers = Array.from({ length: 200 }, () => reserved({ productId: mug, quantity: 1 }));
    expect(await outcomes(buyers)).toEqual({ ok: 50, insufficient_stock: 150 });
    expect(await catalog.stock(mug)).toEqual({ onHand: 50, reserved: 50, available: 0 });
    expect(await disagreements()).toEqual([]);
  });

  it('the last pieces go whole to whoever gets the lock, also when all saw enough of them', async () => {
    const mug = await catalog.stocked(5);
    const bowl = await catalog.stocked(100);
    const buyers = Array.from({ length: 20 }, () =>
      reserved({ productId: mug, quantity: 2 }, { productId: bowl, quantity: 1 }),
    );
    expect(await outcomes(buyers)).toEqual({ ok: 2, insufficient_stock: 18 });
    expect(await catalog.stock(mug)).toEqual({ onHand: 5, reserved: 4, available: 1 });
    expect(await catalog.stock(bowl)).toEqual({ onHand: 100, reserved: 2, available: 98 });
  });

  it('orders with the same products in any order never wait in a circle', async () => {
    const products = await Promise.all(Array.from({ length: 8 }, () => catalog.stocked(100_000)));
    let failedStatements = 0;
    catalog.database.onQuery(({ failed }) => {
      if (failed) failedStatements += 1;
    });
    const life = async (turn: number) => {
      const own = products.toSorted(() => Math.random() - 0.5).slice(0, 5);
      const orderId = await committed(...own.map((productId) => ({ productId, quantity: 2 })));
      const some = own.toSorted(() => Math.random() - 0.5).slice(0, 3);
      await inTransaction(() =>
        catalog.facade.ship(
          orderId,
          some.map((productId) => ({ productId, quantity: 1 })),
        ),
      );
      if (turn % 3 === 0) {
        await inTransaction(() =>
          catalog.facade.returnToStock(
            orderId,
            some.toReversed().map((productId) => ({ productId, quantity: 1 })),
          ),
        );
      }
      if (turn % 2 === 0) await inTransaction(() => catalog.facade.releaseReservations(orderId, 'released'));
    };
    expect(await outcomes(Array.from({ length: 200 }, (_, turn) => life(turn)))).toEqual({ ok: 200 });
    // The database door tries a victim of a deadlock again, so only the failed statement would tell.
    expect(failedStatements).toBe(0);
    expect(await disagreements()).toEqual([]);
  });

  it('random lives of random orders leave books that agree', async () => {
    const products = await Promise.all(
      Array.from({ length: 4 }, (_, index) => catalog.stocked(4 + index * 3)),
    );
    const pick = <T>(choices: readonly T[]): T => choices[Math.floor(Math.random() * choices.length)]!;
    const step = async (orderId: string) => {
      const lines = [{ productId: pick(products), quantity: 1 + Math.floor(Math.random() * 3) }];
      const { facade } = catalog;
      await pick([
        () => inTransaction(() => facade.reserve(orderId, lines)),
        () => inTransaction(() => facade.commitReservations(orderId)),
        () => inTransaction(() => facade.ship(orderId, lines)),
        () => inTransaction(() => facade.releaseReservations(orderId, pick(['released', 'expired']))),
        () => catalog.move(lines[0]!.productId, { kind: 'receive', quantity: 1 }),
      ])();
    };
    const orders = Array.from({ length: 60 }, async () => {
      const orderId = newId();
      for (let steps = 0; steps < 6; steps += 1) {
        // What is not possible is refused; that the books agree afterwards is what counts.
        await step(orderId).catch((error: unknown) => {
          expect(error).toMatchObject({ message: expect.stringMatching(/stock|shipped|reservations_pkey/) });
        });
      }
    });
    await Promise.all(orders);
    expect(await disagreements()).toEqual([]);
  });

  it('an order of 700 products is one statement per step, and fast', async () => {
    const { rows } = await catalog.sql.query<{ id: string }>(
      `WITH
       p AS (
         INSERT INTO catalog.products (id, sku, name, price_amount, currency, created_at, updated_at)
         SELECT uuidv7(), 'MANY-' || n, 'Many', 100, 'GBP', now(), now() FROM generate_series(1, 700) n
         RETURNING id
       ),
       s AS (
         INSERT INTO catalog.stock_levels (product_id, on_hand) SELECT id, 1000 FROM p
       )
       INSERT INTO catalog.stock_movements
         (product_id, kind, quantity, on_hand_delta, reserved_delta, actor, request_id)
       SELECT id, 'receive', 1000, 1000, 0, 'system:test', 'test' FROM p
       RETURNING product_id AS id`,
    );
    const lines = rows.map(({ id }) => ({ productId: id, quantity: 3 }));
    const statements = await catalog.statementsDuring(async () => {
      const startedAt = performance.now();
      const orderId = await committed(...lines);
      await inTransaction(() => catalog.facade.ship(orderId, lines));
      expect(performance.now() - startedAt).toBeLessThan(2_000);
    });
    expect(statements).toEqual({
      'catalog.reserve_stock': 1,
      'catalog.commit_reservations': 1,
      'catalog.ship_stock': 1,
    });
    expect(await disagreements()).toEqual([]);
  });
});

it('the database itself refuses stock below what is reserved', async () => {
  const mug = await catalog.stocked(3);
  await reserved({ productId: mug, quantity: 3 });
  const oversell = (set: string) =>
    catalog.sql.query(`UPDATE catalog.stock_levels SET ${set} WHERE product_id = $1`, [mug]);
  await expect(oversell('reserved = 4')).rejects.toThrow('stock_levels_never_oversold');
  await expect(oversell('on_hand = 2')).rejects.toThrow('stock_levels_never_oversold');
  await expect(oversell('reserved = -1')).rejects.toThrow('stock_levels_never_oversold');
  await expect(oversell('on_hand = 1000000000001')).rejects.toThrow('stock_levels_bounded');
});
