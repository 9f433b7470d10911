import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

import type { PostgresBinaries } from './binaries.js';
import { ownerOf } from './data-directory.js';
import { EmbeddedPostgresError, programError } from './errors.js';

const run = promisify(execFile);

/** A user and a group by their numbers. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** How PostgreSQL's programs are started on this machine by this user. */
export interface Launcher {
  /** The major version of the programs. */
  readonly majorVersion: number;
  /** Who must own the files of the cluster; undefined when they simply belong to the user of this process. */
  readonly fileOwner: Account | undefined;
  /**
   * Starts a program in a session of its own, so that Ctrl-C at the terminal reaches Steelyard alone, which then
   * stops PostgreSQL in its turn. Standard output and error are pipes.
   */
  spawn(program: string, args: readonly string[]): ChildProcess;
}

/** One way to start a program: behind the command line `prefix`, by Node as `account` where one is given. */
interface Way {
  readonly prefix: readonly string[];
  readonly account?: Account;
  readonly fileOwner?: Account;
}

/**
 * Finds a way to start PostgreSQL by trying: the first one wins with which the program runs and can enter the data
 * directory.
 *
 * A normal user simply starts it. PostgreSQL refuses to run as root, so root runs it as an unprivileged account
 * that exists already: the owner of the cluster or of the data directory, else `postgres`, else `nobody`. Nothing
 * on the machine is changed. Where that account may not enter the directories of the programs or of the data (a
 * clone in /root), the ways of {@link waysOf} open them to PostgreSQL alone.
 *
 * @throws EmbeddedPostgresError `binaries_unusable` or `root_not_supported` when none works
 */
export async function findLauncher(
  binaries: PostgresBinaries,
  dataDir: string,
  clusterDir: string,
): Promise<Launcher> {
  const isRoot = process.getuid?.() === 0;
  const ways = isRoot ? waysOf(await unprivilegedAccounts(dataDir, clusterDir)) : [{ prefix: [] }];
  // initdb wants to know the name of the account it runs as; the server does not.
  const needsName = isRoot && (await ownerOf(clusterDir)) === undefined;
  const tie = await parentDeathTie();

  let failure = '';
  for (const way of ways) {
    try {
      const majorVersion = await probe(way, binaries.postgres, dataDir, needsName);
      return {
        majorVersion,
        fileOwner: way.fileOwner,
        spawn: (program, args) => {
          const [command = program, ...rest] = [...way.prefix, ...tie, program, ...args];
          return spawn(command, rest, {
            ...spawnOptions(way),
            detached: true,
            stdio: ['ignore', 'pipe', 'pipe'],
          });
        },
      };
    } catch (error) {
      failure = messageOf(error);
    }
  }
  if (!isRoot) {
    throw programError('binaries_unusable', 'The embedded PostgreSQL does not run on this machine', [
      failure,
    ]);
  }
  throw new EmbeddedPostgresError(
    'root_not_supported',
    `PostgreSQL does not run as root, and no other account can enter both ${binaries.postgres} and ${dataDir}: start Steelyard as a normal user, or move it to a directory that other users may enter.`,
    { cause: new Error(failure) },
  );
}

/**
 * The ways for root, gentlest first:
 *
 * 1. as the account, which must be able to enter the directories by itself;
 * 2. as the account with the one capability to read and enter every directory;
 * 3. the same with the wider capability that a container's root has instead;
 * 4. in a user namespace, in which root's files seem to be the account's: for a root without the right to become
 *    another user, as in some rootless containers.
 *
 * The first needs nothing; `setpriv` and `unshare` are part of util-linux. To copy the programs to a public place
 * would need less, but it would leave 80 MB behind on the machine.
 */
function waysOf(accounts: readonly Account[]): Way[] {
  const withCapability = (account: Account, capability: string): Way => ({
    prefix: [
      'setpriv',
      `--reuid=${account.uid}`,
      `--regid=${account.gid}`,
      '--clear-groups',
      // Without it access(2), with which PostgreSQL looks for its files, ignores the capability.
      '--securebits=+no_setuid_fixup',
      `--inh-caps=-all,+${capability}`,
      `--ambient-caps=-all,+${capability}`,
      '--',
    ],
    fileOwner: account,
  });
  return [
    ...accounts.map((account) => ({ prefix: [], account, fileOwner: account })),
    ...accounts.map((account) => withCapability(account, 'dac_read_search')),
    ...accounts.map((account) => withCapability(account, 'dac_override')),
    ...accounts.map(({ uid, gid }) => ({
      prefix: ['unshare', '--user', `--map-user=${uid}`, `--map-group=${gid}`, '--'],
      fileOwner: { uid: 0, gid: 0 },
    })),
  ];
}

/** Who could run PostgreSQL for root: the owner of an existing cluster and nobody else, or the likely candidates. */
async function unprivilegedAccounts(dataDir: string, clusterDir: string): Promise<Account[]> {
  const clusterOwner = await ownerOf(clusterDir);
  if (clusterOwner !== undefined && clusterOwner.uid !== 0) return [clusterOwner];
  const dataDirOwner = await ownerOf(dataDir);
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const named = ['postgres', '_postgres', 'nobody'].map((name) => findAccount(passwd, name));
  return [dataDirOwner, ...named].filter(
    (account) => account !== undefined && account.uid !== 0,
  ) as Account[];
}

function findAccount(passwd: string, name: string): Account | undefined {
  const fields = passwd
    .split('\n')
    .map((line) => line.split(':'))
    .find(([entryName]) => entryName === name);
  // macOS writes its `nobody` as -2.
  return fields && { uid: Number(fields[2]) >>> 0, gid: Number(fields[3]) >>> 0 };
}

/**
 * Linux can send a signal to a process when its parent dies, however it dies: SIGINT asks PostgreSQL for a fast and
 * clean shutdown. Elsewhere, or without `setpriv`, the next start deals with the orphan.
 */
async function parentDeathTie(): Promise<string[]> {
  if (process.platform !== 'linux') return [];
  const tie = ['setpriv', '--pdeathsig=INT', '--'];
  return run('setpriv', ['--pdeathsig=INT', '--', 'true']).then(
    () => tie,
    () => [],
  );
}

const PROBE_SCRIPT = 'cd "$1" && { [ "$2" = unnamed ] || id -un >/dev/null; } && exec "$0" --version';

/** Tries a way; returns the major version that the program tells. */
async function probe(way: Way, postgres: string, dataDir: string, needsName: boolean): Promise<number> {
  const [command, ...args] = [
    ...way.prefix,
    '/bin/sh',
    '-c',
    PROBE_SCRIPT,
    postgres,
    dataDir,
    needsName ? 'named' : 'unnamed',
  ];
  const { stdout } = await run(command, args, { ...spawnOptions(way), timeout: 10_000 });
  const major = /\(PostgreSQL\) (\d+)/.exec(stdout)?.[1];
  if (major === undefined) throw new Error(`unexpected answer of postgres --version: ${stdout}`);
  return Number(major);
}

/**
 * The directory of this process may be closed to the account, and its environment may hold settings for another
 * PostgreSQL (PGDATA, PGOPTIONS) or a locale that the programs do not know: none of it is passed on.
 */
function spawnOptions({ account }: Way) {
  return {
    cwd: '/',
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    // Node takes ids as signed numbers.
    ...(account && { uid: account.uid | 0, gid: account.gid | 0 }),
  };
}

function messageOf(error: unknown): string {
  const { message, stderr } = error as Error & { stderr?: string };
  return stderr?.trim() ? stderr.trim() : message;
}
