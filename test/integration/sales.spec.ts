import { Database } from '#platform/database';
import { ApplyEvents, EventBus, EventConsumers, EventFeed, type IntegrationEvent } from '#platform/messaging';
import { RebuildSales } from '#sales';
import { movementsOf } from '../../libs/sales/src/movements.js';
import { SalesStore } from '../../libs/sales/src/sales.store.js';
import { eventually } from '../support/eventually.js';
import { placeOneOfEach } from '../support/one-of-each.js';
import { findSalesDifferences } from '../support/sales-by-orders.js';
import { line, type Product, Shop } from '../support/shop.js';
import { type ProcessEnd, spawnApp } from '../support/spawn-app.js';
import type { Answer } from '../support/test-app.js';

const SALES = '/api/v1/sales/daily';
/** Commands are processes that compile what they load. */
const PROCESSES_MS = 60_000;

let shop: Shop;
/** Sold for yen alone. */
let kettle: Product;

beforeAll(async () => {
  // Odd sums, so that shares do not come out even.
  shop = await Shop.open({ ORDER_SHIPPING_FLAT_MINOR: '350', ORDER_TAX_BASIS_POINTS: '1950' });
  kettle = await shop.product({ price: 4_999, currency: 'JPY' });
  await sell();
});

afterAll(async () => {
  await shop.api.app.get(EventConsumers).stop(5_000);
  await shop.close();
});

/** Orders in two currencies, of which everything becomes that can. */
async function sell(): Promise<void> {
  await shop.sql.query('DELETE FROM payments.gateway_reports');
  await placeOneOfEach(shop);
  await shop.placed({ lines: [line(kettle, 2), line(kettle)] });
  await shop.settle();
}

const rebuild = () => shop.api.app.get(RebuildSales).execute();
/** `steelyard sales rebuild`, as a process. */
async function rebuildByCommand(): Promise<{ end: ProcessEnd; output: string }> {
  const env = { DATABASE_URL: shop.api.database.url };
  const command = spawnApp('apps/cli/src/main.ts', { env, args: ['sales', 'rebuild'] });
  return { end: await command.ended, output: command.output };
}

const differences = () => findSalesDifferences(shop.sql);
const daily = (query = ''): Promise<Answer> => shop.get(`${SALES}${query}`, { as: shop.staff });
const dayBefore = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);

const salesConsumer = () => shop.api.app.get(EventBus).consumers.find(({ name }) => name === 'sales.daily')!;

/** Has sales counted from the events of an order, as a broker may bring them: before they are in the feed. */
async function countBeforeTheFeed(orderId: string): Promise<void> {
  const { rows } = await shop.sql.query<IntegrationEvent>(
    `SELECT id, type, aggregate, aggregate_id AS "aggregateId", sequence::int, occurred_at AS "occurredAt", data
       FROM platform.outbox
      WHERE aggregate_id = $1 AND type = ANY($2) AND feed_position IS NULL ORDER BY sequence`,
    [orderId, salesConsumer().types],
  );
  expect(rows).not.toEqual([]);
  await shop.api.app.get(ApplyEvents).execute(salesConsumer(), rows);
}

/** As if all that has happened to an order had happened a day earlier; the ledger does not let itself be changed. */
async function moveToYesterday(orderId: string): Promise<void> {
  for (const [table, column, id] of [
    ['platform.outbox', 'occurred_at', 'aggregate_id'],
    ['orders.timeline', 'occurred_at', 'order_id'],
  ]) {
    await shop.sql.query(`UPDATE ${table} SET ${column} = ${column} - interval '1 day' WHERE ${id} = $1`, [
      orderId,
    ]);
  }
}

