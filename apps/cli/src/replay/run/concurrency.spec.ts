import { setTimeout as delay } from 'node:timers/promises';
import { forEachConcurrently } from './concurrency.js';

describe('forEachConcurrently', () => {
  it.each([
    [0, 3],
    [1, 3],
    [10, 3],
    [10, 1],
    [3, 10],
  ])('works on %d items in their order, at most %d at a time', async (itemCount, limit) => {
    const items = Array.from({ length: itemCount }, (_, at) => at);
    const begun: number[] = [];
    let running = 0;
    let most = 0;
    await forEachConcurrently(items, limit, async (item) => {
      begun.push(item);
      running += 1;
      most = Math.max(most, running);
      await delay(1);
      running -= 1;
    });
    expect(begun).toEqual(items);
    expect(most).toBe(Math.min(itemCount, limit));
  });

  it('awaits what is under way when one fails, and begins nothing else', async () => {
    const finished: number[] = [];
    const work = async (item: number) => {
      if (item === 1) throw new Error('one');
      await delay(5);
      finished.push(item);
    };
    await expect(forEachConcurrently([0, 1, 2, 3, 4], 3, work)).rejects.toThrow('one');
    expect(finished).toEqual([0, 2]);
  });
});
