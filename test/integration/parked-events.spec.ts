import { Clock, newId } from '#kernel';
import {
  ApplyEvents,
  type Consumer,
  EventBus,
  type IntegrationEvent,
  MeasureEvents,
  ParkedEvents,
} from '#platform/messaging';
import { currentContext } from '#platform/context';
import { Database } from '#platform/database';
import { register } from 'prom-client';
import { MAX_ATTEMPTS } from '../../libs/platform/src/messaging/consumers/parked-events.js';
import { OpenTransaction } from '../support/open-transaction.js';
import { Shop } from '../support/shop.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** A look that reads only what it has to reads some pages of indexes, however many events there are. */
const FEW_PAGES = 60;
const FILLING_TIMEOUT_MS = 120_000;

let shop: Shop;
const applied: string[] = [];

const watcher: Consumer = {
  name: 'test.watcher',
  types: [],
  apply: ({ id }) => Promise.resolve(void applied.push(id)),
};

beforeAll(async () => {
  shop = await Shop.open();
  shop.api.app.get(EventBus).consume(watcher);
});
afterEach(() => shop.sql.query('TRUNCATE platform.parked_events'));
afterAll(() => shop.close());

const parked = () => shop.api.app.get(ParkedEvents);
const apply = () => shop.api.app.get(ApplyEvents);

/** The first events of an aggregate that nobody has heard of. */
function eventsOfOne(count: number): IntegrationEvent[] {
  const aggregateId = newId();
  return Array.from({ length: count }, (_, index) => ({
    id: newId(),
    type: 'steelyard.test.happened.v1',
    aggregate: 'test',
    aggregateId,
    sequence: index + 1,
    occurredAt: new Date(),
    data: {},
  }));
}

async function statusesOf({ aggregateId }: IntegrationEvent): Promise<string[]> {
  const { rows } = await shop.sql.query<{ status: string }>(
    'SELECT status FROM platform.parked_events WHERE aggregate_id = $1 ORDER BY sequence',
    [aggregateId],
  );
  return rows.map(({ status }) => status);
}

async function retryAll(): Promise<void> {
  while (await apply().retryOne());
}

/** How many pages PostgreSQL reads for the statement of this name while `fn` runs it. */
async function pagesReadBy(name: string, fn: () => Promise<unknown>): Promise<number> {
  const database = shop.api.app.get(Database);
  const query = database.query.bind(database);
  let pages = 0;
  database.query = async (statement, values) => {
    if (statement.name === name) {
      await shop.sql.query('BEGIN');
      const { rows } = await shop.sql.query<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>(
        `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${statement.text}`,
        [...(values ?? [])],
      );
      await shop.sql.query('ROLLBACK');
      const plan = rows[0]!['QUERY PLAN'][0].Plan;
      pages += plan['Shared Hit Blocks']! + plan['Shared Read Blocks']!;
    }
    return query(statement, values);
  };
  try {
    await fn();
  } finally {
    database.query = query;
  }
  return pages;
}

