import fc from 'fast-check';
import { beginningOf, type Change, eitherChanged, isAfter, type Position } from './check.js';

/** Rows of one table, which changed at a few moments so that many share one. */
const rows = (ids: string) =>
  fc.array(fc.nat(5), { maxLength: 20 }).map((moments) =>
    moments
      .map((moment, index): Change => {
        const id = `${ids}${index.toString().padStart(2, '0')}`;
        return { at: new Date(moment), id, subject: id };
      })
      .sort(inOrder),
  );

const inOrder = (a: Position, b: Position) => (isAfter(a, b) ? 1 : -1);

/** Reads a table as SQL would. */
const table = (changes: readonly Change[]) => (after: Position, limit: number) =>
  Promise.resolve(changes.filter((change) => isAfter(change, after)).slice(0, limit));

describe('following two kinds of rows', () => {
  it('sees every change once, in order, whatever the size of the batch', async () => {
    await fc.assert(
      fc.asyncProperty(rows('a'), rows('b'), fc.integer({ min: 1, max: 9 }), async (one, other, limit) => {
        const changed = eitherChanged(table(one), table(other));
        const seen: Change[] = [];
        let position = beginningOf(new Date(0));
        for (;;) {
          const batch = await changed(position, limit);
          seen.push(...batch);
          // A batch that is not full is the last one.
          if (batch.length < limit) break;
          position = batch.at(-1)!;
        }
        expect(seen).toEqual([...one, ...other].sort(inOrder));
      }),
    );
  });
});
