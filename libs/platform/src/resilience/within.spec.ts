import { within } from './within.js';

describe('a wait with a bound', () => {
  it('yields what comes in time, a failure as well', async () => {
    expect(await within(1_000, 'Redis', () => Promise.resolve(7))).toBe(7);
    await expect(within(1_000, 'Redis', () => Promise.reject(new Error('full')))).rejects.toThrow('full');
  });

  it('ends when time is up, and tells what it waited for to begin nothing more', async () => {
    let told: AbortSignal | undefined;
    const forever = within(20, 'Redis', (signal) => {
      told = signal;
      return new Promise<never>(() => undefined);
    });
    expect(told?.aborted).toBe(false);
    await expect(forever).rejects.toThrow('Redis has not answered within 20 ms.');
    expect(told?.aborted).toBe(true);
  });
});
