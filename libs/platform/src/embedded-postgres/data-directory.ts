import { access, constants, lchown, mkdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { DataDirectoryInUseError, DataDirectoryPermissionError, errnoCode } from './errors.js';

/** The exclusive right to work on a data directory. */
export interface DataDirectoryLock {
  /** Gives the directory free; safe to call twice. */
  release(): void;
}

/** A lock whose handle were collected as garbage would be lost, so each is kept here until it is released. */
const heldLocks = new Set<DatabaseSync>();

/** The lowest byte of SQLite's error codes says what went wrong, the others where. */
const SQLITE_BUSY = 5;

/**
 * Creates the data directory where it is missing and checks that it can be written.
 *
 * Run as root below a directory of somebody else (`sudo npm start`), what is made belongs to that somebody, as if
 * they had made it, so that they are not locked out afterwards.
 *
 * @returns its absolute path, without symbolic links
 */
export async function prepareDataDirectory(path: string): Promise<string> {
  const absolute = resolve(path);
  const created = await makeDirectories(absolute);
  const dataDir = await realpath(absolute);
  if (created !== undefined) await inheritOwner(absolute, created);
  await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  return dataDir;
}

/**
 * Makes a directory and those above it that are missing; returns the outermost that it made. The recursive mkdir of
 * Node would tell ENOENT on a file system that is mounted read-only.
 */
async function makeDirectories(path: string): Promise<string | undefined> {
  try {
    await mkdir(path);
    return path;
  } catch (error) {
    if (errnoCode(error) === 'EEXIST' && (await stat(path)).isDirectory()) return undefined;
    if (errnoCode(error) !== 'ENOENT' || path === dirname(path)) throw error;
  }
  const outermost = await makeDirectories(dirname(path));
  const made = await makeDirectories(path);
  return outermost ?? made;
}

/**
 * Takes the data directory for this process.
 *
 * The lock is one of the operating system on the file `lock`. It dies with its owner, needs no guess about process
 * ids that were used again, and holds between containers that share a volume. Node offers no such lock by itself;
 * SQLite, which is part of Node, takes one for an exclusive transaction. The file stays empty and is never deleted:
 * a process that still has the deleted file open would hold a lock that no newcomer sees.
 *
 * @throws DataDirectoryInUseError when another process, or another part of this one, has it
 */
export async function lockDataDirectory(dataDir: string): Promise<DataDirectoryLock> {
  const ownerFile = join(dataDir, 'owner.pid');
  const lockFile = join(dataDir, 'lock');
  const database = new DatabaseSync(lockFile, { open: false });
  try {
    database.open();
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    if (database.isOpen) database.close();
    if (!isBusy(error)) throw new DataDirectoryPermissionError(dataDir, error as Error);
    throw new DataDirectoryInUseError(dataDir, await readOwnerPid(ownerFile));
  }
  heldLocks.add(database);

  const release = () => {
    if (!heldLocks.delete(database)) return;
    rmSync(ownerFile, { force: true });
    database.close();
  };
  try {
    await rm(ownerFile, { force: true });
    await writeFile(ownerFile, `${process.pid}\n`, { flag: 'wx' });
    await Promise.all([inheritOwner(lockFile), inheritOwner(ownerFile)]);
  } catch (error) {
    release();
    throw error;
  }
  return { release };
}

function isBusy(error: unknown): boolean {
  return ((error as { errcode?: number }).errcode ?? 0) % 256 === SQLITE_BUSY;
}

async function readOwnerPid(ownerFile: string): Promise<number | undefined> {
  const pid = Number(await readFile(ownerFile, 'utf8').catch(() => ''));
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

/**
 * As root: gives new files to the owner of the directory they were made in.
 *
 * @param last the file or, of several nested directories, the innermost
 * @param first the outermost of them
 */
async function inheritOwner(last: string, first = last): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await stat(dirname(first));
  for (let path = last; path.length >= first.length; path = dirname(path)) await lchown(path, uid, gid);
}

/** The owner of a file or directory, or undefined where there is none of that name. */
export async function ownerOf(path: string): Promise<{ uid: number; gid: number } | undefined> {
  try {
    const { uid, gid } = await stat(path);
    return { uid, gid };
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
