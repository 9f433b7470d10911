import { newId } from '#kernel';
import { Config } from '#platform/config';
import { Notifications } from '#platform/database';
import { type Consumer, EventBus, EventConsumers, EventRelays, OutboxRelay } from '#platform/messaging';
import { PinoLogger } from 'nestjs-pino';
import { eventually } from '../support/eventually.js';
import { Shop } from '../support/shop.js';

/** A relay that looks this seldom finds nothing within the time of a test: it has to be told. */
const SELDOM_MS = 60_000;
const STOP_GRACE_MS = 5_000;
const ORDERS = 10;
/** Half of what as many sweeps of a consumer take, of one second each. */
const TOLD_WITHIN_MS = 5_000;

let shop: Shop;
/** The aggregates whose events the consumer has applied, in order. */
const applied: string[] = [];

const watcher: Consumer = {
  name: 'test.watcher',
  types: ['steelyard.order.placed.v1', 'steelyard.order.confirmed.v1', 'steelyard.test.happened.v1'],
  apply: ({ aggregateId }) => Promise.resolve(void applied.push(aggregateId)),
};

beforeAll(async () => {
  shop = await Shop.open({ WORKER_POLL_MS: String(SELDOM_MS) });
  const { app } = shop.api;
  app.get(EventBus).consume(watcher);
  app.get(EventRelays).start();
  app.get(EventConsumers).start();
});

afterAll(async () => {
  const { app } = shop.api;
  await app.get(EventRelays).stop(STOP_GRACE_MS);
  await app.get(EventConsumers).stop(STOP_GRACE_MS);
  await shop.sql.query(`DELETE FROM platform.outbox WHERE aggregate = 'test'`);
  await shop.close();
});

const timesApplied = (id: string) => applied.filter((aggregateId) => aggregateId === id).length;

/** Places an order and returns how long it took from then until the consumer had applied all that has happened. */
async function msUntilApplied(): Promise<number> {
  const { id } = await shop.placed();
  const placedAt = performance.now();
  await eventually(() => expect(timesApplied(id as string)).toBe(2));
  return performance.now() - placedAt;
}

describe('events that are announced', () => {
  it('leave and reach a consumer at once, though nobody looks for them by then', async () => {
    // Whoever begins to listen looks once by itself, which may find the first.
    await msUntilApplied();
    let waitedMs = 0;
    for (let order = 1; order <= ORDERS; order += 1) waitedMs += await msUntilApplied();
    expect(waitedMs).toBeLessThan(TOLD_WITHIN_MS);
  });
});

describe('events of which nobody has told, as when the connection was away', () => {
  /** As a process leaves it behind that dies right after its commit. */
  async function happensInSilence(placeInFeed: string): Promise<string> {
    const id = newId();
    await shop.sql.query(
      `INSERT INTO platform.outbox (id, type, aggregate, aggregate_id, sequence, occurred_at, data, published_at, feed_position)
       SELECT uuidv7(), 'steelyard.test.happened.v1', 'test', $1, 1, now(), '{}', CASE WHEN place IS NOT NULL THEN now() END, place
         FROM (SELECT ${placeInFeed} AS place) places`,
      [id],
    );
    return id;
  }

  it('leave by the next look of a relay', async () => {
    const { app } = shop.api;
    const settings = { ...app.get(Config).settings, WORKER_POLL_MS: 50 };
    const logger = await app.resolve<PinoLogger>(PinoLogger, undefined, { strict: false });
    const relays = new EventRelays(
      app.get(OutboxRelay),
      app.get(Notifications),
      new Config(settings),
      logger,
    );
    await msUntilApplied();
    relays.start();
    try {
      // The first look of all, and the one that follows what was found, cannot find all of them.
      for (let event = 1; event <= 5; event += 1) {
        const id = await happensInSilence('NULL::bigint');
        await eventually(() => expect(timesApplied(id)).toBe(1));
      }
    } finally {
      await relays.stop(STOP_GRACE_MS);
    }
  });

  it('are found by the next look of a consumer', async () => {
    await msUntilApplied();
    const id = await happensInSilence(`nextval('platform.feed_position')`);
    await eventually(() => expect(timesApplied(id)).toBe(1));
  });
});
