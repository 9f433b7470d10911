import { readFile } from 'node:fs/promises';
import { CursorCodec, newId } from '#kernel';
import { Config } from '#platform/config';
import { Outbox } from '#platform/messaging';
import { Client } from 'pg';
import { placeOneOfEach } from '../support/one-of-each.js';
import { type FieldProblem, ORDERS, Shop } from '../support/shop.js';

interface Read {
  readonly data: { id: string; type: string; subject: string; sequence: string; partitionkey: string }[];
  readonly nextCursor: string;
  readonly hasMore: boolean;
}

const PLACED = 'steelyard.order.placed.v1';
const CONFIRMED = 'steelyard.order.confirmed.v1';

let shop: Shop;
beforeAll(async () => {
  shop = await Shop.open();
});
afterAll(() => shop.close());

const ask = (query: Record<string, string | number>) =>
  shop.get(`/api/v1/events?${new URLSearchParams(query as Record<string, string>).toString()}`, {
    as: shop.staff,
  });

async function read(query: Record<string, string | number>): Promise<Read> {
  const { status, body } = await ask(query);
  expect(status).toBe(200);
  return body as Read;
}

/** All that comes after a cursor, a few at a time, and the cursor from which to go on. */
async function readAll(after?: string, limit = 100): Promise<Read> {
  const data: Read['data'] = [];
  for (let cursor = after; ;) {
    const page = await read({ limit, ...(cursor === undefined ? {} : { after: cursor }) });
    data.push(...page.data);
    cursor = page.nextCursor;
    if (!page.hasMore) return { data, nextCursor: cursor, hasMore: false };
  }
}

async function orderWithEvents(): Promise<string> {
  const { id } = await shop.placed();
  await shop.relayEvents();
  return id as string;
}

