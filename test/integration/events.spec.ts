import { setTimeout as delay } from 'node:timers/promises';
import { Clock, newId } from '#kernel';
import { Database, Notifications } from '#platform/database';
import { armFailpoints } from '#platform/failpoints';
import {
  ApplyEvents,
  type Consumer,
  EventBus,
  EventConsumers,
  EventFeed,
  EventTransport,
  type IntegrationEvent,
  MeasureEvents,
  Outbox,
  OutboxRelay,
  ParkedEvents,
  PruneEvents,
} from '#platform/messaging';
import { Client } from 'pg';
import { PinoLogger } from 'nestjs-pino';
import { register } from 'prom-client';
import { MAX_ATTEMPTS } from '../../libs/platform/src/messaging/consumers/parked-events.js';
import { eventually } from '../support/eventually.js';
import { Shop } from '../support/shop.js';

const HOUR_MS = 3_600_000;

let shop: Shop;
/** The events that the consumer has applied, in order. */
const applied: IntegrationEvent[] = [];
/** Aggregates whose events it cannot apply. */
const poisoned = new Set<string>();

const watcher: Consumer = {
  name: 'test.watcher',
  types: ['placed', 'confirmed', 'cancel_requested', 'canceled', 'refunded'].map(
    (verb) => `steelyard.order.${verb}.v1`,
  ),
  apply: (event) => {
    if (poisoned.has(event.aggregateId)) return Promise.reject(new Error('cannot be applied'));
    applied.push(event);
    return Promise.resolve();
  },
};

beforeAll(async () => {
  shop = await Shop.open();
  shop.api.app.get(EventBus).consume(watcher);
  shop.api.app.get(EventConsumers).start();
});

afterAll(async () => {
  await shop.api.app.get(EventConsumers).stop(5_000);
  await shop.close();
});

const sequencesOf = (id: string) =>
  applied.filter(({ aggregateId }) => aggregateId === id).map(({ sequence }) => sequence);

/** An order of which two things have happened; all its events have left. */
async function twoEvents(): Promise<string> {
  const { id } = await shop.placed();
  await shop.relayEvents();
  return id as string;
}

const parked = () => shop.api.app.get(ParkedEvents);
const retryAll = async () => {
  const apply = shop.api.app.get(ApplyEvents);
  while (await apply.retryOne());
};
async function parkedOf(id: string): Promise<object[]> {
  const { rows } = await shop.sql.query<object>(
    `SELECT sequence::int, status, attempts FROM platform.parked_events WHERE aggregate_id = $1 ORDER BY sequence`,
    [id],
  );
  return rows;
}

