import { randomBytes } from 'node:crypto';
import { lchown, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { PostgresBinaries } from './binaries.js';
import { ownerOf } from './data-directory.js';
import { EmbeddedPostgresError, errnoCode, programError } from './errors.js';
import type { Account, Launcher } from './launcher.js';
import { superviseProgram } from './program.js';

/** The role that owns the cluster. */
export const SUPERUSER = 'postgres';

/** Kept inside the cluster, so that cluster and password come and go together. */
export const PASSWORD_FILE = 'steelyard-superuser-password';

const INITIALISING_PREFIX = 'postgres.initialising-';

const INITIALISATION_TIMEOUT_MS = 120_000;

interface ClusterOptions {
  readonly binaries: PostgresBinaries;
  readonly launcher: Launcher;
  readonly dataDir: string;
  readonly clusterDir: string;
  readonly durable: boolean;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal | undefined;
}

/**
 * Makes sure that there is a cluster of the right version which the server may open, and returns the password of
 * its superuser.
 *
 * @throws EmbeddedPostgresError `data_directory_version` when another major version of PostgreSQL made it,
 *   `data_directory_unusable` when it is something else, `initialisation_failed`
 */
export async function openCluster(options: ClusterOptions): Promise<string> {
  const { clusterDir, launcher } = options;
  await removeHalfMadeClusters(options.dataDir);
  const version = await readVersion(clusterDir);
  if (version === undefined) {
    await initialise(options);
  } else if (version !== launcher.majorVersion) {
    throw new EmbeddedPostgresError(
      'data_directory_version',
      `The data in ${clusterDir} was made by PostgreSQL ${version}, and this Steelyard brings PostgreSQL ${launcher.majorVersion}: move the data to the new version with pg_upgrade or pg_dump, or set STEELYARD_DATA_DIR to a new directory.`,
    );
  }
  if (launcher.fileOwner) await giveTo(launcher.fileOwner, clusterDir);
  return (await readFile(join(clusterDir, PASSWORD_FILE), 'utf8')).trim();
}

/** The major version that made the cluster, or undefined where there is none yet. */
async function readVersion(clusterDir: string): Promise<number | undefined> {
  try {
    return Number.parseInt(await readFile(join(clusterDir, 'PG_VERSION'), 'utf8'), 10);
  } catch (error) {
    if (errnoCode(error) !== 'ENOENT') throw error;
  }
  const strangers = await readdir(clusterDir).catch((error: unknown) => {
    if (errnoCode(error) === 'ENOENT') return [];
    throw error;
  });
  if (strangers.length === 0) return undefined;
  throw new EmbeddedPostgresError(
    'data_directory_unusable',
    `${clusterDir} holds files but no PostgreSQL data: move them away, or set STEELYARD_DATA_DIR to another directory.`,
  );
}

/** initdb works in a directory beside, which gets its name when all is done: a cluster is complete or not there. */
async function initialise(options: ClusterOptions): Promise<void> {
  const workDir = join(options.dataDir, `${INITIALISING_PREFIX}${process.pid}`);
  const newPasswordFile = `${workDir}.password`;
  const owner = options.launcher.fileOwner;
  try {
    await mkdir(workDir, { mode: 0o700 });
    await writeFile(newPasswordFile, `${randomBytes(24).toString('base64url')}\n`, {
      mode: 0o600,
      flag: 'wx',
    });
    if (owner) {
      await Promise.all([workDir, newPasswordFile].map((path) => lchown(path, owner.uid, owner.gid)));
    }
    await runInitdb(options, workDir, newPasswordFile);
    await rename(newPasswordFile, join(workDir, PASSWORD_FILE));
    await rename(workDir, options.clusterDir);
  } catch (error) {
    await removeHalfMadeClusters(options.dataDir);
    throw error;
  }
}

async function runInitdb(options: ClusterOptions, workDir: string, passwordFile: string): Promise<void> {
  const args = [
    `--pgdata=${workDir}`,
    `--username=${SUPERUSER}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // PostgreSQL's own collation: code point order and Unicode case mapping, the same on every machine.
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    '--no-instructions',
    ...(options.durable ? [] : ['--no-sync']),
  ];
  const initdb = superviseProgram(options.launcher.spawn(options.binaries.initdb, args), options.log);
  const timeout = AbortSignal.timeout(INITIALISATION_TIMEOUT_MS);
  const stop = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  const kill = () => initdb.signal('SIGTERM');
  stop.addEventListener('abort', kill, { once: true });
  const exit = await initdb.exited;
  stop.removeEventListener('abort', kill);

  options.signal?.throwIfAborted();
  if (exit.code === 0) return;
  const sentence = `The embedded PostgreSQL cannot be initialised in ${options.dataDir}`;
  throw programError('initialisation_failed', sentence, exit.lastLines);
}

/** What an initialisation left behind that was killed. */
async function removeHalfMadeClusters(dataDir: string): Promise<void> {
  const names = (await readdir(dataDir)).filter((name) => name.startsWith(INITIALISING_PREFIX));
  // An initdb that outlived its parent for a moment may still be writing: hence the retries.
  const options = { recursive: true, force: true, maxRetries: 10, retryDelay: 50 };
  await Promise.all(names.map((name) => rm(join(dataDir, name), options)));
}

/**
 * Gives the cluster to the account that will run the server, where that is another one than last time. The files
 * inside come first, so that an interrupted change is seen and finished by the next start.
 */
async function giveTo(owner: Account, clusterDir: string): Promise<void> {
  if ((await ownerOf(clusterDir))?.uid === owner.uid) return;
  for (const entry of await readdir(clusterDir, { recursive: true })) {
    await lchown(join(clusterDir, entry), owner.uid, owner.gid);
  }
  await lchown(clusterDir, owner.uid, owner.gid);
}
