import { readFile } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { newId } from '#kernel';
import { ApplyEvents, type Consumer, EventBus, type IntegrationEvent } from '#platform/messaging';
import { describeApi } from '../../apps/api/src/index.js';
import { Shop } from '../support/shop.js';
import { spawnApp } from '../support/spawn-app.js';

const AUDIT_LOG = '/api/v1/admin/audit-log';
const DEAD_LETTERS = '/api/v1/admin/dead-letters';
const REASON = 'The defect is fixed';

/** Each command is a process that compiles what it loads. */
const PROCESSES_MS = 90_000;

let shop: Shop;
const applied: IntegrationEvent[] = [];

const watcher: Consumer = {
  name: 'test.watcher',
  types: [],
  apply: (event) => {
    applied.push(event);
    return Promise.resolve();
  },
};

beforeAll(async () => {
  shop = await Shop.open();
  shop.api.app.get(EventBus).consume(watcher);
});
afterAll(() => shop.close());

/** The events of an order that this consumer has given up: the first is dead, the others wait behind it. */
async function poisonedOrder(consumer = watcher.name): Promise<IntegrationEvent[]> {
  const { id } = await shop.placed();
  await shop.relayEvents();
  const events = await shop.eventsOf('order', id);
  expect(events.length).toBeGreaterThan(1);
  await shop.giveUp(consumer, events, new Error('poison'));
  return events;
}

async function retryAll(): Promise<void> {
  while (await shop.api.app.get(ApplyEvents).retryOne());
}

const list = (query = '') => shop.get(`${DEAD_LETTERS}${query}`, { as: shop.admin });
const redrive = (body: object) => shop.post(`${DEAD_LETTERS}/redrive`, body, { as: shop.admin });
const discard = (body: object) => shop.post(`${DEAD_LETTERS}/discard`, body, { as: shop.admin });
const idsIn = (body: { data: { event: { id: string } }[] }) => body.data.map(({ event }) => event.id);
const appliedOf = (events: readonly IntegrationEvent[]) =>
  applied.filter(({ aggregateId }) => aggregateId === events[0]?.aggregateId).map(({ id }) => id);

async function cli(...args: string[]): Promise<{ end: unknown; output: string }> {
  const env = { DATABASE_URL: shop.api.database.url };
  const process = spawnApp('apps/cli/src/main.ts', { env, args: ['dead-letters', ...args] });
  const end = await process.ended;
  return { end, output: process.output };
}

