import type { Settings } from '#platform/config';
import { EmbeddedPostgresError, startEmbeddedPostgres } from '#platform/embedded-postgres';
import { ProcessError, type ProcessLife } from '#platform/process';

/** The database that this process works on. */
export interface OpenDatabase {
  readonly url: string;
  /** Where it is, for people: no password. */
  readonly place: string;
}

/**
 * The PostgreSQL that DATABASE_URL names, or one of our own, which ends with this process.
 *
 * @throws ProcessError when our own cannot be started
 */
export async function openDatabase(
  settings: Settings,
  parts: AsyncDisposableStack,
  life: ProcessLife,
): Promise<OpenDatabase> {
  const { DATABASE_URL: url, STEELYARD_DATA_DIR: dataDir } = settings;
  if (url !== undefined) return { url, place: `PostgreSQL at ${new URL(url).host}` };
  const postgres = await startEmbeddedPostgres({ dataDir, signal: life.stopping }).catch((error: unknown) => {
    throw error instanceof EmbeddedPostgresError ? new ProcessError(error.message, { cause: error }) : error;
  });
  parts.defer(() => postgres.stop());
  void postgres.exited.then(({ expected, code, signal, lastLines }) => {
    if (expected) return;
    const how = signal === null ? `exit code ${code}` : signal;
    const lastWords = lastLines.at(-1);
    life.fail(
      new ProcessError(
        `PostgreSQL has ended unexpectedly (${how}), so Steelyard stops; what was committed is found by the next start.` +
          (lastWords === undefined ? '' : ` Its last words: ${lastWords.trim()}`),
      ),
    );
  });
  return { url: postgres.url, place: `PostgreSQL 18 in ${dataDir}, port ${postgres.port}` };
}
