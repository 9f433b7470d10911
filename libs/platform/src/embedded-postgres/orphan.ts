import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

import { EmbeddedPostgresError, errnoCode } from './errors.js';

const run = promisify(execFile);

const POLL_INTERVAL_MS = 20;

/** What an orphan is sent in turn, and how long it is waited for after each. */
const STOP_SEQUENCE = [
  { signal: 'SIGINT', timeoutMs: 20_000 },
  { signal: 'SIGQUIT', timeoutMs: 5_000 },
  { signal: 'SIGKILL', timeoutMs: 5_000 },
] as const;

/**
 * Clears the way after an owner that was killed: stops the server it may have left running on the cluster, and
 * removes the `postmaster.pid` of one that is gone. PostgreSQL would take the file for a live server's as soon as
 * any process of the same user has the number again, which in a container is likely. Its other guard, the shared
 * memory block that belongs to the directory, stays in force.
 *
 * Only the holder of the data directory's lock may call this: it is what makes a running server an orphan.
 *
 * @throws EmbeddedPostgresError `start_failed` when an orphan cannot be stopped
 */
export async function clearOrphan(clusterDir: string, log: (line: string) => void): Promise<void> {
  const pidFile = join(clusterDir, 'postmaster.pid');
  const pid = await readPostmasterPid(pidFile);
  if (pid === undefined) return;
  if (await isServerOf(pid, clusterDir)) {
    log(`Stopping PostgreSQL (process ${pid}), which an earlier Steelyard left behind.`);
    await stopOrphan(pid, clusterDir);
  }
  await rm(pidFile, { force: true });
}

async function readPostmasterPid(pidFile: string): Promise<number | undefined> {
  try {
    const [firstLine] = (await readFile(pidFile, 'utf8')).split('\n', 1);
    return Number(firstLine);
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function stopOrphan(pid: number, clusterDir: string): Promise<void> {
  for (const { signal, timeoutMs } of STOP_SEQUENCE) {
    if (!sendSignal(pid, signal)) return;
    for (let waitedMs = 0; waitedMs < timeoutMs; waitedMs += POLL_INTERVAL_MS) {
      await delay(POLL_INTERVAL_MS);
      if (!(await isServerOf(pid, clusterDir))) return;
    }
  }
  throw new EmbeddedPostgresError(
    'start_failed',
    `PostgreSQL (process ${pid}), left behind by an earlier Steelyard, still runs on ${clusterDir} and cannot be stopped.`,
  );
}

/** Returns false when there is no such process any more. */
function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (errnoCode(error) === 'ESRCH') return false;
    throw error;
  }
}

/** Whether the process is a PostgreSQL server on this very cluster, and not another one that got its number. */
async function isServerOf(pid: number, clusterDir: string): Promise<boolean> {
  if (!Number.isInteger(pid) || pid <= 1) return false;
  const commandLine = await readCommandLine(pid);
  return commandLine.includes('postgres ') && commandLine.includes(` -D ${clusterDir} `);
}

/** The command line of a process, its words divided by spaces; empty when it is gone or only waits for its parent. */
async function readCommandLine(pid: number): Promise<string> {
  if (process.platform === 'linux') {
    const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    return words.replaceAll('\0', ' ');
  }
  const ps = await run('ps', ['-ww', '-o', 'command=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return ps.stdout;
}