async function waitingForLocks(): Promise<number> {
  const { rows } = await shop.sql.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`,
  );
  return rows[0]?.count ?? 0;
}

describe('daily sales', () => {
  it('are counted from all kept events, also from those that came before anybody counted', async () => {
    expect(await differences()).not.toEqual([]);
    expect((await rebuild()).replayed).toBeGreaterThan(10);
    expect(await differences()).toEqual([]);
    // Whoever counts as they come may still get to hear them.
    const sales = salesConsumer();
    const types = sales.types === 'all' ? undefined : sales.types;
    const events = await shop.api.app.get(EventFeed).after(0, 1_000, types);
    await shop.api.app.get(ApplyEvents).execute(sales, events);
    expect(await differences()).toEqual([]);
  });

  it('follow the orders as their events come, while they are counted anew and are not', async () => {
    shop.api.app.get(EventConsumers).start();
    await sell();
    await eventually(async () => expect(await differences()).toEqual([]));
    await shop.sql.query('UPDATE sales.movements SET sold_amount = sold_amount + 1');
    const times = async (count: number, act: () => Promise<unknown>) => {
      for (let round = 0; round < count; round += 1) await act();
    };
    await Promise.all([times(2, () => sell()), times(4, rebuild)]);
    await eventually(async () => expect(await differences()).toEqual([]));
    const { rows } = await shop.sql.query('SELECT DISTINCT generation FROM sales.movements');
    expect(rows).toHaveLength(1);
  });

  it('of which the events are gone stay as they were counted', async () => {
    const { id } = await shop.placed({ lines: [line(kettle)] });
    await shop.settle();
    await eventually(async () => expect(await differences()).toEqual([]));
    const gone = await shop.sql.query(`DELETE FROM platform.outbox WHERE aggregate_id = $1 RETURNING *`, [
      id,
    ]);
    expect(await rebuild()).toMatchObject({ kept: 1 });
    expect(await differences()).toEqual([]);
    await shop.sql.query(
      `INSERT INTO platform.outbox OVERRIDING SYSTEM VALUE
       SELECT * FROM json_populate_recordset(NULL::platform.outbox, $1)`,
      [JSON.stringify(gone.rows)],
    );
  });

  it('lose nothing that is counted before a rebuild has them alone, and comes into the feed behind its look', async () => {
    const store = shop.api.app.get(SalesStore);
    const database = shop.api.app.get(Database);
    const [holdCurrentAlone, missing] = [store.holdCurrentAlone.bind(store), store.missing.bind(store)];
    const { id } = await shop.placed({ lines: [line(kettle)] });
    let isAlone = false;
    store.holdCurrentAlone = async () => {
      await database.outside(() => countBeforeTheFeed(id));
      isAlone = true;
      return holdCurrentAlone();
    };
    store.missing = async (...request) => {
      const ids = await missing(...request);
      if (isAlone) await database.outside(() => shop.relayEvents());
      return ids;
    };
    await rebuild();
    Object.assign(store, { holdCurrentAlone, missing });
    await eventually(async () => expect(await differences()).toEqual([]));
  });

  it('keep a rebuild waiting that would take their generation away while an event is counted', async () => {
    const store = shop.api.app.get(SalesStore);
    const database = shop.api.app.get(Database);
    const add = store.add.bind(store);
    const { id } = await shop.placed({ lines: [line(kettle)] });
    const current = await store.current();
    let rebuilt: Promise<unknown> | undefined;
    let hasEnded = false;
    store.add = async (generation, movements) => {
      if (generation === current && !rebuilt) {
        rebuilt = database.outside(rebuild).finally(() => (hasEnded = true));
        await eventually(async () => expect(hasEnded || (await waitingForLocks()) > 0).toBe(true));
      }
      return add(generation, movements);
    };
    await countBeforeTheFeed(id);
    await rebuilt;
    store.add = add;
    // Had the rebuild not waited, the order would be counted nowhere: it is not in the feed yet.
    expect(await differences()).toEqual([]);
    await shop.relayEvents();
  });

  it(
    'are counted anew without an event that cannot be read, which is named and counts as before',
    async () => {
      const { id } = await shop.placed({ lines: [line(kettle)] });
      await shop.settle();
      await eventually(async () => expect(await differences()).toEqual([]));
      const poison = `UPDATE platform.outbox SET data = jsonb_set(data, '{currency}', $2)
                     WHERE aggregate_id = $1 AND type = 'steelyard.order.confirmed.v1' RETURNING id`;
      const { rows } = await shop.sql.query<{ id: string }>(poison, [id, '"???"']);
      expect(await rebuild()).toMatchObject({ kept: 1, unreadable: rows.map((row) => row.id) });
      expect(await differences()).toEqual([]);
      const named = await rebuildByCommand();
      expect(named.end).toBe(1);
      expect(named.output).toMatch(
        new RegExp(`cannot be read and count as they did before:\\n  ${rows[0]!.id}\\n$`),
      );
      expect(await differences()).toEqual([]);
      await shop.sql.query(poison, [id, '"JPY"']);
      const mended = await rebuildByCommand();
      expect(mended).toEqual({
        end: 0,
        output: expect.stringMatching(
          /, 0 older ones kept as they were\nThe sales figures are those of the events now\.\n$/,
        ),
      });
    },
    PROCESSES_MS,
  );

  it('are not shown when a rebuild that began later has ended before', async () => {
    const feed = shop.api.app.get(EventFeed);
    const after = feed.after.bind(feed);
    const database = shop.api.app.get(Database);
    let isFirst = true;
    feed.after = async (...args) => {
      if (isFirst) {
        isFirst = false;
        await database.outside(rebuild);
      }
      return after(...args);
    };
    await expect(rebuild()).rejects.toThrow('later');
    feed.after = after;
    expect(await differences()).toEqual([]);
  });

  it('are listed per day, product and currency, the newest day first', async () => {
    const teapot = await shop.product({ price: 1_000 });
    const old = await shop.placed({ lines: [line(teapot, 2)] });
    const recent = await shop.placed({ lines: [line(teapot, 3), line(teapot)] });
    await shop.cancel(recent.id);
    await shop.settle();
    await moveToYesterday(old.id);
    await rebuild();
    const query = `?productId=${teapot.id}`;
    const { body } = await daily(query);
    expect(body).toEqual({
      data: [
        {
          ...{ day: dayBefore(0), productId: teapot.id, orders: 1 },
          ...{ soldQuantity: 4, gross: recent.total, canceledQuantity: 4, canceled: recent.total },
          ...{ returnedQuantity: 0, refunded: recent.total },
        },
        {
          ...{ day: dayBefore(1), productId: teapot.id, orders: 1, soldQuantity: 2, gross: old.total },
          ...{ canceledQuantity: 0, canceled: { amount: 0, currency: 'GBP' } },
          ...{ returnedQuantity: 0, refunded: { amount: 0, currency: 'GBP' } },
        },
      ],
      nextCursor: null,
    });
    const [first, second] = body.data as [object, object];
    const page = await daily(`${query}&limit=1`);
    expect(page.body.data).toEqual([first]);
    expect((await daily(`${query}&limit=1&cursor=${page.body.nextCursor}`)).body).toEqual({
      data: [second],
      nextCursor: null,
    });
    expect((await daily(`${query}&to=${dayBefore(1)}`)).body.data).toEqual([second]);
    expect((await daily(`${query}&from=${dayBefore(0)}`)).body.data).toEqual([first]);
    const { body: all } = await daily('?limit=100');
    const currencies = (all.data as { gross: { currency: string } }[]).map(({ gross }) => gross.currency);
    expect(new Set(currencies)).toEqual(new Set(['GBP', 'JPY']));
  });

  it.each([
    ['?from=2026-02-30', 'query:/from'],
    ['?from=0000-01-01', 'query:/from'],
    ['?to=0000-12-31', 'query:/to'],
    ['?to=yesterday', 'query:/to'],
    ['?productId=1', 'query:/productId'],
    ['?from=2026-02-02&to=2026-02-01', 'query:/from'],
  ])('%s is refused', async (query, pointer) => {
    expect(await daily(query)).toMatchObject({ status: 400, body: { errors: [{ pointer }] } });
  });
});

describe('what an event says about sales', () => {
  const event = (occurredAt: string, data: object, type = 'steelyard.order.confirmed.v1') => ({
    ...{ id: 'event', aggregate: 'order', aggregateId: 'order', sequence: 1 },
    ...{ type, occurredAt: new Date(occurredAt), data },
  });
  const productId = '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d12';
  const lines = [{ productId, quantity: 1, amount: 5 }];

  it('belongs to the UTC day on which it happened', () => {
    const days = ['2026-11-20T23:59:59.999Z', '2026-11-21T00:00:00.000Z'].flatMap((time) =>
      movementsOf(event(time, { currency: 'GBP', lines })),
    );
    expect(days.map(({ day }) => day)).toEqual(['2026-11-20', '2026-11-21']);
  });

  it('is nothing, where it is older than its lines or gives up what was never sold', () => {
    const time = '2026-11-20T12:00:00.000Z';
    expect(movementsOf(event(time, { currency: 'GBP' }))).toEqual([]);
    const given = { currency: 'GBP', previousStatus: 'pending_payment', lines };
    expect(movementsOf(event(time, given, 'steelyard.order.cancel_requested.v1'))).toEqual([]);
  });
});
