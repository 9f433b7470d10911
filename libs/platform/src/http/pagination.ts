import { Injectable } from '@nestjs/common';
import { CursorCodec, type CursorPosition } from '#kernel';
import { z } from 'zod';
import { Config } from '../config/index.js';

/** The query parameters that every list has. Spread its shape into the list's own schema. */
export const pageQuerySchema = z.strictObject({
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(100)
    .default(20)
    .meta({ description: 'Rows per page, 1 to 100.' }),
  cursor: z
    .string()
    .max(1_000)
    .optional()
    .meta({ description: '`nextCursor` of the page before, with the same filters.' }),
});

/** One page of a list. `nextCursor` is null on the last one. */
export interface Page<Row> {
  readonly data: Row[];
  readonly nextCursor: string | null;
}

/** The schema of a page of `row`, as component `name`. */
export function pageSchema<Row extends z.ZodType>(name: string, row: Row) {
  return z
    .object({ data: z.array(row), nextCursor: z.string().nullable() })
    .meta({ id: name, description: 'One page. `nextCursor` is null on the last.' });
}

/** Where a page begins and how many rows it asks for. */
export interface PageRequest {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** What was read of a feed. There is always a way on: `nextCursor` leads to what comes later. */
export interface FeedPage<Row> {
  readonly data: Row[];
  readonly nextCursor: string;
  /** Whether there is more to read at once, also where the answer holds less than was asked for. */
  readonly hasMore: boolean;
}

/** The schema of a part of a feed of `row`, as component `name`. */
export function feedPageSchema<Row extends z.ZodType>(name: string, row: Row) {
  return z
    .object({
      data: z.array(row),
      nextCursor: z.string(),
      hasMore: z.boolean().meta({
        description:
          'Ask again at once; else in a few seconds. Also true of answers that are not full, or empty.',
      }),
    })
    .meta({
      id: name,
      description: 'Oldest first. `nextCursor` leads on, also where there is nothing yet: ask again with it.',
    });
}

/** Turns rows into pages and cursors back into positions, for every list alike. */
@Injectable()
export class Paginator {
  private readonly codec: CursorCodec;

  constructor(config: Config) {
    this.codec = new CursorCodec(config.appSecrets);
  }

  /**
   * Reads one page. `read` gets the position to start after, and one row more than the page holds, to tell whether
   * there is a next page.
   *
   * @param list name of the list; with `filters` it binds the cursor
   * @param positionOf sort keys of a row, in the order of the list's ORDER BY
   * @throws DomainError invalid_cursor
   */
  async page<Row>(
    list: string,
    filters: object,
    request: PageRequest,
    positionOf: (row: Row) => CursorPosition,
    read: (after: CursorPosition | undefined, limit: number) => Promise<Row[]>,
  ): Promise<Page<Row>> {
    const after = request.cursor === undefined ? undefined : this.codec.decode(request.cursor, list, filters);
    const rows = await read(after, request.limit + 1);
    const data = rows.slice(0, request.limit);
    const last = data.at(-1);
    const nextCursor =
      rows.length > request.limit && last ? this.codec.encode(positionOf(last), list, filters) : null;
    return { data, nextCursor };
  }

  /**
   * Reads on in a feed, which has no end. Its cursor is bound to the feed alone: a place in it is the same whichever
   * rows are asked for.
   *
   * @param read gets the place to read on after, and returns the place that it has read up to
   * @throws DomainError invalid_cursor
   */
  async feed<Row>(
    feed: string,
    request: PageRequest,
    read: (
      after: CursorPosition | undefined,
      limit: number,
    ) => Promise<{ data: Row[]; position: CursorPosition; hasMore: boolean }>,
  ): Promise<FeedPage<Row>> {
    const { limit, cursor } = request;
    const after = cursor === undefined ? undefined : this.codec.decode(cursor, feed, {});
    const { data, position, hasMore } = await read(after, limit);
    return { data, nextCursor: this.codec.encode(position, feed, {}), hasMore };
  }
}
