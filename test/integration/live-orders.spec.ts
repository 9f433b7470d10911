import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Clock, newId } from '#kernel';
import { Config, type Settings } from '#platform/config';
import { currentContext } from '#platform/context';
import { Database } from '#platform/database';
import { Lifecycle } from '#platform/lifecycle';
import { EventFeed } from '#platform/messaging';
import { FindOrders } from '../../libs/orders/src/application/find-orders.js';
import { register } from 'prom-client';
import { createApi } from '../../apps/api/src/create-api.js';
import { eventually } from '../support/eventually.js';
import { ORDERS, type Person, Shop } from '../support/shop.js';
import { StreamReader } from '../support/stream-reader.js';

const HOUR_MS = 3_600_000;
const REQUEST_TIMEOUT_MS = 700;
const MAX_PER_CALLER = 3;

/** The process where orders are placed, and another on the same database where they are watched. */
let shop: Shop;
let other: NestFastifyApplication;
let otherUrl: string;
const readers: StreamReader[] = [];

beforeAll(async () => {
  shop = await Shop.open({
    REQUEST_TIMEOUT_MS: String(REQUEST_TIMEOUT_MS),
    EVENT_STREAM_HEARTBEAT_SECONDS: '1',
    EVENT_STREAMS_MAX_PER_CALLER: String(MAX_PER_CALLER),
    EVENT_STREAMS_MAX: '5',
    GATEWAY_TIMEOUT_MS: '400',
  });
  ({ app: other, url: otherUrl } = await anotherProcess());
});
afterEach(() => {
  for (const reader of readers.splice(0)) reader.close();
});
afterAll(async () => {
  await other.close();
  await shop.close();
});

async function anotherProcess(
  settings: Partial<Settings> = {},
): Promise<{ app: NestFastifyApplication; url: string }> {
  const app = await createApi({ ...shop.api.app.get(Config).settings, ...settings });
  await app.listen(0, '127.0.0.1');
  return { app, url: await app.getUrl() };
}

const bearer = ({ token }: Person) => ({ authorization: `Bearer ${token}` });

interface Way {
  readonly headers?: Record<string, string>;
  readonly query?: string;
  readonly url?: string;
}

/** Watches an order in the other process; the customer does, unless these headers are somebody else's. */
async function watch(
  id: string,
  { headers = bearer(shop.customer), query = '', url = otherUrl }: Way = {},
): Promise<StreamReader> {
  const reader = await StreamReader.open(`${url}${ORDERS}/${id}/events${query}`, headers);
  readers.push(reader);
  return reader;
}

/** What the other process says to somebody who does not get to watch. */
async function refusal(
  id: string,
  headers: Record<string, string>,
  { query = '', url = otherUrl }: Way = {},
): Promise<unknown[]> {
  const response = await fetch(`${url}${ORDERS}/${id}/events${query}`, { headers });
  const { code } = (await response.json()) as { code: string };
  return [response.status, code];
}

async function placed(): Promise<string> {
  const { id } = await shop.placed();
  await shop.relayEvents();
  return id as string;
}

async function cancel(id: string): Promise<void> {
  expect((await shop.cancel(id)).status).toBeLessThan(300);
  await shop.relayEvents();
}

/** One more change of an order that this version has, which has not left. */
async function changes(id: string, version: number): Promise<void> {
  await shop.sql.query(
    `INSERT INTO platform.outbox (id, type, aggregate, aggregate_id, sequence, occurred_at, data)
     SELECT gen_random_uuid(), type, aggregate, aggregate_id, $2, occurred_at, data
       FROM platform.outbox WHERE aggregate_id = $1 AND sequence = 2`,
    [id, version],
  );
}

/** Gives an order a history of so many changes, of which nobody is told. */
async function lengthen(id: string, length: number): Promise<void> {
  await shop.sql.query(
    `INSERT INTO platform.outbox (id, type, aggregate, aggregate_id, sequence, occurred_at, data, published_at, feed_position)
     SELECT gen_random_uuid(), type, aggregate, aggregate_id, n, occurred_at, data, published_at, nextval('platform.feed_position')
       FROM platform.outbox, generate_series(3, $2::int) n WHERE aggregate_id = $1 AND sequence = 2 ORDER BY n`,
    [id, length],
  );
  await shop.sql.query('UPDATE orders.orders SET version = $2 WHERE id = $1', [id, length]);
}

async function shorten(id: string, length: number): Promise<void> {
  await shop.sql.query('DELETE FROM platform.outbox WHERE aggregate_id = $1 AND sequence > $2', [id, length]);
  await shop.sql.query('UPDATE orders.orders SET version = $2 WHERE id = $1', [id, length]);
}

