import { ApplyEvents, ParkedEvents } from '#platform/messaging';
import { generateAppSecret, generateSigningKeys } from '#platform/security';
import { MAX_ATTEMPTS } from '../../libs/platform/src/messaging/consumers/parked-events.js';
import { eventually } from '../support/eventually.js';
import { Shop } from '../support/shop.js';
import { spawnApp, type SpawnedApp } from '../support/spawn-app.js';

const CONSUMER = 'webhooks.fan-out';
/** Workers start and end one after the other. */
const PROCESSES_MS = 240_000;
/** What a worker does in a second or two, on a machine with other work. */
const LATEST_MS = 60_000;

let shop: Shop;
let secrets: Record<'APP_SECRET' | 'SIGNING_KEYS', string>;
beforeAll(async () => {
  shop = await Shop.open();
  secrets = { APP_SECRET: generateAppSecret(), SIGNING_KEYS: await generateSigningKeys() };
});
afterAll(() => shop.close());

/** A worker that ends as soon as the consumer applies this event. */
function workerThatDiesOf(eventId: string): SpawnedApp {
  return spawnApp('apps/worker/src/main.ts', {
    preload: 'test/support/die-of-event.mjs',
    env: {
      DATABASE_URL: shop.api.database.url,
      ...secrets,
      WORKER_POLL_MS: '50',
      MANAGEMENT_PORT: '0',
      DIES_OF: `${CONSUMER} ${eventId}`,
    },
  });
}

async function parkedAs(eventId: string): Promise<object[]> {
  const { rows } = await shop.sql.query<object>(
    'SELECT status, attempts FROM platform.parked_events WHERE consumer = $1 AND event_id = $2',
    [CONSUMER, eventId],
  );
  return rows;
}

/** The next try need not be waited for, and is the last but this many. */
async function hurry(eventId: string, triesLeft: number): Promise<void> {
  await shop.sql.query(
    `UPDATE platform.parked_events SET attempts = $3, next_attempt_at = now() - interval '1 second'
      WHERE consumer = $1 AND event_id = $2`,
    [CONSUMER, eventId, MAX_ATTEMPTS - triesLeft],
  );
}

describe('an event that ends the process which applies it', () => {
  it(
    'is put aside by the second one that begins with it, then tried a bounded number of times',
    async () => {
      const orders: string[] = [];
      for (let count = 0; count < 3; count += 1) orders.push((await shop.placed()).id as string);
      await shop.relayEvents();
      const [deadly] = await shop.eventsOf('order', orders[1]!);
      const id = deadly!.id;

      // The first one leaves no more than a note that it has begun.
      expect(await workerThatDiesOf(id).ended).toBe('SIGKILL');
      expect(await parkedAs(id)).toEqual([]);
      // The second one puts all of it aside; its first try of this event is its end, and is counted.
      expect(await workerThatDiesOf(id).ended).toBe('SIGKILL');
      expect(await parkedAs(id)).toEqual([{ status: 'retrying', attempts: 1 }]);
      await hurry(id, 1);
      expect(await workerThatDiesOf(id).ended).toBe('SIGKILL');
      expect(await parkedAs(id)).toEqual([{ status: 'retrying', attempts: MAX_ATTEMPTS }]);
      await hurry(id, 0);

      const worker = workerThatDiesOf(id);
      try {
        await worker.wrote(/The worker works/);
        await eventually(
          async () => expect(await parkedAs(id)).toEqual([{ status: 'dead', attempts: MAX_ATTEMPTS }]),
          LATEST_MS,
        );
        // Whatever was cut off together with it is due a minute later.
        await shop.sql.query(
          `UPDATE platform.parked_events SET next_attempt_at = now() WHERE status = 'retrying'`,
        );
        await eventually(async () => {
          const { rows } = await shop.sql.query<object>(
            'SELECT consumer, aggregate_id AS order, status FROM platform.parked_events ORDER BY sequence',
          );
          expect(rows).toEqual([
            { consumer: CONSUMER, order: orders[1], status: 'dead' },
            { consumer: CONSUMER, order: orders[1], status: 'waiting' },
          ]);
          const { rows: notes } = await shop.sql.query('SELECT FROM platform.first_batches');
          expect(notes).toEqual([]);
        }, LATEST_MS);
      } finally {
        expect(await worker.end('SIGTERM')).toBe(0);
      }
      const heard = await shop.sql.query<{ order: string }>(
        `SELECT DISTINCT o.aggregate_id AS order FROM platform.inbox i JOIN platform.outbox o ON o.id = i.event_id
          WHERE i.consumer = $1 AND o.aggregate = 'order'`,
        [CONSUMER],
      );
      expect(heard.rows.map(({ order }) => order).sort()).toEqual([orders[0], orders[2]].sort());

      // Where it is not deadly any more, it is applied when somebody says so.
      expect(await shop.api.app.get(ParkedEvents).redrive({ consumer: CONSUMER })).toBe(1);
      while (await shop.api.app.get(ApplyEvents).retryOne());
      expect(await parkedAs(id)).toEqual([]);
    },
    PROCESSES_MS,
  );
});