describe('dead letters over the API', () => {
  it('are listed with what went wrong, newest first and in pages', async () => {
    const consumer = `test.${newId()}`;
    const [older] = await poisonedOrder(consumer);
    const [newer, waiting] = await poisonedOrder(consumer);
    const { status, body } = await list(`?consumer=${consumer}&limit=1`);
    expect(status).toBe(200);
    expect(body.data).toEqual([
      {
        consumer,
        event: expect.objectContaining({
          specversion: '1.0',
          id: newer!.id,
          type: 'steelyard.order.placed.v1',
          data: newer!.data,
        }),
        attempts: 10,
        error: 'Error: poison',
        parkedAt: expect.stringMatching(/Z$/),
        waitingBehind: 1,
      },
    ]);
    const next = await list(`?consumer=${consumer}&limit=1&cursor=${body.nextCursor}`);
    expect([idsIn(next.body), next.body.nextCursor]).toEqual([[older!.id], null]);
    expect((await list(`?consumer=${consumer}&type=${waiting!.type}`)).body.data).toEqual([]);
    expect((await list(`?limit=1&cursor=${body.nextCursor}`)).body).toMatchObject({ code: 'invalid_cursor' });
  });

  it('are applied in order once they are redriven, and what is not meant stays', async () => {
    const events = await poisonedOrder();
    const [other] = await poisonedOrder();
    const answer = await redrive({ consumer: watcher.name, eventIds: [events[0]!.id], reason: REASON });
    expect(answer).toMatchObject({ status: 200, body: { redriven: 1 } });
    await retryAll();
    expect(appliedOf(events)).toEqual(events.map(({ id }) => id));
    expect(idsIn((await list(`?consumer=${watcher.name}`)).body)).toEqual([other!.id]);
    expect((await redrive({ all: true, reason: REASON })).body.redriven).toBeGreaterThan(0);
    expect((await list()).body.data).toEqual([]);
  });

  it('are discarded one by one, and what waits behind goes on without', async () => {
    const [first, ...others] = await poisonedOrder();
    const choice = { consumer: watcher.name, eventId: first!.id, reason: 'Of a product that never was' };
    expect(await discard(choice)).toMatchObject({ status: 204 });
    const { body: log } = await shop.get(`${AUDIT_LOG}?limit=1`, { as: shop.admin });
    expect(log.data).toMatchObject([
      {
        action: 'POST /admin/dead-letters/discard',
        target: first!.id,
        reason: choice.reason,
        details: { consumer: watcher.name, eventId: first!.id },
      },
    ]);
    await retryAll();
    expect(appliedOf([first!])).toEqual(others.map(({ id }) => id));
    await shop.expectRefusal(() => discard(choice), 404, 'dead_letter_not_found');
  });

  it('are not asked for, redriven or discarded by names that nobody has', async () => {
    const names = { consumer: 'webhooks.deliver', type: 'steelyard.order.exploded.v1' };
    const [letter] = await poisonedOrder();
    const problems = (part: string) =>
      [
        { pointer: `${part}/consumer`, code: 'unknown_consumer' },
        { pointer: `${part}/type`, code: 'unknown_event_type' },
      ].map((problem) => expect.objectContaining(problem) as object);
    const listed = await list(`?${new URLSearchParams(names).toString()}`);
    const redriven = await redrive({ ...names, reason: REASON });
    expect([listed.status, listed.body.errors]).toEqual([400, problems('query:')]);
    expect([redriven.status, redriven.body.errors]).toEqual([400, problems('')]);
    const redrivenOne = { ...names, eventIds: [letter!.id], reason: REASON };
    const misnamed = { consumer: names.consumer, eventId: letter!.id, reason: REASON };
    const unknownConsumer = { pointer: '/consumer', code: 'unknown_consumer' };
    await shop.expectRefusal(() => redrive(redrivenOne), 400, 'validation_failed', unknownConsumer);
    const discarded = await shop.expectRefusal(
      () => discard(misnamed),
      400,
      'validation_failed',
      unknownConsumer,
    );
    // Whoever has mistyped sees what to type.
    expect(discarded.body.errors[0].detail).toContain('webhooks.fan-out');
    expect((await list('?consumer=webhooks.fan-out&type=steelyard.order.placed.v1')).body.data).toEqual([]);
  });

  it('have examples, here and in the runbook, of consumers that there are', async () => {
    const names = shop.api.app.get(EventBus).consumers.map(({ name }) => name);
    const runbook = await readFile('docs/runbooks/dead-letters.md', 'utf8');
    const contract = JSON.stringify(await describeApi());
    const named = [...`${runbook}${contract}`.matchAll(/"consumer": ?"([^"]+)"|--consumer (\S+)/g)].map(
      ([, quoted, option]) => quoted ?? option,
    );
    expect(named.length).toBeGreaterThan(4);
    expect(named.filter((name) => !names.includes(name!))).toEqual([]);
    const listed = [...runbook.matchAll(/^\| `([a-z.-]+)`/gm)].map(([, name]) => name);
    expect(listed.sort()).toEqual(names.filter((name) => name !== watcher.name).sort());
  });

  it.each<[string, object, string]>([
    ['without a word about which ones', { reason: REASON }, '/all'],
    ['all of them and only some', { all: true, consumer: 'a', reason: REASON }, '/all'],
    ['all of them, untruly', { all: false, reason: REASON }, '/all'],
    ['without a reason', { all: true }, '/reason'],
    ['an id that is none', { eventIds: ['x'], reason: REASON }, '/eventIds/0'],
    ['no ids at all', { eventIds: [], reason: REASON }, '/eventIds'],
    ['a field too many', { all: true, reason: REASON, force: true }, '/force'],
  ])('are not redriven %s', async (_, body, pointer) => {
    const { status, body: problem } = await redrive(body);
    expect({ status, code: problem.code }).toEqual({ status: 400, code: 'validation_failed' });
    expect(problem.errors).toContainEqual(expect.objectContaining({ pointer }));
  });
});

