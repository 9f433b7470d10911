import type { ApiCall } from './api-client.js';
import type { Page } from './api-types.js';
import { ReplayError } from './replay-errors.js';
import type { Session } from './session.js';

/** The most rows that the API puts on a page. */
const PAGE_ROWS = 100;

/** Where a page begins, as query parameters. */
export interface PageQuery {
  readonly limit: number;
  readonly cursor?: string;
}

/**
 * Reads a list of the API, page by page, to its end or until the caller has seen enough.
 *
 * @param what names the rows where the API refuses
 * @param callFor the call that reads one page
 * @throws ReplayError when the API refuses
 */
export async function* readPages<Row>(
  session: Session,
  what: string,
  callFor: (query: PageQuery) => ApiCall<Page<Row>>,
): AsyncGenerator<readonly Row[]> {
  let query: PageQuery = { limit: PAGE_ROWS };
  for (;;) {
    const answer = await session.send(callFor(query));
    if (!answer.ok)
      throw new ReplayError(`The API refused to list ${what}: ${answer.code}, ${answer.detail}`);
    const { data, nextCursor } = answer.body;
    yield data;
    if (nextCursor === null) return;
    query = { limit: PAGE_ROWS, cursor: nextCursor };
  }
}
