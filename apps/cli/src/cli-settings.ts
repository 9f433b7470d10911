import { ConfigurationError, loadSettings, readEnvironment, type Settings } from '#platform/config';
import { runningPostgresUrl } from '#platform/embedded-postgres';

/** The settings of a command that works on the database. */
export type CliSettings = Settings & { readonly DATABASE_URL: string };

/**
 * The settings, with the database that DATABASE_URL names or, without one, the embedded one that `npm start` runs on
 * STEELYARD_DATA_DIR.
 *
 * @throws ConfigurationError when there is neither
 */
export async function settingsWithDatabase(): Promise<CliSettings> {
  const settings = loadSettings(readEnvironment());
  const { DATABASE_URL: named, STEELYARD_DATA_DIR: dataDir } = settings;
  const url = named ?? (await runningPostgresUrl(dataDir));
  if (url === undefined) {
    throw new ConfigurationError([
      `DATABASE_URL: is required here, since no embedded PostgreSQL runs on ${dataDir} (STEELYARD_DATA_DIR).`,
    ]);
  }
  return { ...settings, DATABASE_URL: url };
}