it('is asked as its document shows', async () => {
  const document = JSON.parse(await readFile('contracts/openapi.json', 'utf8')) as {
    paths: Record<string, { get: { parameters: { name: string; description: string }[] } }>;
  };
  const { parameters } = document.paths['/api/v1/events']!.get;
  const { description } = parameters.find(({ name }) => name === 'types')!;
  const [, types] = /For example `([^`]+)`/.exec(description) ?? [];
  expect(await ask({ types: types! })).toMatchObject({ status: 200 });
});

describe('the pull feed', () => {
  it('has everything that happened, oldest first, and each aggregate in its order', async () => {
    const id = await orderWithEvents();
    const { data } = await readAll(undefined, 3);
    const { rows } = await shop.sql.query<{ id: string }>(
      'SELECT id FROM platform.outbox ORDER BY feed_position',
    );
    expect(data.map((event) => event.id)).toEqual(rows.map((row) => row.id));
    expect(data.filter(({ subject }) => subject === id)).toEqual([
      {
        specversion: '1.0',
        id: expect.any(String),
        source: '/steelyard',
        type: PLACED,
        subject: id,
        time: expect.stringMatching(/Z$/),
        datacontenttype: 'application/json',
        sequence: '1',
        partitionkey: `order/${id}`,
        data: expect.objectContaining({ orderId: id, status: 'pending_payment' }),
      },
      expect.objectContaining({ type: CONFIRMED, sequence: '2' }),
    ]);
  });

  it('is polled with a cursor that always leads on: nothing comes twice, and nothing is left out', async () => {
    const { nextCursor } = await readAll();
    const quiet = await read({ after: nextCursor });
    expect(quiet.data).toEqual([]);
    const id = await orderWithEvents();
    const first = await read({ after: quiet.nextCursor, limit: 1 });
    const rest = await readAll(first.nextCursor);
    const subjects = [...first.data, ...rest.data].filter(({ subject }) => subject === id);
    expect(subjects.map(({ sequence }) => sequence)).toEqual(['1', '2']);
    // The same question has the same answer.
    expect(await read({ after: quiet.nextCursor, limit: 1 })).toEqual(first);
  });

  it('passes over types that are not asked for, and its cursor is good for any of them', async () => {
    const { nextCursor } = await readAll();
    const id = await orderWithEvents();
    const filtered = await read({ after: nextCursor, types: `${CONFIRMED},steelyard.user.registered.v1` });
    expect(filtered.data).toMatchObject([{ type: CONFIRMED, subject: id }]);
    const nothing = await read({ after: nextCursor, types: 'steelyard.user.erased.v1' });
    expect(nothing.data).toEqual([]);
    for (const { nextCursor: after } of [filtered, nothing]) expect((await read({ after })).data).toEqual([]);
    expect((await read({ after: nextCursor, types: PLACED })).data).toMatchObject([{ subject: id }]);
  });

  it('numbers the events of each key without a gap, also of a product and its stock, which share a subject', async () => {
    await placeOneOfEach(shop);
    await shop.settle();
    const { data } = await readAll();
    const byKey = Map.groupBy(data, ({ partitionkey }) => partitionkey);
    for (const events of byKey.values()) {
      expect(events.map(({ sequence }) => Number(sequence))).toEqual(events.map((_, index) => index + 1));
    }
    const keysOf = Map.groupBy([...byKey.keys()], (key) => key.split('/')[1]);
    expect([...keysOf.values()]).toContainEqual(expect.arrayContaining([expect.stringMatching(/^stock\//), expect.stringMatching(/^product\//)])); // prettier-ignore
  });

  it('is read by what types begin with', async () => {
    const { nextCursor } = await readAll();
    const id = await orderWithEvents();
    const { data } = await read({ after: nextCursor, types: 'steelyard.order.*' });
    expect(data).toMatchObject([
      { type: PLACED, subject: id },
      { type: CONFIRMED, subject: id },
    ]);
    const all = await read({ after: nextCursor, types: '*' });
    expect(all.data.length).toBeGreaterThan(data.length);
    const mixed = await read({
      after: nextCursor,
      types: `steelyard.payment.*,${CONFIRMED},steelyard.user.*`,
    });
    expect(mixed.data).toEqual(
      all.data.filter(({ type }) => type === CONFIRMED || type.startsWith('steelyard.payment.')),
    );
    expect(mixed.data.length).toBeGreaterThan(1);
    // A type that only a newer version knows is not passed over.
    const [unknown, alike] = [newId(), newId()];
    await shop.sql.query(
      `INSERT INTO platform.outbox (id, type, aggregate, aggregate_id, sequence, occurred_at, data)
       VALUES ($1, 'steelyard.order.teleported.v9', 'test', $1, 1, now(), '{}'),
              ($2, 'steelyard.order_.placed.v1', 'test', $2, 1, now(), '{}')`,
      [unknown, alike],
    );
    await shop.relayEvents();
    const newer = await read({ after: all.nextCursor, types: 'steelyard.order.*' });
    expect(newer.data.map((event) => event.id)).toEqual([unknown]);
  });

  it('looks at a part of the feed at a time, and says whether there is more', async () => {
    const { nextCursor } = await readAll();
    await shop.sql.query(
      `SELECT setval('platform.feed_position', nextval('platform.feed_position') + 120000)`,
    );
    const id = await orderWithEvents();
    const far = await read({ after: nextCursor, types: CONFIRMED });
    expect(far).toMatchObject({ data: [], hasMore: true });
    expect(far.nextCursor).not.toBe(nextCursor);
    const second = await read({ after: far.nextCursor, types: CONFIRMED });
    expect(second).toMatchObject({ data: [], hasMore: true });
    const third = await read({ after: second.nextCursor, types: CONFIRMED });
    expect(third).toMatchObject({ data: [{ subject: id }], hasMore: false });
    expect(await read({ after: nextCursor, limit: 1 })).toMatchObject({ data: [], hasMore: true });
  });

  it('has no more when its last event fills the answer', async () => {
    const { nextCursor } = await readAll();
    await orderWithEvents();
    const { data } = await read({ after: nextCursor });
    const full = await read({ after: nextCursor, limit: data.length });
    expect(full).toMatchObject({ data, hasMore: false });
    expect(await read({ after: nextCursor, limit: data.length - 1 })).toMatchObject({ hasMore: true });
    expect(await read({ after: full.nextCursor })).toMatchObject({ data: [], hasMore: false });
  });

  it('is begun at a time with what left shortly before, for clocks differ', async () => {
    const long = await orderWithEvents();
    await shop.sql.query(`UPDATE platform.outbox SET published_at = published_at - interval '1 hour'`);
    const shortly = await orderWithEvents();
    const { rows } = await shop.sql.query<{ now: Date }>('SELECT clock_timestamp() AS now');
    const subjectsSince = async (seconds: number) => {
      const since = new Date(rows[0]!.now.getTime() + seconds * 1_000).toISOString();
      // An empty cursor is none.
      return (await read({ after: '', since, limit: 100 })).data.map(({ subject }) => subject);
    };
    const subjects = await subjectsSince(30);
    expect(subjects).toContain(shortly);
    expect(subjects).not.toContain(long);
    expect(await subjectsSince(90)).toEqual([]);
  });

  it('is begun at its end, at a time, or at its beginning', async () => {
    const before = await orderWithEvents();
    const latest = await read({ after: 'latest' });
    expect(latest).toMatchObject({ data: [], hasMore: false });
    const { rows } = await shop.sql.query<{ since: Date }>('SELECT clock_timestamp() AS since');
    // As if what has happened so far had happened long ago: two clocks may differ.
    await shop.sql.query(`UPDATE platform.outbox SET published_at = published_at - interval '1 hour'`);
    const id = await orderWithEvents();
    const fresh = await read({ after: latest.nextCursor });
    expect(fresh.data.map(({ subject }) => subject)).toContain(id);
    expect(fresh.data.map(({ subject }) => subject)).not.toContain(before);
    const all = (await readAll()).data;
    expect((await readAll('')).data).toEqual(all);
    const since = async (time: number) =>
      (await read({ since: new Date(time).toISOString(), limit: 100 })).data;
    const begun = rows[0]!.since.getTime();
    expect(await since(begun)).toEqual(fresh.data);
    expect((await since(0))[0]).toEqual(all[0]);
    expect(await since(begun + 3_600_000)).toEqual([]);
    expect(await ask({ after: latest.nextCursor, since: new Date(begun).toISOString() })).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: 'query:/since', code: 'one_start_only' }] },
    });
  });

  it('has what commits late behind what was read before', async () => {
    const slow = new Client({ connectionString: shop.api.database.url });
    await slow.connect();
    try {
      await slow.query('BEGIN');
      const late = newId();
      await slow.query(
        `INSERT INTO platform.outbox (id, type, aggregate, aggregate_id, sequence, occurred_at, data)
         VALUES ($1, 'steelyard.test.late.v1', 'test', $2, 1, now(), '{}')`,
        [late, newId()],
      );
      await orderWithEvents();
      const { nextCursor } = await readAll();
      await slow.query('COMMIT');
      await shop.relayEvents();
      expect((await read({ after: nextCursor })).data).toMatchObject([{ id: late }]);
    } finally {
      await slow.end();
    }
  });

  it('tells whoever comes too late that events are gone, and nobody else', async () => {
    const { nextCursor: early } = await readAll();
    await orderWithEvents();
    const { nextCursor: caughtUp } = await readAll();
    // Everything is pruned; afterwards the invariants want to see what the orders told of themselves.
    await shop.sql.query(
      `UPDATE platform.outbox SET published_at = published_at - interval '2 hours';
       CREATE TEMP TABLE pruned AS SELECT * FROM platform.outbox`,
    );
    try {
      while ((await shop.api.app.get(Outbox).prune(3_600, 1_000)) > 0);
      expect((await read({ after: caughtUp })).data).toEqual([]);
      expect((await read({})).data).toEqual([]);
      const { nextCursor: fresh } = await read({ after: 'latest' });

      const id = await orderWithEvents();
      const { data } = await read({ after: caughtUp });
      expect(data).toContainEqual(expect.objectContaining({ subject: id, sequence: '1' }));
      expect(await ask({ after: early })).toMatchObject({ status: 410, body: { code: 'event_cursor_gone' } });
      // Nobody is refused who names no event: not who begins, and not who begins anew.
      expect((await read({})).data).toEqual(data);
      expect((await read({ since: new Date(0).toISOString() })).data).toEqual(data);
      expect((await read({ after: fresh })).data).toEqual(data);
    } finally {
      await shop.sql.query('INSERT INTO platform.outbox OVERRIDING SYSTEM VALUE SELECT * FROM pruned');
    }
  });

  it('knows no place that it has not reached, as after a restore', async () => {
    const codec = new CursorCodec(shop.api.app.get(Config).appSecrets);
    const after = codec.encode([1_000_000_000], 'events', {});
    expect(await ask({ after })).toMatchObject({ status: 410, body: { code: 'event_cursor_gone' } });
  });

  it('refuses what it does not understand', async () => {
    const { body: orders } = await shop.get(`${ORDERS}?limit=1`, { as: shop.staff });
    expect(await ask({ after: orders.nextCursor })).toMatchObject({
      status: 400,
      body: { code: 'invalid_cursor' },
    });
    const { status, body } = await ask({
      types: `${PLACED},steelyard.order.exploded.v1`,
      limit: 0,
      before: 'x',
      since: 'yesterday',
    });
    expect(status).toBe(400);
    expect((body.errors as FieldProblem[]).map(({ pointer, code }) => [pointer, code]).sort()).toEqual([
      ['query:/before', expect.any(String)],
      ['query:/limit', 'too_small'],
      ['query:/since', 'invalid_format'],
      ['query:/types/1', 'unknown_event_type'],
    ]);
  });
});