describe('whoever watches an order', () => {
  it('is told of all that happens to it in another process, in order', async () => {
    const id = await placed();
    const reader = await watch(id);
    expect(reader.headers.get('content-type')).toBe('text/event-stream');
    expect(reader.headers.get('cache-control')).toBe('no-store');
    expect(reader.headers.get('x-request-id')).toBeTruthy();
    await reader.received(2);
    expect(reader.messages).toEqual([
      {
        id: '1',
        data: {
          version: 1,
          change: 'placed',
          status: 'pending_payment',
          paymentStatus: 'processing',
          occurredAt: expect.stringMatching(/Z$/),
        },
      },
      { id: '2', data: expect.objectContaining({ version: 2, change: 'confirmed', status: 'confirmed' }) },
    ]);
    await cancel(id);
    const { version } = await shop.orderOf(id);
    await reader.received(version);
    expect(reader.ids).toEqual(Array.from({ length: version as number }, (_, index) => index + 1));
    expect(reader.messages.at(-1)?.data.status).toBe('canceled');
  });

  it('is told at once, and not when the process would look by itself', async () => {
    const id = await placed();
    const reader = await watch(id);
    await reader.received(2);
    const length = 12;
    let waitedMs = 0;
    try {
      for (let version = 3; version <= length; version += 1) {
        await changes(id, version);
        await shop.relayEvents();
        const leftAt = performance.now();
        await reader.received(version);
        waitedMs += performance.now() - leftAt;
      }
      // Half of what as many sweeps take, of one second each.
      expect(waitedMs).toBeLessThan(5_000);
      expect(reader.ids).toEqual(Array.from({ length }, (_, index) => index + 1));
    } finally {
      await shorten(id, 2);
    }
  });

  it('is told a little later of what nobody announced, as when the connection was away', async () => {
    const id = await placed();
    const reader = await watch(id);
    await reader.received(2);
    try {
      await lengthen(id, 3);
      await reader.received(3);
    } finally {
      await shorten(id, 2);
    }
  });

  it('comes back with the last message and misses nothing, whatever happened meanwhile', async () => {
    const id = await placed();
    const first = await watch(id);
    await first.received(2);
    first.close();
    await cancel(id);
    const { version } = await shop.orderOf(id);
    const rest = Array.from({ length: version - 1 }, (_, index) => index + 2);
    const headers = { ...bearer(shop.customer), 'last-event-id': '1' };
    const [resumed, begun] = await Promise.all([
      watch(id, { headers, query: '?lastEventId=2' }),
      watch(id, { query: `?lastEventId=${version - 1}` }),
    ]);
    await resumed.received(rest.length);
    await begun.received(1);
    expect([resumed.ids, begun.ids]).toEqual([rest, [version]]);
  });

  it('gets each change once, also those that happen while it connects', async () => {
    const id = await placed();
    const early = await watch(id);
    await early.received(2);
    const feed = other.get(EventFeed);
    const ofAggregate = feed.ofAggregate.bind(feed);
    // Before it is looked up what has happened, more happens, and this process has heard of it.
    feed.ofAggregate = async (...request) => {
      await cancel(id);
      await early.received((await shop.orderOf(id)).version);
      return ofAggregate(...request);
    };
    const late = await watch(id).finally(() => (feed.ofAggregate = ofAggregate));
    await late.received(early.ids.length);
    expect(early.ids.length).toBeGreaterThan(2);
    expect(late.ids).toEqual(early.ids);
    expect(new Set(late.ids).size).toBe(late.ids.length);
  });

  it('hears that the server is there, and stays for longer than any request may take', async () => {
    const reader = await watch(await placed());
    await eventually(() => expect(reader.heartbeats).toBeGreaterThan(3), 10 * REQUEST_TIMEOUT_MS);
    expect(reader.messages).toHaveLength(2);
  });

  it('is told at first when to come back', async () => {
    const reader = await watch(await placed());
    await eventually(() => expect(reader.retryMs).toBeGreaterThanOrEqual(1_000));
    expect(reader.retryMs).toBeLessThanOrEqual(5_000);
  });

  it('has to show anew who it is after the life of an access token', async () => {
    const reader = await watch(await placed(), { url: shop.api.baseUrl });
    await shop.later(HOUR_MS, () => reader.ended);
  });

  it('has to show so as soon as its own token expires', async () => {
    const { app, url } = await anotherProcess({ ACCESS_TOKEN_TTL_SECONDS: 86_400 });
    const id = await placed();
    const reader = await watch(id, { url });
    const guest = await shop.placedByGuest();
    await shop.relayEvents();
    const withoutToken = await watch(guest.id, { url, headers: { 'x-order-token': guest.orderToken } });
    await reader.received(2);
    const clock = app.get(Clock);
    const now = clock.now.bind(clock);
    clock.now = () => new Date(now().getTime() + HOUR_MS);
    await reader.ended;
    expect(withoutToken.hasEnded).toBe(false);
    await app.close();
  });

  it('reads a history that is longer than what may wait for it, coming back for the rest', async () => {
    const id = await placed();
    const length = 1_000;
    await lengthen(id, length);
    try {
      const ids: number[] = [];
      let visits = 0;
      for (; ids.length < length && visits < 10; visits += 1) {
        const reader = await watch(id, {
          headers: { ...bearer(shop.customer), 'last-event-id': `${ids.length}` },
        });
        await eventually(() =>
          expect(reader.hasEnded || ids.length + reader.ids.length === length).toBe(true),
        );
        ids.push(...reader.ids);
        reader.close();
      }
      expect(ids).toEqual(Array.from({ length }, (_, index) => index + 1));
      expect(visits).toBeGreaterThan(1);
    } finally {
      await shorten(id, 2);
    }
  });

  it('begins anew where it has seen more than there is', async () => {
    const id = await placed();
    const reader = await watch(id, { headers: { ...bearer(shop.customer), 'last-event-id': '7' } });
    await reader.received(2);
    expect(reader.ids).toEqual([1, 2]);
    await cancel(id);
    await reader.received(3);
  });

  it('costs no query of its own while nothing happens, and one for all when something does', async () => {
    const [id, ...ids] = [await placed(), await placed(), await placed()];
    const open = await Promise.all([id, ...ids].map((order) => watch(order)));
    await Promise.all(open.map((reader) => reader.received(2)));
    const reads: string[] = [];
    other.get(Database).onQuery(({ name }) => reads.push(name));
    await cancel(id);
    await open[0]!.received(3);
    expect(reads).not.toContain('messaging.read_feed_of_aggregate');
    const looks = reads.filter((name) => name === 'messaging.read_feed').length;
    expect(looks).toBeGreaterThan(0);
    expect(looks).toBeLessThanOrEqual(4);
    expect(open.slice(1).map(({ ids: seen }) => seen)).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });
});

