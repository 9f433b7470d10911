import type { ApiAnswer, ApiClient } from './api-client.js';

/** The worker asks a silent gateway again within a minute; this is two. */
const MAX_POLLS = 120;
const POLL_INTERVAL_MS = 1_000;

/**
 * Reads again, while the outcome of something is open, until it is known or patience ends. The last answer may then
 * still be open.
 *
 * @throws ApiUnreachable, ReplayInterrupted
 */
export async function settle<Body>(
  client: ApiClient,
  first: ApiAnswer<Body>,
  isOpen: (body: Body) => boolean,
  read: () => Promise<ApiAnswer<Body>>,
): Promise<ApiAnswer<Body>> {
  let answer = first;
  for (let polls = 0; polls < MAX_POLLS && answer.ok && isOpen(answer.body); polls += 1) {
    await client.wait(POLL_INTERVAL_MS);
    answer = await read();
  }
  return answer;
}
