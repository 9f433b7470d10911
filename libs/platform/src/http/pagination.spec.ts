import { type Config } from '../config/index.js';
import { pageQuerySchema, Paginator } from './pagination.js';

const paginator = new Paginator({
  appSecrets: ['a secret of the application, long enough'],
} as unknown as Config);

/** A list of numbers, newest first, as a table would give it. */
function listOf(length: number, asked: { after: unknown; limit: number }[] = []) {
  const rows = Array.from({ length }, (_, index) => length - index);
  return (after: readonly (string | number)[] | undefined, limit: number) => {
    asked.push({ after, limit });
    const start = after === undefined ? 0 : rows.findIndex((row) => row < Number(after[0]));
    return Promise.resolve(start === -1 ? [] : rows.slice(start, start + limit));
  };
}

const page = (read: ReturnType<typeof listOf>, limit: number, cursor?: string, filters: object = {}) =>
  paginator.page('numbers', filters, { limit, cursor }, (row: number) => [row], read);

describe('the pages of a list', () => {
  it.each([0, 1, 2, 3, 4, 7])('of %d rows hold each row once, in order', async (length) => {
    const rows: number[] = [];
    const sizes: number[] = [];
    let cursor: string | null | undefined;
    do {
      const next = await page(listOf(length), 3, cursor ?? undefined);
      rows.push(...next.data);
      sizes.push(next.data.length);
      cursor = next.nextCursor;
    } while (cursor !== null);
    expect(rows).toEqual(Array.from({ length }, (_, index) => length - index));
    expect(sizes.slice(0, -1).every((size) => size === 3)).toBe(true);
  });

  it('have no next one when the last row fills the page', async () => {
    expect((await page(listOf(3), 3)).nextCursor).toBeNull();
  });

  it('are read with one row more, and after the last row of the page before', async () => {
    const asked: { after: unknown; limit: number }[] = [];
    const { nextCursor } = await page(listOf(7, asked), 3);
    await page(listOf(7, asked), 2, nextCursor!);
    expect(asked).toEqual([
      { after: undefined, limit: 4 },
      { after: [5], limit: 3 },
    ]);
  });

  it('go on under the same filters', async () => {
    const filters = { status: 'open' };
    const { nextCursor } = await page(listOf(5), 3, undefined, filters);
    expect(await page(listOf(5), 3, nextCursor!, filters)).toEqual({ data: [2, 1], nextCursor: null });
  });

  it('are not read at all with the cursor of other filters', async () => {
    const asked: { after: unknown; limit: number }[] = [];
    const { nextCursor } = await page(listOf(7), 3, undefined, { status: 'open' });
    await expect(page(listOf(7, asked), 3, nextCursor!, { status: 'done' })).rejects.toMatchObject({
      code: 'invalid_cursor',
    });
    expect(asked).toEqual([]);
  });
});

describe('what a list is asked', () => {
  it.each([
    [{}, { limit: 20 }],
    [{ limit: '1' }, { limit: 1 }],
    [
      { limit: '100', cursor: 'c' },
      { limit: 100, cursor: 'c' },
    ],
  ])('%j means %j', (query, expected) => {
    expect(pageQuerySchema.parse(query)).toEqual(expected);
  });

  it.each([
    { limit: '0' },
    { limit: '101' },
    { limit: '-1' },
    { limit: '1.5' },
    { limit: 'ten' },
    { limit: '' },
    { limit: ['1', '2'] },
    { cursor: 'c'.repeat(1_001) },
    { cursor: ['a', 'b'] },
    { offset: '5' },
  ])('%j is refused', (query) => {
    expect(pageQuerySchema.safeParse(query).success).toBe(false);
  });
});
