import { ENDPOINTS } from '../support/webhook-partner.js';
import { PRODUCT_CREATED, WebhookStage } from '../support/webhook-stage.js';

const PAGE_SIZE = 1_000;
const MAX_EVENTS = 20_000;
const EDGE_MS = 1_000;
/** Of so many events, the endpoint wants one. */
const WANTED_OF = 100;
/** When the first of them happened. */
const START_MS = Date.now() - 3_600_000;
const FILLING_TIMEOUT_MS = 60_000;

let stage: WebhookStage;

beforeAll(async () => {
  stage = await WebhookStage.open({ WORKER_POLL_MS: '60000' });
});
afterEach(async () => {
  await stage.shop.sql.query(`DELETE FROM platform.outbox WHERE aggregate = 'test'`);
  await stage.shop.sql.query(`UPDATE webhooks.endpoints SET status = 'deleted' WHERE status <> 'deleted'`);
});
afterAll(() => stage.close());

const at = (ms: number) => new Date(START_MS + ms).toISOString();

/**
 * So many events that have left, the n-th of them `n * everyMs` after the start. Their places in the feed are before all
 * others, so no consumer reads them.
 */
async function happened(count: number, everyMs: number): Promise<void> {
  await stage.shop.sql.query(
    `INSERT INTO platform.outbox
       (id, type, aggregate, aggregate_id, sequence, occurred_at, data, published_at, feed_position)
     SELECT (lpad(to_hex(ms), 12, '0') || '70008' || lpad(to_hex(n), 15, '0'))::uuid,
            CASE n % $5 WHEN 0 THEN $4 ELSE 'steelyard.test.happened.v1' END,
            'test', gen_random_uuid(), 1, to_timestamp(ms / 1000.0), '{}', now(), n - $1::bigint - 1
       FROM generate_series(1, $1::bigint) n, LATERAL (SELECT $2::bigint + n * $3::int AS ms) times`,
    [count, START_MS, everyMs, PRODUCT_CREATED, WANTED_OF],
  );
}

async function replay(
  endpointId: string,
  range: object,
): Promise<{ deliveries: number; continueAfter: string | null }> {
  const { status, body } = await stage.call('POST', `${ENDPOINTS}/${endpointId}/replay`, range);
  expect(status).toBe(202);
  return body as { deliveries: number; continueAfter: string | null };
}

/** How many of the events that an endpoint wants it is not going to get. */
async function missing(endpointId: string): Promise<number> {
  const { rows } = await stage.shop.sql.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM platform.outbox o WHERE aggregate = 'test' AND type = $2
        AND NOT EXISTS (SELECT FROM webhooks.deliveries WHERE endpoint_id = $1 AND event_id = o.id)`,
    [endpointId, PRODUCT_CREATED],
  );
  return rows[0]!.count;
}

const endpoint = async () => (await stage.endpoint(stage.partner.inbox())).id;

describe('of events that have happened', () => {
  it(
    'one call looks at more than are read at once, and at no more than its bound',
    async () => {
      await happened(MAX_EVENTS + PAGE_SIZE, 1);
      const few = await endpoint();
      const range = { after: at(0), before: at(2.5 * PAGE_SIZE + 1) };
      expect(await replay(few, range)).toEqual({
        deliveries: (2.5 * PAGE_SIZE) / WANTED_OF,
        continueAfter: null,
      });

      const all = await endpoint();
      expect(await replay(all, { after: at(0) })).toEqual({
        deliveries: MAX_EVENTS / WANTED_OF,
        continueAfter: at(MAX_EVENTS - EDGE_MS),
      });
    },
    FILLING_TIMEOUT_MS,
  );

  it(
    'none is left out for whoever goes on as they are told, also where an id is later and its time is not',
    async () => {
      await happened(MAX_EVENTS + PAGE_SIZE, 1);
      // The first that the first call does not look at.
      await stage.shop.sql.query(
        `UPDATE platform.outbox SET type = $1, occurred_at = occurred_at - interval '200 ms'
          WHERE aggregate = 'test' AND occurred_at = $2`,
        [PRODUCT_CREATED, at(MAX_EVENTS + 1)],
      );
      const id = await endpoint();
      const { continueAfter } = await replay(id, { after: at(0) });
      expect(await missing(id)).toBe(1 + PAGE_SIZE / WANTED_OF);
      expect(await replay(id, { after: continueAfter })).toMatchObject({ continueAfter: null });
      expect(await missing(id)).toBe(0);
    },
    FILLING_TIMEOUT_MS,
  );

  it(
    'so many at once that a call gets no further by its bound are looked at together',
    async () => {
      await happened(MAX_EVENTS + PAGE_SIZE, 0);
      const id = await endpoint();
      const deliveries = (MAX_EVENTS + PAGE_SIZE) / WANTED_OF;
      expect(await replay(id, { after: at(0), before: at(1) })).toEqual({ deliveries, continueAfter: null });
    },
    FILLING_TIMEOUT_MS,
  );
});
