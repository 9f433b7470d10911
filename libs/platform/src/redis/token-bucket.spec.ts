import * as fc from 'fast-check';
import { type BucketLevel, take } from './token-bucket.js';

const size = fc.record({
  capacity: fc.integer({ min: 1, max: 1_000 }),
  refillSeconds: fc.integer({ min: 1, max: 600 }),
});
/** Milliseconds between one try and the next; a clock may go back. */
const pauses = fc.array(fc.integer({ min: -1_000, max: 60_000 }), { minLength: 1, maxLength: 200 });

describe('a token bucket', () => {
  it('gives a burst of what it holds, and then one for each that flows in', () => {
    const minute = { capacity: 3, refillSeconds: 60 };
    let level: BucketLevel | undefined;
    const takings = [0, 0, 0, 0, 19_999, 20_000, 20_000, 100_000, 100_000].map((now) => {
      const result = take(level, now, minute);
      level = result.level;
      return result.taking;
    });
    expect(takings.map(({ isTaken, left }) => [isTaken, left])).toEqual([
      ...[2, 1, 0].map((left) => [true, left]),
      ...[0, 0].map((left) => [false, left]),
      ...[0].map((left) => [true, left]),
      ...[0].map((left) => [false, left]),
      ...[2, 1].map((left) => [true, left]),
    ]);
    expect(takings[3]).toEqual({ isTaken: false, left: 0, nextMs: 20_000, fullMs: 60_000 });
  });

  it('gives no more in any time than it holds and than flows in', () => {
    fc.assert(
      fc.property(size, pauses, (bucket, waits) => {
        let level: BucketLevel | undefined;
        let now = 0;
        let passed = 0;
        let taken = 0;
        for (const wait of waits) {
          passed += Math.max(0, wait);
          now += wait;
          const result = take(level, now, bucket);
          level = result.level;
          taken += result.taking.isTaken ? 1 : 0;
          const flown = (passed / 1000) * (bucket.capacity / bucket.refillSeconds);
          expect(taken).toBeLessThanOrEqual(bucket.capacity + flown + 1e-6);
        }
      }),
    );
  });

  it('gives one to whoever waits as long as it says, and none before', () => {
    fc.assert(
      fc.property(size, (bucket) => {
        let { level, taking } = take(undefined, 0, bucket);
        while (taking.isTaken) ({ level, taking } = take(level, 0, bucket));
        expect(taking.nextMs).toBeGreaterThan(0);
        expect(take(level, taking.nextMs * 0.99, bucket).taking.isTaken).toBe(false);
        expect(take(level, taking.nextMs + 1e-6, bucket).taking.isTaken).toBe(true);
        expect(take(level, taking.fullMs + 1e-6, bucket).taking.left).toBe(bucket.capacity - 1);
      }),
    );
  });

  it('that is made larger or smaller stays as empty as it was', () => {
    const [small, large] = [3, 5].map((capacity) => ({ capacity, refillSeconds: 60 }));
    let level: BucketLevel | undefined;
    for (let count = 0; count < 3; count += 1) ({ level } = take(level, 0, small!));
    expect(take(level, 0, small!).taking.isTaken).toBe(false);
    expect(take(level, 0, large!).taking).toMatchObject({ isTaken: true, left: 1 });
  });
});