describe('events', () => {
  it('reach a consumer in the order of their aggregate, once', async () => {
    const id = await twoEvents();
    await eventually(() => expect(sequencesOf(id)).toEqual([1, 2]));
    expect(applied.find(({ aggregateId }) => aggregateId === id)).toMatchObject({
      type: 'steelyard.order.placed.v1',
      aggregate: 'order',
      data: { orderId: id },
    });
  });

  it('carry the trace of what caused them, and nothing else that calls itself one', async () => {
    const trace = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    for (const [sent, kept] of [
      [trace, trace],
      ['x'.repeat(2_000), undefined],
    ] as const) {
      const { id } = await shop.placed({}, { headers: { traceparent: sent } });
      await shop.relayEvents();
      await eventually(() => expect(sequencesOf(id as string)).toEqual([1, 2]));
      const traces = applied
        .filter(({ aggregateId }) => aggregateId === id)
        .map((event) => event.traceparent);
      expect(traces.map((found) => found ?? undefined)).toEqual([kept, kept]);
    }
  });

  it('that left before a relay failed are there for whoever begins to read only then', async () => {
    const got: string[] = [];
    const late = { name: 'test.late', types: ['steelyard.order.placed.v1'], apply: () => Promise.resolve() };
    shop.api.app.get(EventBus).consume(late);
    const { id } = await shop.placed();
    armFailpoints('messaging.relay.marked=error');
    try {
      await expect(shop.api.app.get(OutboxRelay).relayBatch()).rejects.toThrow('messaging.relay.marked');
    } finally {
      armFailpoints('');
    }
    const subscription = await shop.api.app.get(EventTransport).subscribe(late, async (events) => {
      got.push(...events.map(({ aggregateId }) => aggregateId));
    });
    try {
      await shop.relayEvents();
      await eventually(() => expect(got).toContain(id));
    } finally {
      await subscription.stop(5_000);
    }
  });

  it('that are brought again have no second effect', async () => {
    const id = await twoEvents();
    await eventually(() => expect(sequencesOf(id)).toEqual([1, 2]));
    const events = await shop.eventsOf('order', id);
    await shop.api.app.get(ApplyEvents).execute(watcher, events);
    await shop.api.app.get(ApplyEvents).execute(watcher, events.slice(1));
    expect(sequencesOf(id)).toEqual([1, 2]);
    const metrics = await register.metrics();
    expect(metrics).toMatch(/^broker_messages_total\{consumer="test.watcher",outcome="duplicate"\} [1-9]/m);
  });

  it('are measured: how long applying takes, and how many wait', async () => {
    const id = await twoEvents();
    await eventually(() => expect(sequencesOf(id)).toEqual([1, 2]));
    await eventually(async () => {
      await shop.api.app.get(MeasureEvents).execute();
      const metrics = await register.metrics();
      expect(metrics).toMatch(/^broker_process_seconds_count\{consumer="test.watcher"\} [1-9]/m);
      expect(metrics).toMatch(/^broker_consumer_lag\{consumer="test.watcher"\} 0$/m);
    });
  });

  it('are measured while they wait to leave, and counted when they leave, or fail to', async () => {
    await shop.relayEvents();
    const measured = async () => {
      await shop.api.app.get(MeasureEvents).execute();
      const metrics = await register.metrics();
      const valueOf = (series: string) => Number(metrics.split(`\n${series} `)[1]?.split('\n')[0] ?? 0);
      return {
        pending: valueOf('outbox_pending'),
        oldestSeconds: valueOf('outbox_oldest_seconds'),
        published: valueOf('outbox_relay_total{transport="postgres",outcome="published"}'),
        failed: valueOf('outbox_relay_total{transport="postgres",outcome="failed"}'),
      };
    };
    const before = await measured();
    expect(before).toMatchObject({ pending: 0, oldestSeconds: 0 });
    await shop.sql.query(
      `INSERT INTO platform.outbox (id, type, aggregate, aggregate_id, sequence, occurred_at, data)
       SELECT uuidv7(), 'steelyard.test.happened.v1', 'test', $1, n, now() - n * interval '1 minute', '{}'
         FROM generate_series(1, 2) n`,
      [newId()],
    );
    const waiting = await measured();
    expect(waiting).toMatchObject({ pending: 2 });
    expect(waiting.oldestSeconds).toBeGreaterThanOrEqual(120);
    expect(waiting.oldestSeconds).toBeLessThan(180);

    const transport = shop.api.app.get(EventTransport);
    const publish = transport.publish.bind(transport);
    transport.publish = () => Promise.reject(new Error('The broker is away'));
    try {
      await expect(shop.relayEvents()).rejects.toThrow('The broker is away');
    } finally {
      transport.publish = publish;
    }
    expect(await measured()).toMatchObject({ pending: 2, failed: before.failed + 2 });
    await shop.relayEvents();
    expect(await measured()).toEqual({
      ...{ pending: 0, oldestSeconds: 0 },
      ...{ published: before.published + 2, failed: before.failed + 2 },
    });
    await shop.sql.query(`DELETE FROM platform.outbox WHERE aggregate = 'test'`);
  });

  it('that no consumer of a type wants are not looked at again and again', async () => {
    const rare = { name: 'test.rare', types: ['steelyard.test.rare.v1'] };
    const subscription = await shop.api.app.get(EventTransport).subscribe(rare, () => Promise.resolve());
    await shop.sql.query(
      `INSERT INTO platform.outbox (id, type, aggregate, aggregate_id, sequence, occurred_at, data)
       SELECT uuidv7(), 'steelyard.test.happened.v1', 'test', uuidv7(), 1, now(), '{}' FROM generate_series(1, 600)`,
    );
    await shop.relayEvents();
    await eventually(async () => {
      const { rows } = await shop.sql.query(`SELECT 1 FROM platform.consumer_positions
        WHERE consumer = 'test.rare' AND position >= (SELECT max(feed_position) - 600 FROM platform.outbox)`);
      expect(rows).toHaveLength(1);
    });
    await subscription.stop(5_000);
    await shop.sql.query(`DELETE FROM platform.outbox WHERE aggregate = 'test'`);
  });

  it('that are under way are applied before the consumers have stopped', async () => {
    const { app } = shop.api;
    const bus = new EventBus(app.get(Database), app.get(Clock), app.get(Notifications));
    const order: string[] = [];
    const begun = Promise.withResolvers<undefined>();
    bus.consume({
      name: 'test.slow',
      types: ['steelyard.order.placed.v1'],
      apply: async () => {
        begun.resolve(undefined);
        await delay(100);
        order.push('applied');
      },
    });
    const logger = await app.resolve<PinoLogger>(PinoLogger, undefined, { strict: false });
    const consumers = new EventConsumers(bus, app.get(EventTransport), app.get(ApplyEvents), logger);
    consumers.start();
    await eventually(async () => {
      const { rows } = await shop.sql.query(
        `SELECT 1 FROM platform.consumer_positions WHERE consumer = 'test.slow'`,
      );
      expect(rows).toHaveLength(1);
    });
    await shop.placed();
    await shop.relayEvents();
    await begun.promise;
    await consumers.stop(5_000);
    order.push('stopped');
    expect(order).toEqual(['applied', 'stopped']);
    const { rows } = await shop.sql.query(`SELECT 1 FROM platform.inbox WHERE consumer = 'test.slow'`);
    expect(rows).toHaveLength(1);
  });

  it('that come twice at once are applied once, in their order', async () => {
    const [known] = await shop.eventsOf('order', await twoEvents());
    const aggregateId = newId();
    const [first, second] = [1, 2].map((sequence) => ({ ...known!, id: newId(), aggregateId, sequence }));
    await shop.api.app.get(ApplyEvents).execute(watcher, [first!, second!, first!, second!]);
    expect(sequencesOf(aggregateId)).toEqual([1, 2]);
  });

  it('that cannot be applied hold up their aggregate and nothing else, and are applied in order when they can', async () => {
    const stuck = (await shop.placed()).id as string;
    poisoned.add(stuck);
    const free = await twoEvents();
    await eventually(() => expect(sequencesOf(free)).toEqual([1, 2]));
    await eventually(async () =>
      expect(await parkedOf(stuck)).toEqual([
        { sequence: 1, status: 'retrying', attempts: 1 },
        { sequence: 2, status: 'waiting', attempts: 0 },
      ]),
    );
    await retryAll();
    expect(await parkedOf(stuck)).toMatchObject([{ attempts: 1 }, { attempts: 0 }]);
    // What comes now waits behind, though it could be applied.
    poisoned.delete(stuck);
    await shop.cancel(stuck);
    await shop.relayEvents();
    await eventually(async () => expect((await parkedOf(stuck)).length).toBeGreaterThan(2));
    expect(sequencesOf(stuck)).toEqual([]);
    await shop.later(HOUR_MS, retryAll);
    expect(await parkedOf(stuck)).toEqual([]);
    expect(sequencesOf(stuck)).toEqual(sequencesOf(stuck).map((_, index) => index + 1));
    expect(sequencesOf(stuck).length).toBeGreaterThan(2);
  });

  it('are given up after many tries, told as dead letters, and tried again when somebody says so', async () => {
    const stuck = (await shop.placed()).id as string;
    poisoned.add(stuck);
    await shop.relayEvents();
    await eventually(async () => expect(await parkedOf(stuck)).toHaveLength(2));
    for (let tries = 2; tries <= MAX_ATTEMPTS; tries += 1) await shop.later(tries * HOUR_MS, retryAll);
    expect(await parkedOf(stuck)).toEqual([
      { sequence: 1, status: 'dead', attempts: MAX_ATTEMPTS },
      { sequence: 2, status: 'waiting', attempts: 0 },
    ]);
    const { data } = await parked().listDead({ consumer: watcher.name }, { limit: 10 });
    expect(data).toMatchObject([
      {
        consumer: watcher.name,
        error: 'Error: cannot be applied',
        attempts: MAX_ATTEMPTS,
        waitingBehind: 1,
        event: { specversion: '1.0', type: 'steelyard.order.placed.v1', subject: stuck, sequence: '1' },
      },
    ]);
    expect(await parked().redrive({ type: 'steelyard.order.canceled.v1' })).toBe(0);
    poisoned.delete(stuck);
    expect(await parked().redrive({ consumer: watcher.name, eventIds: [data[0]!.event.id] })).toBe(1);
    await retryAll();
    expect(sequencesOf(stuck)).toEqual([1, 2]);
  });

  it('that nobody will ever apply can be discarded, and those behind them go on', async () => {
    const stuck = (await shop.placed()).id as string;
    const [first] = await eventually(async () => {
      await shop.relayEvents();
      const events = await shop.eventsOf('order', stuck);
      expect(events).toHaveLength(2);
      return events;
    });
    // As if the first one had been given up: dead, and never applied.
    await eventually(() => expect(sequencesOf(stuck)).toEqual([1, 2]));
    // The watcher has it before it is noted as applied.
    await eventually(async () => {
      const { rowCount } = await shop.sql.query('DELETE FROM platform.inbox WHERE event_id = $1', [
        first!.id,
      ]);
      expect(rowCount).toBeGreaterThan(0);
    });
    await parked().park(watcher.name, [first!], new Error('poison'));
    await shop.sql.query(`UPDATE platform.parked_events SET status = 'dead' WHERE event_id = $1`, [
      first!.id,
    ]);
    await parked().discard(watcher.name, first!.id);
    await expect(parked().discard(watcher.name, first!.id)).rejects.toMatchObject({
      code: 'dead_letter_not_found',
    });
    await shop.api.app.get(ApplyEvents).execute(watcher, [first!]);
    expect(sequencesOf(stuck)).toEqual([1, 2]);
  });
});

