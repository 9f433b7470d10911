import { setTimeout as delay } from 'node:timers/promises';
import { PollingLoop } from './polling-loop.js';

/** Remembers what was logged, as `level message`. */
function recordingLogger() {
  const lines: string[] = [];
  const record = (level: string) => (_: unknown, message?: string) => void lines.push(`${level} ${message}`);
  return { lines, error: record('error'), info: record('info'), warn: record('warn') };
}

/** A job whose rounds follow a script; after its end they find nothing to do. */
function scriptedLoop(script: (number | Error)[], pollMs: number) {
  const startedAt: number[] = [];
  const logger = recordingLogger();
  const ended = Promise.withResolvers<undefined>();
  const round = async () => {
    startedAt.push(performance.now());
    const step = script.shift();
    if (step === undefined) ended.resolve(undefined);
    if (step instanceof Error) throw step;
    return step ?? 0;
  };
  const loop = new PollingLoop({ name: 'scripted', pollMs, round }, logger);
  return { loop, logger, startedAt, ended: ended.promise };
}

describe('a polling loop', () => {
  it('goes on at once while there is work, and waits when there is none', async () => {
    const { loop, startedAt, ended } = scriptedLoop([7, 7, 7, 0], 200);
    loop.start();
    await ended;
    await loop.stop(1_000);
    const pauses = startedAt.slice(1).map((time, index) => time - startedAt[index]!);
    expect(pauses).toHaveLength(4);
    for (const pause of pauses.slice(0, 3)) expect(pause).toBeLessThan(100);
    expect(pauses[3]).toBeGreaterThan(190);
  });

  it('logs a streak of failures once, waits longer and longer, and says when it works again', async () => {
    const failure = new Error('PostgreSQL is away');
    const { loop, logger, startedAt, ended } = scriptedLoop([failure, failure, failure, 1], 10);
    loop.start();
    await ended;
    await loop.stop(1_000);
    expect(logger.lines).toEqual([
      'error A job fails; it is tried again and again',
      'info A job works again',
    ]);
    expect(startedAt[3]! - startedAt[0]!).toBeGreaterThan(20 + 40 + 80 - 10);
  });

  it('finishes the round in flight before it stops, and begins no other', async () => {
    const release = Promise.withResolvers<number>();
    const begun = Promise.withResolvers<undefined>();
    let rounds = 0;
    const round = () => {
      rounds += 1;
      begun.resolve(undefined);
      return release.promise;
    };
    const logger = recordingLogger();
    const loop = new PollingLoop({ name: 'long', pollMs: 1, round }, logger);
    loop.start();
    await begun.promise;
    let stopped = false;
    const stopping = loop.stop(5_000).then(() => (stopped = true));
    await delay(30);
    expect(stopped).toBe(false);
    release.resolve(1);
    await stopping;
    expect({ rounds, lines: logger.lines }).toEqual({ rounds: 1, lines: [] });
  });

  it('leaves a round behind that does not end within the grace', async () => {
    const logger = recordingLogger();
    const never = Promise.withResolvers<number>();
    const loop = new PollingLoop({ name: 'stuck', pollMs: 1, round: () => never.promise }, logger);
    loop.start();
    await loop.stop(20);
    expect(logger.lines).toEqual(['warn A job did not end in time and is left behind']);
  });

  it('interrupts the pause when it is stopped', async () => {
    const { loop, ended } = scriptedLoop([], 60_000);
    loop.start();
    await ended;
    const before = performance.now();
    await loop.stop(5_000);
    expect(performance.now() - before).toBeLessThan(1_000);
  });

  it('may be stopped without having been started', async () => {
    await scriptedLoop([], 1).loop.stop(1_000);
  });
});
