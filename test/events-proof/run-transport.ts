import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../support/eventually.js';
import type { SpawnedApp } from '../support/spawn-app.js';
import type { TransportName } from './brokers.js';
import { EventStage } from './event-stage.js';
import type { Postgres } from './postgres.js';
import { judge, type Verdict } from './verdict.js';

/** Of each aggregate, so many events happen while nothing is killed, */
const STEADY = 4;
/** so many around each of six deaths, */
const PER_DEATH = 4;
const STORM = STEADY + 6 * PER_DEATH;
/** and the rest while the relay is dead. */
const ALL = 40;

/** Events a second while nothing is killed, and around the deaths. */
const STEADY_PER_SECOND = 500;
const STORM_PER_SECOND = 1_000;

/** A broker is dead for so long before it is started again. */
const OUTAGE_MS = 2_000;
/** Kafka misses a reader that was killed after 15 s, and everybody pauses longer and longer while a broker is away. */
const ARRIVAL_MS = 120_000;
const DEATH_MS = 60_000;

type Role = 'relay' | 'consumer';

export interface Outcome extends Verdict {
  readonly transport: TransportName;
  readonly expected: number;
  readonly kills: { readonly relay: number; readonly consumer: number; readonly broker: number };
  readonly seconds: number;
}

/** One transport with its processes: a relay and two consumers, of which each may be killed. */
class Run {
  readonly kills = { relay: 0, consumer: 0, broker: 0 };
  private readonly processes = new Map<string, SpawnedApp>();

  constructor(readonly stage: EventStage) {}

  async start(name: string): Promise<void> {
    const role = name.startsWith('relay') ? 'relay' : 'witness';
    this.processes.set(name, await this.stage.start(role));
  }

  /** Kills a process where it stands. */
  async kill(name: string): Promise<void> {
    this.count(name);
    await this.processes.get(name)?.end('SIGKILL');
  }

  /** Has the first of these processes that comes to a failpoint die there, and starts it again. */
  async killAt(failpoint: string, names: readonly string[]): Promise<void> {
    const armed = names.map((name) => [name, this.processes.get(name)!] as const);
    await Promise.all(armed.map(([, process]) => process.tell(`${failpoint}=kill`)));
    const timer = new AbortController();
    const tooLate = delay(DEATH_MS, undefined, { signal: timer.signal }).then(() => {
      throw new Error(`Nobody came to ${failpoint} within ${DEATH_MS} ms.`);
    });
    tooLate.catch(() => undefined);
    await Promise.race([...armed.map(([, process]) => process.ended), tooLate]);
    timer.abort();
    for (const [name, process] of armed) {
      // One that still lives goes on, with nothing armed.
      const lives = await process.tell('').then(
        () => true,
        () => false,
      );
      if (lives) continue;
      this.count(name);
      await this.start(name);
    }
  }

  async killBroker(): Promise<void> {
    const { broker } = this.stage;
    this.kills.broker += 1;
    await broker.settle();
    await broker.kill();
    await delay(OUTAGE_MS);
    await broker.start();
  }

  /** What they have written, for whoever wants to know why. */
  get output(): string {
    return [...this.processes].map(([name, { output }]) => `${name}:\n${output.slice(-2_000)}`).join('\n');
  }

  private count(name: string): void {
    this.kills[name.split(' ')[0] as Role] += 1;
  }
}

const CONSUMERS = ['consumer 1', 'consumer 2'];

/** Brings so many events through a transport whose every part is killed meanwhile, and judges what came of them. */
export async function runTransport(
  transport: TransportName,
  postgres: Postgres,
  aggregates: number,
): Promise<Outcome> {
  const startedAt = performance.now();
  await using parts = new AsyncDisposableStack();
  const stage = await EventStage.open(transport, postgres, aggregates, `proof_${transport}`);
  parts.defer(() => stage.close());
  const run = new Run(stage);
  try {
    await Promise.all(['relay', ...CONSUMERS].map((name) => run.start(name)));
    await storm(run, aggregates);
  } catch (error) {
    throw new Error(`${transport}: ${String(error)}\n${run.output}`, { cause: error });
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const expected = aggregates * ALL;
  return {
    ...(await judge(stage.sql, { steady: STEADY, storm: STORM })),
    transport,
    expected,
    kills: run.kills,
    seconds,
  };
}

async function storm(run: Run, aggregates: number): Promise<void> {
  const { stage } = run;
  const { publisher } = stage;
  let last = STEADY;
  /** Has something die when a third of the next events have happened; the others happen meanwhile. */
  const during = async (death: () => Promise<unknown>) => {
    const first = last + 1;
    last += PER_DEATH;
    const third = publisher.appended + (aggregates * PER_DEATH) / 3;
    const published = publisher.publish(first, last, STORM_PER_SECOND);
    await eventually(() => {
      if (publisher.appended < third) throw new Error('The events do not happen.');
    }, ARRIVAL_MS);
    await Promise.all([death(), published]);
  };

  await publisher.publish(1, STEADY, STEADY_PER_SECOND);
  await stage.settled();
  await during(async () => {
    await run.kill('consumer 1');
    await run.start('consumer 1');
  });
  await during(() => run.killBroker());
  await during(() => run.killAt('messaging.relay.delivered', ['relay']));
  // What it has applied and not committed has to come again: whoever told the broker before would lose it.
  await during(() => run.killAt('messaging.consumer.applied', CONSUMERS));
  await during(() => run.killAt('messaging.consumer.committed', CONSUMERS));
  await stage.settled();
  await during(() => run.kill('relay'));
  await publisher.import(STORM + 1, ALL);
  await run.start('relay');
  await stage.settled();
}
