import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PASSWORD_FILE, SUPERUSER } from './cluster.js';
import { DEFAULT_DATABASE } from './embedded-postgres.js';
import { errnoCode } from './errors.js';
import { LOOPBACK_HOST } from './loopback-port.js';

/** The line of `postmaster.pid` that holds the port, counted from 0. */
const PORT_LINE = 3;

/**
 * Where the server listens that another process runs on a data directory; undefined where none does. One that was
 * killed may have left its traces: whoever connects finds nobody there.
 */
export async function runningPostgresUrl(dataDir: string): Promise<string | undefined> {
  const clusterDir = join(dataDir, 'postgres');
  try {
    const [state, password] = await Promise.all(
      ['postmaster.pid', PASSWORD_FILE].map((name) => readFile(join(clusterDir, name), 'utf8')),
    );
    const port = Number(state?.split('\n')[PORT_LINE]);
    if (!Number.isInteger(port) || port <= 0 || password === undefined) return undefined;
    return `postgres://${SUPERUSER}:${password.trim()}@${LOOPBACK_HOST}:${port}/${DEFAULT_DATABASE}`;
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
