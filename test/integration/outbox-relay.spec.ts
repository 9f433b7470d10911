import { EventBus, OutboxRelay } from '#platform/messaging';
import { Shop } from '../support/shop.js';

let shop: Shop;
/** The events that the consumer has applied, in order. */
const applied: { aggregateId: string; sequence: number }[] = [];
/** Aggregates whose events it cannot apply. */
const poisoned = new Set<string>();

beforeAll(async () => {
  shop = await Shop.open();
  const types = ['placed', 'confirmed', 'cancel_requested', 'canceled', 'refunded', 'payment_declined'];
  shop.api.app.get(EventBus).consume({
    name: 'test.watcher',
    types: types.map((verb) => `steelyard.order.${verb}.v1`),
    apply: ({ aggregateId, sequence }) => {
      if (poisoned.has(aggregateId)) return Promise.reject(new Error('cannot be applied'));
      applied.push({ aggregateId, sequence });
      return Promise.resolve();
    },
  });
});

afterAll(() => shop.close());

const sequencesOf = (id: string) =>
  applied.filter(({ aggregateId }) => aggregateId === id).map(({ sequence }) => sequence);

const relayAll = async () => {
  const relay = shop.api.app.get(OutboxRelay);
  while ((await relay.relayBatch()) > 0);
};

describe('the relay', () => {
  it('delivers the events of an aggregate in order, once', async () => {
    const { id } = await shop.placed();
    await relayAll();
    await relayAll();
    expect(sequencesOf(id)).toEqual([1, 2]);
  });

  it('delivers nothing twice when it died before it had marked what it delivered', async () => {
    const { id } = await shop.placed();
    await relayAll();
    await shop.sql.query('UPDATE platform.outbox SET published_at = NULL WHERE aggregate_id = $1', [id]);
    await relayAll();
    expect(sequencesOf(id)).toEqual([1, 2]);
  });

  it('holds back the later events of an aggregate whose consumer fails, and nothing else', async () => {
    const stuck = await shop.placed();
    poisoned.add(stuck.id as string);
    const free = await shop.placed();
    await relayAll();
    expect(sequencesOf(stuck.id as string)).toEqual([]);
    expect(sequencesOf(free.id as string)).toEqual([1, 2]);
    poisoned.delete(stuck.id as string);
    await relayAll();
    expect(sequencesOf(stuck.id as string)).toEqual([1, 2]);
  });

  it('gets past more held-back events than fit into a batch', async () => {
    const stuck = await shop.placed();
    poisoned.add(stuck.id as string);
    await shop.sql.query(
      `INSERT INTO platform.outbox (id, type, aggregate, aggregate_id, sequence, occurred_at, data)
       SELECT uuidv7(), 'steelyard.order.refunded.v1', 'test', $1, n, now(), '{}' FROM generate_series(1, 600) n`,
      [stuck.id],
    );
    const free = await shop.placed();
    await relayAll();
    expect(sequencesOf(free.id as string)).toEqual([1, 2]);
    await shop.sql.query(`DELETE FROM platform.outbox WHERE aggregate = 'test'`);
    poisoned.delete(stuck.id as string);
  });
});
