/** What is kept of an error in the log: a cause of a cause, and so on, no deeper than this. */
const MAX_CAUSES = 5;

/** PostgreSQL quotes the value that it could not read in the messages of this class of codes. */
const DATA_EXCEPTION = /^22/;

/** What tells what went wrong, and holds nothing of whoever called. */
const KEPT_FIELDS = [
  'code',
  'kind',
  'constraint',
  'schema',
  'table',
  'column',
  'routine',
  'syscall',
] as const;

/**
 * An error as the log may hold it. It is a list of what is kept: errors of drivers and libraries carry the parameters
 * of a statement, the row that was refused, or the request that failed, and those carry passwords and addresses.
 */
export function errorForLog(error: unknown, depth = 0): object {
  if (!(error instanceof Error))
    return { type: typeof error, message: 'Something was thrown that is no error.' };
  const fields = error as Error & Readonly<Record<string, unknown>>;
  const kept = KEPT_FIELDS.flatMap((name) =>
    typeof fields[name] === 'string' ? [[name, fields[name]] as const] : [],
  );
  const quotes = typeof fields['code'] === 'string' && DATA_EXCEPTION.test(fields['code']);
  const message = quotes ? 'A value cannot be read.' : error.message;
  const { cause } = error;
  return {
    type: error.name,
    message,
    stack: framesOf(error, message),
    ...Object.fromEntries(kept),
    ...(cause === undefined || depth === MAX_CAUSES ? {} : { cause: errorForLog(cause, depth + 1) }),
  };
}

/** The stack begins with the message, which may be another than the one that is kept. */
function framesOf(error: Error, message: string): string {
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return [`${error.name}: ${message}`, ...frames].join('\n');
}