describe('what waits behind another event', () => {
  it(
    'costs nothing while nobody can try it, and goes on in order when somebody can, however much it is',
    async () => {
      await shop.sql.query(
        `INSERT INTO platform.parked_events (consumer, event_id, aggregate, aggregate_id, sequence, type, event, status,
                                             attempts, next_attempt_at, parked_at)
         SELECT $1, id, 'test', aggregate_id, n, $2, json_build_object('id', id, 'type', $2::text,
                  'subject', aggregate_id, 'sequence', n::text, 'time', now(), 'data', json_build_object()),
                CASE n WHEN 1 THEN 'dead' ELSE 'waiting' END, 0, now(), now()
           FROM generate_series(1, 5000) a, generate_series(1, 10) n,
                LATERAL (SELECT md5(a::text)::uuid AS aggregate_id, md5(a || '/' || n)::uuid AS id) ids`,
        [watcher.name, 'steelyard.test.happened.v1'],
      );
      await shop.sql.query('ANALYZE platform.parked_events');
      const look = () => parked().claimDue([watcher.name]);
      expect(await pagesReadBy('messaging.claim_due_event', look)).toBeLessThan(FEW_PAGES);
      expect(await parked().redrive({ consumer: watcher.name })).toBe(5_000);
      expect(await pagesReadBy('messaging.claim_due_event', look)).toBeLessThan(FEW_PAGES);
      await shop.sql.query('ANALYZE platform.parked_events');
      expect(await pagesReadBy('messaging.claim_due_event', look)).toBeLessThan(FEW_PAGES);
      const before = applied.length;
      await shop.later(HOUR_MS, async () => {
        for (let tries = 1; tries <= 20; tries += 1) expect(await apply().retryOne()).toBe(true);
      });
      expect(applied.length).toBe(before + 20);
    },
    FILLING_TIMEOUT_MS,
  );

  it('is measured as parked, and is told of by the dead letter', async () => {
    const events = eventsOfOne(3);
    await shop.giveUp(watcher.name, events, new Error('poison'));
    expect(await statusesOf(events[0]!)).toEqual(['dead', 'waiting', 'waiting']);
    await shop.api.app.get(MeasureEvents).execute();
    const metrics = await register.metrics();
    expect(metrics).toMatch(/^dlq_depth\{consumer="test.watcher"\} 1$/m);
    expect(metrics).toMatch(/^events_parked\{consumer="test.watcher"\} 2$/m);
  });

  it('is not left alone when the first one leaves just then', async () => {
    const [first, second, third] = eventsOfOne(3) as [IntegrationEvent, IntegrationEvent, IntegrationEvent];
    await parked().park(watcher.name, [first], new Error('not now'));
    const worker = await OpenTransaction.begin(shop.api);
    let parking: Promise<unknown> = Promise.resolve();
    try {
      await worker.query('DELETE FROM platform.parked_events WHERE event_id = $1', [first.id]);
      parking = parked().park(watcher.name, [third, second]);
      await worker.hasWaiter();
    } finally {
      await worker.commit();
      await parking;
    }
    expect(await statusesOf(first)).toEqual(['retrying', 'waiting']);
    await retryAll();
    expect(applied.slice(-2)).toEqual([second.id, third.id]);
  });

  it('waits for an earlier one, too, that comes late', async () => {
    const [first, second, third] = eventsOfOne(3) as [IntegrationEvent, IntegrationEvent, IntegrationEvent];
    await parked().park(watcher.name, [second], new Error('not now'));
    await parked().park(watcher.name, [third]);
    await parked().park(watcher.name, [first]);
    await shop.later(HOUR_MS, retryAll);
    expect(applied.slice(-3)).toEqual([first.id, second.id, third.id]);
    expect(await statusesOf(first)).toEqual([]);
  });

  it('goes on also when a worker of the version before takes the first one away', async () => {
    const events = eventsOfOne(2);
    await parked().park(watcher.name, events);
    expect(await statusesOf(events[0]!)).toEqual(['retrying', 'waiting']);
    await shop.sql.query('DELETE FROM platform.parked_events WHERE event_id = $1', [events[0]!.id]);
    expect(await statusesOf(events[0]!)).toEqual(['retrying']);
  });
});

