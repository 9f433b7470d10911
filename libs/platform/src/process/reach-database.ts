import { driverErrorOf, isUnreachable } from '../database/index.js';
import { ProcessError } from './process-error.js';

/** How PostgreSQL refuses a connection, by SQLSTATE, and what to do about it. */
const REFUSALS: Readonly<Record<string, string>> = {
  '28P01': 'refuses the password',
  '28000': 'refuses the user',
  '3D000': 'has no database of that name',
  '53300': 'has no connection left',
  '57P03': 'is starting up or shutting down',
};

/**
 * Runs `fn`, which connects to the database at `url` for the first time.
 *
 * @throws ProcessError when the database cannot be reached or refuses the connection; it shows no password
 */
export async function reachDatabase<T>(url: string, fn: () => Promise<T>): Promise<T> {
  try {
    return await fn();
  } catch (error) {
    throw explain(error, url);
  }
}

function explain(error: unknown, url: string): unknown {
  const cause = driverErrorOf(error);
  const { code = '', message = '' } = cause;
  const refusal = REFUSALS[code];
  const { host, pathname, username } = new URL(url);
  const place = `${host}${pathname}${username ? ` as ${decodeURIComponent(username)}` : ''}`;
  if (refusal) {
    return new ProcessError(`PostgreSQL at ${place} ${refusal}: check DATABASE_URL. (${message})`, { cause });
  }
  if (isUnreachable(error)) {
    const reason = code || message;
    return new ProcessError(
      `PostgreSQL at ${place} cannot be reached (${reason}): start it, or check DATABASE_URL.`,
      { cause },
    );
  }
  return error;
}
