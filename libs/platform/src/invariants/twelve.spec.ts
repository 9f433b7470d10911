import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { INVARIANTS } from './twelve.js';

const ROOT = resolve(import.meta.dirname, '../../../..');

describe('the invariants', () => {
  it('are numbered from 1 to 12', () => {
    expect(INVARIANTS.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  it.each(INVARIANTS.flatMap(({ number, provenBy }) => provenBy.map((suite) => ({ number, suite }))))(
    'number $number is proven by $suite, which is there',
    ({ suite }) => {
      expect(existsSync(resolve(ROOT, suite))).toBe(true);
    },
  );
});