describe('an order is watched', () => {
  it('by its customer, by staff and by whoever holds its token, and by nobody else', async () => {
    const { id, orderToken } = await shop.placedByGuest();
    await shop.relayEvents();
    const stranger = bearer(await shop.newCustomer());
    const ways: Way[] = [
      { headers: { 'x-order-token': orderToken } },
      { headers: {}, query: `?orderToken=${orderToken}` },
      { headers: bearer(shop.staff) },
    ];
    for (const way of ways) await (await watch(id, way)).received(2);
    const mine = await placed();
    expect(await refusal(mine, stranger)).toEqual([404, 'order_not_found']);
    expect(await refusal(mine, {}, { query: `?orderToken=${orderToken}` })).toEqual([404, 'order_not_found']);
    expect(await refusal(mine, {})).toEqual([401, 'authentication_required']);
    expect(await refusal(newId(), bearer(shop.staff))).toEqual([404, 'order_not_found']);
  });

  it('by its guest until an account has it, and by its customer until another has', async () => {
    const customer = await shop.newCustomer();
    await shop.sql.query('UPDATE users.users SET email_verified_at = now() WHERE id = $1', [customer.id]);
    const { id, orderToken } = await shop.placedByGuest({ email: customer.email });
    await shop.relayEvents();
    const [guest, staff] = await Promise.all([
      watch(id, { headers: { 'x-order-token': orderToken } }),
      watch(id, { headers: bearer(shop.staff) }),
    ]);
    await Promise.all([guest.received(2), staff.received(2)]);
    expect(await shop.post(`${ORDERS}/claim`, {}, { as: customer, key: newId() })).toMatchObject({
      body: { claimed: 1 },
    });
    await shop.relayEvents();
    await Promise.all([guest.ended, staff.received(3)]);
    expect(guest.ids).toEqual([1, 2]);
    const owner = await watch(id, { headers: bearer(customer) });
    await owner.received(3);
    const next = await shop.newCustomer();
    const transfer = { fromCustomerId: customer.id, toCustomerId: next.id, reason: 'Two accounts' };
    expect(await shop.post(`${ORDERS}/transfer`, transfer, { as: shop.admin, key: newId() })).toMatchObject({
      body: { transferred: 1 },
    });
    await shop.relayEvents();
    await Promise.all([owner.ended, staff.received(4)]);
    expect([owner.ids, staff.hasEnded]).toEqual([[1, 2, 3], false]);
  });

  it('from a version that is one', async () => {
    const id = await placed();
    const headers = bearer(shop.customer);
    expect(await refusal(id, { ...headers, 'last-event-id': 'x' })).toEqual([400, 'validation_failed']);
    expect(await refusal(id, headers, { query: '?lastEventId=-1' })).toEqual([400, 'validation_failed']);
    expect(await refusal(id, headers, { query: '?from=1' })).toEqual([400, 'validation_failed']);
    await (await watch(id, { headers: { ...headers, 'last-event-id': '' } })).received(2);
  });

  it('so many times by one caller and in one process, and again when one has gone', async () => {
    const id = await placed();
    const headers = bearer(shop.customer);
    const open = await Promise.all(Array.from({ length: MAX_PER_CALLER }, () => watch(id)));
    expect(await refusal(id, headers)).toEqual([429, 'too_many_event_streams']);
    await Promise.all([1, 2].map(() => watch(id, { headers: bearer(shop.staff) })));
    const admin = bearer(shop.admin);
    expect(await refusal(id, admin)).toEqual([503, 'service_unavailable']);
    const { headers: answered } = await fetch(`${otherUrl}${ORDERS}/${id}/events`, { headers: admin });
    expect(answered.get('retry-after')).toMatch(/^[1-9]\d*$/);
    open[0]!.close();
    await eventually(() => watch(id, { headers: bearer(shop.admin) }));
  });

  it('where it is measured how many do', async () => {
    // The metrics of a test belong to the application that was made last.
    const { app, url } = await anotherProcess();
    const measured = async () =>
      (await register.getSingleMetric('http_event_streams')!.get()).values[0]?.value;
    const id = await placed();
    const [first] = await Promise.all([watch(id, { url }), watch(id, { url })]);
    await eventually(async () => expect(await measured()).toBe(2));
    first.close();
    await eventually(async () => expect(await measured()).toBe(1));
    await app.close();
    expect(await measured()).toBe(0);
  });
});