describe('the first batch that a process begins for a consumer', () => {
  const newWatcher = (): Consumer => ({ ...watcher, name: `test.${newId()}` });
  const notesOf = async ({ name }: Consumer) =>
    (await shop.sql.query('SELECT FROM platform.first_batches WHERE consumer = $1', [name])).rows.length;

  it('is tried event by event where one before has begun it, and is not heard of again', async () => {
    const consumer = newWatcher();
    const [[first, behind], [other], [next]] = [eventsOfOne(2), eventsOfOne(1), eventsOfOne(1)] as [
      [IntegrationEvent, IntegrationEvent],
      [IntegrationEvent],
      [IntegrationEvent],
    ];
    await shop.sql.query('INSERT INTO platform.first_batches VALUES ($1, $2)', [consumer.name, first.id]);
    await apply().execute(consumer, [first, behind, other]);
    expect([await statusesOf(first), await statusesOf(other)]).toEqual([
      ['retrying', 'waiting'],
      ['retrying'],
    ]);
    expect(applied).not.toContain(first.id);
    expect(await notesOf(consumer)).toBe(0);
    await apply().execute(consumer, [next]);
    expect(applied).toContain(next.id);
  });

  it('is begun as usual where another was, of which the note stays for a day', async () => {
    const consumer = newWatcher();
    const [event] = eventsOfOne(1) as [IntegrationEvent];
    await shop.sql.query(
      `INSERT INTO platform.first_batches VALUES ($1, $2, now()), ($1, $3, now() - interval '25 hours')`,
      [consumer.name, newId(), newId()],
    );
    await apply().execute(consumer, [event]);
    expect(applied).toContain(event.id);
    expect(await notesOf(consumer)).toBe(1);
  });

  it('is its own where the process has not heard that it was noted', async () => {
    const consumer = newWatcher();
    const [event] = eventsOfOne(1) as [IntegrationEvent];
    const database = shop.api.app.get(Database);
    const { outside } = database;
    database.outside = ((fn: () => Promise<unknown>) =>
      outside.call(database, async () => {
        await fn();
        throw new Error('The connection is lost');
      })) as typeof outside;
    try {
      await expect(apply().execute(consumer, [event])).rejects.toThrow('The connection is lost');
    } finally {
      database.outside = outside;
    }
    expect(await notesOf(consumer)).toBe(1);
    await apply().execute(consumer, [event]);
    expect(applied).toContain(event.id);
    expect(await notesOf(consumer)).toBe(0);
  });

  it('is brought again after a failure that the process has survived, and applied as usual', async () => {
    const consumer = newWatcher();
    const [event] = eventsOfOne(1) as [IntegrationEvent];
    const database = shop.api.app.get(Database);
    const { separateTransaction } = database;
    database.separateTransaction = () => Promise.reject(new Error('The database is away'));
    try {
      await expect(apply().execute(consumer, [event])).rejects.toThrow('The database is away');
    } finally {
      database.separateTransaction = separateTransaction;
    }
    await apply().execute(consumer, [event]);
    expect(applied).toContain(event.id);
    expect([await statusesOf(event), await notesOf(consumer)]).toEqual([[], 0]);
  });

  it('is the only one that is written down', async () => {
    const consumer = newWatcher();
    const written: string[] = [];
    shop.api.app.get(Database).onQuery(({ name }) => written.push(name));
    for (let batch = 0; batch < 3; batch += 1) await apply().execute(consumer, eventsOfOne(1));
    expect(written.filter((name) => name.endsWith('_first_batch'))).toEqual([
      'messaging.begin_first_batch',
      'messaging.end_first_batch',
    ]);
  });
});

