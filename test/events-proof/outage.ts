import { setTimeout as delay } from 'node:timers/promises';
import { keyedCall } from '../faults/caller.js';
import { checkInvariants } from '../faults/check-invariants.js';
import { say } from '../faults/report.js';
import { type Product, Rig } from '../faults/rig.js';
import type { Totals } from '../faults/totals.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { type BrokerName, newBroker } from './brokers.js';

/** So long, orders are placed before the broker goes. */
const BEFORE_MS = 5_000;
const LOOK_EVERY_MS = 500;
/** One order at a time each, with a pause as people make it: some ten orders a second. */
const BUYERS = 4;
const PAUSE_MS = 300;
/** Relays and consumers pause for at most 30 s after a failure, and may just have failed once more. */
const DRAIN_MS = 90_000;
/** The age is measured every 15 s; where nothing is wrong no event waits for longer than this. */
const NORMAL_AGE_SECONDS = 5;
const NORMAL_AGE_MS = 60_000;

interface Placed {
  readonly status: number;
  readonly ms: number;
}

/** What an operator sees at one moment. */
interface Sight {
  readonly ready: number;
  readonly degraded: boolean | undefined;
  readonly ageSeconds: number;
}

/** A shop through one broker: people who buy, and an operator who looks. */
class Scene {
  placed: Placed[] = [];
  private readonly closing = new AbortController();

  constructor(
    readonly rig: Rig,
    private readonly managementPort: number,
    private readonly mug: Product,
  ) {}

  /** Has people buy, one order after the other, until the shop closes. */
  async buy(): Promise<void> {
    const { signal } = this.closing;
    while (!signal.aborted) {
      const call = keyedCall('customer', '/api/v1/orders', {
        lines: [{ productId: this.mug.id, quantity: 1 }],
        payment: { method: 'pm_card_visa', capture: 'automatic' },
      });
      const startedAt = performance.now();
      const answer = await this.rig.caller.send(call);
      this.placed.push({ status: answer?.status ?? 0, ms: performance.now() - startedAt });
      await delay(PAUSE_MS);
    }
  }

  close(): void {
    this.closing.abort();
  }

  /** Looks now and again for so long. */
  async watch(ms: number): Promise<Sight[]> {
    const sights: Sight[] = [];
    const until = performance.now() + ms;
    while (performance.now() < until) {
      sights.push(await this.look());
      await delay(LOOK_EVERY_MS);
    }
    return sights;
  }

  async look(): Promise<Sight> {
    const ready = await fetch(`${this.rig.caller.baseUrl}/readyz`);
    const { details } = (await ready.json()) as { details?: { transport?: { degraded: boolean } } };
    const metrics = await (await fetch(`http://127.0.0.1:${this.managementPort}/metrics`)).text();
    const age = /^outbox_oldest_seconds (\S+)$/m.exec(metrics)?.[1];
    return { ready: ready.status, degraded: details?.transport?.degraded, ageSeconds: Number(age) };
  }
}

/**
 * A broker that is away while people buy: no order fails, readiness says degraded and stays ready, and with nobody's help
 * the events that waited arrive and the age of the oldest is what it was.
 */
export async function runOutage(name: BrokerName, seconds: number, totals: Totals): Promise<void> {
  await using parts = new AsyncDisposableStack();
  const broker = newBroker(name);
  parts.defer(() => broker.close());
  await broker.open();
  const managementPort = await freePort();
  const rig = await Rig.start({
    ...broker.settings,
    EVENTS_TRANSPORT: name,
    MANAGEMENT_PORT: String(managementPort),
  });
  parts.defer(() => rig.stop());
  const scene = new Scene(rig, managementPort, await rig.product(1_250, 100_000));
  const buyers = Promise.all(Array.from({ length: BUYERS }, () => scene.buy()));
  const before = await scene.watch(BEFORE_MS);
  const calm = scene.placed;
  await broker.settle();
  await broker.kill();
  scene.placed = [];
  const during = await scene.watch(seconds * 1_000);
  const stormy = scene.placed;
  await broker.start();
  const backAt = performance.now();
  scene.close();
  await buyers;
  const isDrained = await rig.drains(DRAIN_MS);
  const drainSeconds = (performance.now() - backAt) / 1_000;
  const last = await eventually(async () => {
    const sight = await scene.look();
    if (sight.degraded !== false || !(sight.ageSeconds < NORMAL_AGE_SECONDS))
      throw new Error(JSON.stringify(sight));
    return sight;
  }, NORMAL_AGE_MS).catch(() => undefined);
  const normalSeconds = (performance.now() - backAt) / 1_000;

  const orders = [...calm, ...stormy];
  const failed = orders.filter(({ status }) => status !== 201);
  const highest = Math.max(...during.map(({ ageSeconds }) => ageSeconds));
  const proofs: [boolean, string][] = [
    [
      failed.length === 0 && stormy.length > 0,
      `${orders.length} orders, ${stormy.length} of them while ${name} was away for ${seconds} s, ${failed.length} failed`,
    ],
    [
      [...before, ...during].every(({ ready }) => ready === 200),
      `ready in each of ${before.length + during.length} looks`,
    ],
    [
      before.every(({ degraded }) => degraded === false) && during.at(-1)?.degraded === true,
      `degraded in ${during.filter(({ degraded }) => degraded).length} of ${during.length} looks while it was away, and in none before`,
    ],
    [highest > NORMAL_AGE_SECONDS, `the oldest event was ${highest.toFixed(1)} s old at most`],
    [isDrained, `everything had arrived ${drainSeconds.toFixed(1)} s after its return`],
    [
      last !== undefined,
      `the age was ${last?.ageSeconds.toFixed(1)} s again after ${normalSeconds.toFixed(1)} s`,
    ],
  ];
  say(
    `outage of ${name}: orders placed in ${percentiles(calm)} before, ${percentiles(stormy)} while it was away`,
  );
  for (const [isProven, words] of proofs) {
    say(`outage of ${name}: ${isProven ? 'ok' : 'BROKEN'}: ${words}`);
    totals.count(isProven);
  }
  totals.invariants(`outage of ${name}`, await checkInvariants(rig));
}

function percentiles(placed: readonly Placed[]): string {
  const sorted = placed.map(({ ms }) => ms).sort((a, b) => a - b);
  const at = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(0);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
}
