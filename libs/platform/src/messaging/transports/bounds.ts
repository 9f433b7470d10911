import type { Settings } from '../../config/index.js';

/** At most so many events are handled together. */
export const BATCH_SIZE = 500;
/** A consumer that nobody wakes looks by itself this often; it is also the shortest pause after a failure. */
export const SWEEP_MS = 1_000;
/** Longest wait for a connection to a broker with what belongs to it, and for an answer to a short question. */
export const CONNECT_TIMEOUT_MS = 5_000;
const LONGEST_PUBLISH_MS = 10_000;

/** Longest wait for a broker to keep events. PostgreSQL ends the relay's transaction after twice as long in silence. */
export function publishTimeoutMs({ DATABASE_STATEMENT_TIMEOUT_MS }: Settings): number {
  return Math.min(DATABASE_STATEMENT_TIMEOUT_MS || LONGEST_PUBLISH_MS, LONGEST_PUBLISH_MS);
}