describe('steelyard dead-letters', () => {
  it(
    'lists them, has them tried again, and discards them, with the database alone',
    async () => {
      const consumer = `test.${newId()}`;
      const [first] = await poisonedOrder(consumer);
      const [second] = await poisonedOrder(consumer);
      const reason = ['--reason', REASON];
      const [listed, unsaid, unmatched] = await Promise.all([
        cli('list', '--consumer', consumer),
        cli('redrive', ...reason),
        cli('redrive', '--event', newId(), ...reason),
      ]);
      expect(listed.end).toBe(0);
      expect(listed.output).toContain(`${first!.id}  ${consumer}  steelyard.order.placed.v1`);
      expect(listed.output).toContain('tried 10 times, 1 waiting behind it\n  Error: poison');
      expect(listed.output).toContain('2 in all.');
      expect(unsaid).toEqual({ end: 1, output: expect.stringContaining('or --all and none of these.') });
      expect(unmatched).toEqual({ end: 1, output: expect.stringContaining('There is no such dead letter') });

      const unknown = ['--consumer', consumer, '--event', newId()];
      const outcomes = await Promise.all([
        cli('redrive', '--event', first!.id, ...reason),
        cli('discard', '--consumer', consumer, '--event', second!.id, ...reason),
        cli('discard', ...unknown, ...reason),
      ]);
      expect(outcomes).toEqual([
        { end: 0, output: '1 are tried again.\n' },
        { end: 0, output: `${consumer} will not apply ${second!.id}.\n` },
        { end: 1, output: expect.stringContaining('has given up no such event') },
      ]);
      expect((await list(`?consumer=${consumer}`)).body.data).toEqual([]);
    },
    PROCESSES_MS,
  );

  it(
    'leaves in the audit log who ran it, where and why, in one chain with what people do in their sessions',
    async () => {
      const consumer = `test.${newId()}`;
      const [given, tried] = [await poisonedOrder(consumer), await poisonedOrder(consumer)];
      const { id } = given[0]!;
      const before = (await shop.read(`${AUDIT_LOG}/verify`)).checked as number;
      const done = await Promise.all([
        cli('discard', '--consumer', consumer, '--event', id, '--reason', ' Of a product that never was '),
        cli('redrive', '--consumer', consumer, '--event', tried[0]!.id, '--reason', REASON),
      ]);
      expect(done.map(({ end }) => end)).toEqual([0, 0]);
      expect((await redrive({ all: true, reason: REASON })).status).toBe(200);

      const { data } = await shop.read(`${AUDIT_LOG}?actor=host:${userInfo().username}&limit=100`);
      const entries = (data as { position: number; action: string }[]).filter(
        ({ position }) => position > before,
      );
      const byHost = {
        ...{ actor: `host:${userInfo().username}`, role: 'host', sessionId: null, aal: null },
        ...{ address: hostname(), requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
      };
      expect(entries.sort((a, b) => a.action.localeCompare(b.action))).toEqual([
        expect.objectContaining({
          ...byHost,
          action: 'steelyard dead-letters discard',
          target: id,
          reason: 'Of a product that never was',
          details: { consumer, eventId: id },
        }),
        expect.objectContaining({
          ...byHost,
          action: 'steelyard dead-letters redrive',
          target: null,
          reason: REASON,
          details: { consumer, eventIds: [tried[0]!.id] },
        }),
      ]);
      expect(await shop.read(`${AUDIT_LOG}/verify`)).toMatchObject({ intact: true, checked: before + 3 });
    },
    PROCESSES_MS,
  );

  it(
    'does nothing without a reason, nor when it cannot be audited',
    async () => {
      const consumer = `test.${newId()}`;
      const [{ id }] = (await poisonedOrder(consumer)) as [IntegrationEvent];
      const which = ['--consumer', consumer, '--event', id];
      const [unsaid, empty] = await Promise.all([
        cli('redrive', ...which),
        cli('discard', ...which, '--reason', ' '),
      ]);
      expect(unsaid).toEqual({ end: 1, output: expect.stringContaining(`'--reason <text>' not specified`) });
      expect(empty).toEqual({ end: 1, output: expect.stringContaining('a text of 1 to 500 characters') });
      await shop.sql.query('ALTER TABLE platform.audit_log ADD CONSTRAINT full_up CHECK (false) NOT VALID');
      try {
        const { end } = await cli('discard', ...which, '--reason', REASON);
        expect(end).not.toBe(0);
      } finally {
        await shop.sql.query('ALTER TABLE platform.audit_log DROP CONSTRAINT full_up');
      }
      expect(idsIn((await list(`?consumer=${consumer}`)).body)).toEqual([id]);
    },
    PROCESSES_MS,
  );
});