describe('the relay', () => {
  it('shares the work with others: each event leaves once, and each aggregate in order', async () => {
    const ids = Array.from({ length: 60 }, newId);
    await shop.sql.query(
      `INSERT INTO platform.outbox (id, type, aggregate, aggregate_id, sequence, occurred_at, data)
       SELECT uuidv7(), 'steelyard.test.happened.v1', 'test', id, n, now(), '{}'
         FROM generate_series(1, 50) n, unnest($1::uuid[]) id`,
      [ids],
    );
    const relay = shop.api.app.get(OutboxRelay);
    const relayUntilNothing = async () => {
      let count = 0;
      for (let done = 1; done > 0; count += done) done = await relay.relayBatch();
      return count;
    };
    const counts = await Promise.all([1, 2, 3].map(relayUntilNothing));
    expect(counts.reduce((sum, count) => sum + count, 0) + (await relayUntilNothing())).toBe(3_000);
    const { rows } = await shop.sql.query(
      `SELECT aggregate_id FROM (
         SELECT aggregate_id, sequence, row_number() OVER (PARTITION BY aggregate_id ORDER BY feed_position) AS n
           FROM platform.outbox WHERE aggregate = 'test' AND feed_position IS NOT NULL) ordered WHERE sequence <> n`,
    );
    expect(rows).toEqual([]);
    await shop.sql.query(`DELETE FROM platform.outbox WHERE aggregate = 'test'`);
  });

  it('puts what commits late behind what left before, so that no reader of the feed misses it', async () => {
    const feed = shop.api.app.get(EventFeed);
    const slow = new Client({ connectionString: shop.api.database.url });
    await slow.connect();
    try {
      await slow.query('BEGIN');
      await slow.query(
        `INSERT INTO platform.outbox (id, type, aggregate, aggregate_id, sequence, occurred_at, data)
         VALUES (uuidv7(), 'steelyard.test.late.v1', 'test', $1, 1, now(), '{}')`,
        [newId()],
      );
      await twoEvents();
      const readUpTo = await feed.end();
      await slow.query('COMMIT');
      await shop.relayEvents();
      const news = await feed.after(readUpTo, 10);
      expect(news.map(({ type }) => type)).toEqual(['steelyard.test.late.v1']);
    } finally {
      await slow.end();
      await shop.sql.query(`DELETE FROM platform.outbox WHERE aggregate = 'test'`);
    }
  });

  it('gives places in the feed to one relay at a time, or a reader would pass by what commits later', async () => {
    const { app } = shop.api;
    const [database, outbox, feed] = [app.get(Database), app.get(Outbox), app.get(EventFeed)];
    const { rows } = await shop.sql.query<{ id: string }>(
      `INSERT INTO platform.outbox (id, type, aggregate, aggregate_id, sequence, occurred_at, data)
       SELECT uuidv7(), 'steelyard.test.happened.v1', 'test', uuidv7(), 1, now(), '{}' FROM generate_series(1, 2)
       RETURNING id`,
    );
    const [early, late] = rows.map(({ id }) => id);
    const readUpTo = await feed.end();
    const [marked, released] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
    const first = database.transaction(async () => {
      await outbox.markPublished([early!]);
      marked.resolve(undefined);
      await released.promise;
    });
    try {
      await marked.promise;
      const second = database.transaction(() => outbox.markPublished([late!]));
      await eventually(async () => {
        const waiting = await shop.sql.query(`SELECT 1 FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event_type = 'Lock'`);
        expect(waiting.rows).toHaveLength(1);
      });
      expect(await feed.after(readUpTo, 10)).toEqual([]);
      released.resolve(undefined);
      await Promise.all([first, second]);
      expect((await feed.after(readUpTo, 10)).map(({ id }) => id)).toEqual([early, late]);
    } finally {
      released.resolve(undefined);
      await first;
      await shop.sql.query(`DELETE FROM platform.outbox WHERE aggregate = 'test'`);
    }
  });

  it('leaves nothing behind for ever: what left long ago is pruned, the oldest first, once all consumers have read it', async () => {
    await twoEvents();
    const { app } = shop.api;
    const outbox = app.get(Outbox);
    const prune = app.get(PruneEvents);
    // Nothing reads for it, so it stays where it is.
    app.get(EventBus).consume({ name: 'test.behind', types: [], apply: () => Promise.resolve() });
    // Events of their own, in front of all others: the order's are still asked for when the shop closes.
    const { rows: oldest } = await shop.sql.query<{ id: string }>(
      `INSERT INTO platform.outbox (id, type, aggregate, aggregate_id, sequence, occurred_at, data, published_at, feed_position)
       SELECT uuidv7(), 'steelyard.test.happened.v1', 'test', uuidv7(), 1, now(), '{}', now(), n
         FROM generate_series(-4, -1) n RETURNING id`,
    );
    const left = async () =>
      (await shop.sql.query<{ id: string }>(`SELECT id FROM platform.outbox WHERE aggregate = 'test'`)).rows;
    await shop.sql.query(`INSERT INTO platform.consumer_positions VALUES ('test.behind', -4)`);
    expect(await outbox.prune(3_600, 3)).toBe(0);
    await shop.sql.query(`UPDATE platform.outbox SET published_at = published_at - interval '2 hours'`);
    try {
      expect(await prune.execute(3_600, 3)).toBe(1);
      expect(await prune.execute(3_600, 3)).toBe(0);
      expect(await left()).toEqual(oldest.slice(1));
      await shop.sql.query(`DELETE FROM platform.consumer_positions WHERE consumer = 'test.behind'`);
      expect(await prune.execute(3_600, 2)).toBe(2);
      expect(await left()).toEqual(oldest.slice(3));
    } finally {
      await shop.sql.query(`UPDATE platform.outbox SET published_at = published_at + interval '2 hours'`);
      await shop.sql.query(`DELETE FROM platform.outbox WHERE aggregate = 'test'`);
    }
  });
});