describe('an event that is tried again', () => {
  it('is given up also when each try ends its process', async () => {
    const [event, behind] = eventsOfOne(2) as [IntegrationEvent, IntegrationEvent];
    await shop.giveUp(watcher.name, [event, behind], new Error('poison'));
    await parked().redrive({ consumer: watcher.name });
    for (let tries = 1; tries <= MAX_ATTEMPTS; tries += 1) {
      // Whoever has claimed it is not heard of again.
      const claimed = await shop.later(tries * HOUR_MS, () => parked().claimDue([watcher.name]));
      expect(claimed).toMatchObject({ attempts: tries, event: { id: event.id } });
    }
    await shop.later((MAX_ATTEMPTS + 1) * HOUR_MS, retryAll);
    expect(applied).not.toContain(event.id);
    const { data } = await parked().listDead({ consumer: watcher.name }, { limit: 10 });
    expect(data).toMatchObject([
      {
        event: { id: event.id },
        attempts: MAX_ATTEMPTS,
        error: 'Error: The process ended during the last try.',
      },
    ]);
  });

  it('is applied in the trace of what caused it', async () => {
    const [event] = eventsOfOne(1) as [IntegrationEvent];
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const traces: unknown[] = [];
    const tracing: Consumer = {
      name: 'test.tracing',
      types: [],
      apply: () => Promise.resolve(void traces.push(currentContext().traceparent)),
    };
    await apply().execute(tracing, [{ ...event, traceparent }, eventsOfOne(1)[0]!]);
    expect(traces).toEqual([traceparent, undefined]);
  });

  it('is tried by one at a time, and what comes of a try that was taken over counts for nothing', async () => {
    const [event] = eventsOfOne(1) as [IntegrationEvent];
    await parked().park(watcher.name, [event]);
    const slow = (await parked().claimDue([watcher.name]))!;
    expect(await parked().claimDue([watcher.name])).toBeUndefined();
    const other = (await shop.later(HOUR_MS, () => parked().claimDue([watcher.name])))!;
    expect(await parked().lock(slow)).toBe(false);
    expect(await parked().lock(other)).toBe(true);
    await parked().noteFailure({ ...slow, attempts: MAX_ATTEMPTS }, new Error('too late'));
    expect(await statusesOf(event)).toEqual(['retrying']);
  });

  it('is tried after pauses that double, four to nine minutes in all, and then given up', async () => {
    const clock = shop.api.app.get(Clock);
    const now = clock.now.bind(clock);
    const failing = { name: 'test.failing', types: [], apply: () => Promise.reject(new Error('not now')) };
    shop.api.app.get(EventBus).consume(failing);
    const [event] = eventsOfOne(1) as [IntegrationEvent];
    let time = now();
    clock.now = () => time;
    const pausesMs: number[] = [];
    try {
      await parked().park(failing.name, [event], new Error('not now'));
      while ((await statusesOf(event))[0] === 'retrying' && pausesMs.length < MAX_ATTEMPTS) {
        const { rows } = await shop.sql.query<{ next: Date }>(
          'SELECT next_attempt_at AS next FROM platform.parked_events WHERE event_id = $1',
          [event.id],
        );
        const { next } = rows[0]!;
        pausesMs.push(next.getTime() - time.getTime());
        time = new Date(next.getTime() - 1);
        expect(await apply().retryOne()).toBe(false);
        time = next;
        expect(await apply().retryOne()).toBe(true);
      }
    } finally {
      clock.now = now;
    }
    expect(await statusesOf(event)).toEqual(['dead']);
    // One try came before it was parked.
    expect(pausesMs).toHaveLength(MAX_ATTEMPTS - 1);
    const longestMs = pausesMs.map((_, index) => 1_000 * 2 ** index);
    const outside = pausesMs.filter(
      (pauseMs, index) => pauseMs < longestMs[index]! / 2 || pauseMs > longestMs[index]!,
    );
    expect(outside).toEqual([]);
    const totalMs = pausesMs.reduce((sum, pauseMs) => sum + pauseMs, 0);
    expect(totalMs).toBeGreaterThanOrEqual(4 * MINUTE_MS);
    expect(totalMs).toBeLessThanOrEqual(9 * MINUTE_MS);
  });

  it('is not tried together with all that failed at the same moment', async () => {
    const clock = shop.api.app.get(Clock);
    const now = clock.now.bind(clock);
    const failedAt = now();
    clock.now = () => failedAt;
    const events = Array.from({ length: 20 }, () => eventsOfOne(1)[0]!);
    const pausesSince = async (time: Date) => {
      const { rows } = await shop.sql.query<{ next: Date }>(
        'SELECT next_attempt_at AS next FROM platform.parked_events',
      );
      return rows.map(({ next }) => next.getTime() - time.getTime());
    };
    const expectSpread = (pauses: readonly number[], shortestMs: number, longestMs: number) => {
      expect(Math.min(...pauses)).toBeGreaterThanOrEqual(shortestMs);
      expect(Math.max(...pauses)).toBeLessThanOrEqual(longestMs);
      expect(new Set(pauses).size).toBeGreaterThan(5);
    };
    try {
      for (const event of events) await parked().park(watcher.name, [event], new Error('not now'));
      expectSpread(await pausesSince(failedAt), 500, 1_000);
      const triedAt = new Date(failedAt.getTime() + HOUR_MS);
      clock.now = () => triedAt;
      while (await parked().claimDue([watcher.name]));
      // Whoever tried them was killed.
      expectSpread(await pausesSince(triedAt), 60_000, 90_000);
    } finally {
      clock.now = now;
    }
  });
});