describe('a caller who hangs up before the answer', () => {
  it('takes no place', async () => {
    const id = await placed();
    const findOrders = other.get(FindOrders);
    const standingOf = findOrders.standingOf.bind(findOrders);
    let gone = 0;
    for (let call = 0; call < MAX_PER_CALLER; call += 1) {
      const aborter = new AbortController();
      findOrders.standingOf = async (orderId) => {
        const standing = await standingOf(orderId);
        if (aborter.signal.aborted) return standing;
        const { signal } = currentContext();
        aborter.abort();
        await eventually(() => expect(signal.aborted).toBe(true));
        gone += 1;
        return standing;
      };
      const answer = fetch(`${otherUrl}${ORDERS}/${id}/events`, {
        headers: bearer(shop.customer),
        signal: aborter.signal,
      });
      await expect(answer).rejects.toThrow();
      await eventually(() => expect(gone).toBe(call + 1));
    }
    findOrders.standingOf = standingOf;
    await Promise.all(Array.from({ length: MAX_PER_CALLER }, () => watch(id)));
  });
});

describe('streams to one address', () => {
  it('are bounded whoever has them, and those to a /64 network of IPv6 are of one', async () => {
    const { app, url } = await anotherProcess({
      EVENT_STREAMS_MAX_PER_ADDRESS: 2,
      TRUSTED_PROXIES: ['127.0.0.1'],
    });
    const id = await placed();
    const from = (address: string, person: Person) => ({ ...bearer(person), 'x-forwarded-for': address });
    const [first] = await Promise.all([
      watch(id, { url, headers: from('2001:db8::1', shop.customer) }),
      watch(id, { url, headers: from('2001:db8::2', shop.staff) }),
    ]);
    const third = from('2001:db8::3', shop.admin);
    expect(await refusal(id, third, { url })).toEqual([429, 'too_many_event_streams']);
    await watch(id, { url, headers: from('2001:db8:0:1::1', shop.admin) });
    first.close();
    await eventually(() => watch(id, { url, headers: third }));
    await app.close();
  });
});

describe('a process that stops', () => {
  it('says when to come back, ends its streams at once, and sends on whoever comes meanwhile', async () => {
    const { app, url } = await anotherProcess();
    const id = await placed();
    const reader = await watch(id, { url });
    await reader.received(2);
    void app.get(Lifecycle).drain(0);
    await reader.ended;
    expect(reader.retryMs).toBeGreaterThanOrEqual(1_000);
    const late = await watch(id, { url });
    await late.ended;
    expect(late.retryMs).toBeGreaterThanOrEqual(1_000);
    await app.close();
  });

  it('does so without draining, too', async () => {
    const { app, url } = await anotherProcess();
    const reader = await watch(await placed(), { url });
    await app.close();
    await reader.ended;
    expect(reader.retryMs).toBeGreaterThanOrEqual(1_000);
  });
});
