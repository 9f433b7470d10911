import { driverErrorOf } from './driver-error.js';

/** How the network says that PostgreSQL cannot be reached. */
const UNREACHABLE_CODES: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  '08000', // connection_exception
  '08001',
  '08003',
  '08006',
]);

/** The driver gives no code to these: the pool is exhausted, PostgreSQL went away in the middle, or speaks no TLS. */
const UNREACHABLE_MESSAGE =
  /^(timeout exceeded when trying to connect|timeout expired|Connection terminated|The server does not support SSL|There was an error establishing an SSL connection)/;

/** How PostgreSQL says: not now. */
const BUSY_CODES: ReadonlySet<unknown> = new Set([
  '57014', // a statement ran into its time limit
  '57P01', // it is stopping
  '57P02',
  '57P03', // … or starting
  '25P03', // a transaction waited too long
  '40001', // conflicts that a few tries did not end
  '40P01',
  '53300', // it has no connection left
]);

/** Whether what was thrown says that PostgreSQL cannot be reached, or was lost. */
export function isUnreachable(thrown: unknown): boolean {
  const { code, message = '' } = driverErrorOf(thrown);
  return code === undefined ? UNREACHABLE_MESSAGE.test(message) : UNREACHABLE_CODES.has(code);
}

/** Whether what was thrown says that PostgreSQL cannot answer now, and may later. */
export function isUnavailable(thrown: unknown): boolean {
  return isUnreachable(thrown) || BUSY_CODES.has(driverErrorOf(thrown).code);
}
