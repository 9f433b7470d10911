import { setTimeout as delay } from 'node:timers/promises';
import { isFinal, type KeyedCall } from './caller.js';
import { checkInvariants, type InvariantReport } from './check-invariants.js';
import { live, orderIn, type Scene } from './people.js';
import type { Rig } from './rig.js';
import type { Disaster, Schedule } from './schedule-plan.js';

/** What came of a schedule. */
export interface ScheduleReport {
  readonly seed: number;
  readonly calls: number;
  readonly orders: number;
  readonly effects: number;
  readonly kills: { readonly app: number; readonly postgres: number };
  readonly seconds: number;
  readonly invariants: readonly InvariantReport[];
}

/** People begin nothing new after that. */
const STORM_MS = 2_500;
/** When the storm is over, everything must have come to its end by then. */
const DRAIN_WITHIN_MS = 30_000;
const STOCK = 400;

/** Rounds in which calls without a final answer are made again, each after everything has drained. */
const LAST_ROUNDS = 3;

/** Runs a schedule on a shop of its own, waits until everything has come to rest, and judges. */
export async function runSchedule(rig: Rig, schedule: Schedule): Promise<ScheduleReport> {
  const startedAt = performance.now();
  const before = { ...rig.kills };
  await rig.forgetEverything();
  const products = await Promise.all(schedule.prices.map((price) => rig.product(price, STOCK)));
  const flash = await rig.product(777, schedule.flashStock);
  const calm = Promise.withResolvers<undefined>();
  const scene: Scene = {
    ...{ caller: rig.caller, products, flash, isStormy: true, unfinished: [], placed: new Map() },
    calm: calm.promise,
    seen: { 6: [], 7: [], 12: [] },
  };
  rig.gateway.simulator.follow({ seed: schedule.seed, chances: schedule.chances, slowMs: 700 });
  const living = Promise.all(schedule.people.map(({ role, random }) => live(role, scene, random)));
  const storm = passStorm(rig, schedule.disasters);
  await delay(STORM_MS);
  scene.isStormy = false;
  await storm;
  rig.gateway.simulator.follow({});
  calm.resolve(undefined);
  await whileTimePasses(rig, async () => {
    await living;
    await finishAll(rig, scene);
  });
  await judgeSale(rig, scene, schedule);
  await judgePlaced(rig, scene);
  const orders = await rig.sql.query('SELECT FROM orders.orders');
  return {
    seed: schedule.seed,
    calls: rig.caller.sent,
    orders: orders.rowCount ?? 0,
    effects: rig.gateway.simulator.effects.length,
    kills: { app: rig.kills.app - before.app, postgres: rig.kills.postgres - before.postgres },
    seconds: (performance.now() - startedAt) / 1000,
    invariants: await checkInvariants(rig, scene.seen),
  };
}

/** Lets the disasters happen while the application is started again whenever it has died; in the end it runs. */
async function passStorm(rig: Rig, disasters: readonly Disaster[]): Promise<void> {
  const over = Promise.withResolvers<undefined>();
  const alive = rig.keepAppAlive(over.promise);
  const startedAt = performance.now();
  for (const disaster of disasters) {
    await delay(Math.max(0, disaster.afterMs - (performance.now() - startedAt)));
    await strike(rig, disaster);
  }
  await delay(Math.max(0, STORM_MS - (performance.now() - startedAt)));
  over.resolve(undefined);
  await alive;
}

async function strike(rig: Rig, disaster: Disaster): Promise<void> {
  switch (disaster.what) {
    case 'postgres':
      return rig.killPostgres();
    case 'app':
      rig.app.signal('SIGKILL');
      return;
    case 'failpoint':
      // An application that is dead already cannot be told how to die.
      return rig.app.tell(`${disaster.failpoint}=kill`).catch(() => undefined);
  }
}

/** Has leases and pauses end early while `fn` runs: minutes of a real recovery in a second or two. */
async function whileTimePasses(rig: Rig, fn: () => Promise<void>): Promise<void> {
  const done = new AbortController();
  const passing = (async () => {
    while (!done.signal.aborted) {
      await rig.passTime();
      await delay(200, undefined, { signal: done.signal }).catch(() => undefined);
    }
  })();
  try {
    await fn();
  } finally {
    done.abort();
    await passing;
  }
}

/** Makes every call that was not answered for good again, now that everything behaves. */
async function finishAll(rig: Rig, { unfinished, placed, seen }: Scene): Promise<void> {
  let left: KeyedCall[] = unfinished;
  for (let round = 0; round < LAST_ROUNDS; round += 1) {
    await rig.drains(DRAIN_WITHIN_MS);
    const open: KeyedCall[] = [];
    for (const call of left) {
      const answer = await rig.caller.send(call);
      if (answer && call.path === '/api/v1/orders') placed.set(call.key, answer);
      if (!answer || !isFinal(answer)) open.push(call);
    }
    left = open;
  }
  for (const call of left) {
    const answer = await rig.caller.send(call);
    // A cancellation waits where the bank refuses; the invariants say whether it may.
    const waits = answer?.status === 202 && call.path.endsWith('/cancel');
    if (!waits) seen[7].push({ problem: 'never answered for good', call, answer });
  }
  await rig.drains(DRAIN_WITHIN_MS);
}

async function judgeSale(rig: Rig, { flash, seen }: Scene, { people, flashStock }: Schedule): Promise<void> {
  const { rows } = await rig.sql.query<{ count: number }>(
    `SELECT count(*)::int FROM orders.orders o
      WHERE status = 'confirmed' AND EXISTS (SELECT FROM orders.order_lines WHERE order_id = o.id AND product_id = $1)`,
    [flash.id],
  );
  const buyers = people.filter(({ role }) => role === 'buyer').length;
  const expected = Math.min(flashStock, buyers);
  const confirmed = rows[0]!.count;
  if (confirmed !== expected) seen[6].push({ flashStock, buyers, confirmed });
}

/** Every order was asked for by a key, and no key has left two. */
async function judgePlaced(rig: Rig, { placed, seen }: Scene): Promise<void> {
  const told = [...placed.values()]
    .map((answer) => orderIn(answer)?.id as string | undefined)
    .filter((id) => id !== undefined);
  const { rows } = await rig.sql.query<{ id: string }>('SELECT id FROM orders.orders');
  const strangers = rows.filter(({ id }) => !told.includes(id));
  if (strangers.length > 0) seen[7].push({ problem: 'orders that no key knows', strangers });
  if (new Set(told).size < told.length) seen[7].push({ problem: 'two keys, one order', told });
}
