import { setTimeout as delay } from 'node:timers/promises';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { Backoff, type BackoffOptions } from './backoff.js';

const OPTIONS = { name: 'test', freeFailures: 3, memorySeconds: 60, longestPauseSeconds: 4 };

const start = (options: BackoffOptions = OPTIONS) =>
  new Backoff(options, { create: (limit) => new RateLimiterMemory(limit) });

const outcomes = async (tries: Promise<void>[]) =>
  (await Promise.allSettled(tries)).map(({ status }) => status === 'fulfilled');

describe('a backoff', () => {
  it('lets some failures pass, then starts a pause with each, twice as long as before', async () => {
    const backoff = start();
    for (let failure = 0; failure < 4; failure += 1) await backoff.begin('ada');
    const refusal = { code: 'rate_limited', retryAfterSeconds: 2 };
    await expect(backoff.begin('ada')).rejects.toMatchObject(refusal);
    await delay(2_050);
    await backoff.begin('ada');
    await expect(backoff.begin('ada')).rejects.toMatchObject({ ...refusal, retryAfterSeconds: 4 });
  });

  it('has a longest pause', async () => {
    const backoff = start({ ...OPTIONS, freeFailures: 0, longestPauseSeconds: 1 });
    for (let failure = 0; failure < 3; failure += 1) {
      await backoff.begin('ada');
      await expect(backoff.begin('ada')).rejects.toMatchObject({ retryAfterSeconds: 1 });
      await delay(1_050);
    }
  });

  it('lets no more pass when they come at once', async () => {
    const backoff = start();
    const passed = await outcomes(Array.from({ length: 100 }, () => backoff.begin('ada')));
    expect(passed.filter(Boolean)).toHaveLength(OPTIONS.freeFailures + 1);
  });

  it('keeps keys apart', async () => {
    const backoff = start();
    await outcomes(Array.from({ length: 10 }, () => backoff.begin('ada')));
    await backoff.begin('grace');
  });

  it('does not count what is taken back', async () => {
    const backoff = start();
    for (let round = 0; round < 20; round += 1) {
      await backoff.begin('ada');
      await backoff.takeBack('ada');
    }
  });

  it('forgets, and a pause ends with that', async () => {
    const backoff = start();
    await outcomes(Array.from({ length: 10 }, () => backoff.begin('ada')));
    await backoff.forget('ada');
    const passed = await outcomes(Array.from({ length: 4 }, () => backoff.begin('ada')));
    expect(passed).toEqual(Array(4).fill(true));
  });

  it('gives no credit for tries that are taken back after they were forgotten', async () => {
    const backoff = start();
    for (let count = 0; count < 3; count += 1) await backoff.begin('ada');
    await backoff.forget('ada');
    await Promise.all(Array.from({ length: 3 }, () => backoff.takeBack('ada')));
    const passed = await outcomes(Array.from({ length: 10 }, () => backoff.begin('ada')));
    expect(passed.filter(Boolean)).toHaveLength(OPTIONS.freeFailures + 1);
  });
});
