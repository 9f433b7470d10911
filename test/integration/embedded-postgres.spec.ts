import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import pg from 'pg';

import {
  DataDirectoryInUseError,
  DataDirectoryPermissionError,
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from '#platform/embedded-postgres';

import { eventually } from '../support/eventually.js';

const PROJECT_ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SOURCE_HOOKS = new URL('../support/source-hooks.mjs', import.meta.url).href;

const directories: string[] = [];
const servers: EmbeddedPostgres[] = [];
const owners: ChildProcess[] = [];

/** Comes first on the PATH of the processes that own a server here; see `makeUntyingSetpriv`. */
let untyingBin: string;

beforeAll(async () => {
  untyingBin = await makeUntyingSetpriv();
});

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

afterAll(async () => {
  for (const owner of owners) owner.kill('SIGKILL');
  await Promise.all(directories.map((path) => rm(path, { recursive: true, force: true, maxRetries: 10 })));
});

describe('a data directory', () => {
  it('keeps what was committed over a stop and a start, below a directory that is closed to other users', async () => {
    const closed = await makeDirectory(0o700);
    const dataDir = join(closed, 'nested', 'data');

    const first = await start({ dataDir, database: 'shop "one"', durable: true });
    expect(new URL(first.url).hostname).toBe('127.0.0.1');
    await query(first.url, 'CREATE TABLE note AS SELECT $$kept$$ AS text');
    await Promise.all([first.stop(), first.stop()]);
    expect(await first.exited).toMatchObject({ code: 0, expected: true });

    const second = await start({ dataDir, database: 'shop "one"', durable: true });
    expect(await query(second.url, 'SELECT text FROM note')).toEqual([{ text: 'kept' }]);
  });

  it('is the same on every machine: UTF-8, code point order, UTC, checksums', async () => {
    const { url } = await start({ dataDir: await sharedDataDirectory() });
    const settings = `SELECT name, setting FROM pg_settings WHERE name = ANY ($$
      {server_encoding, TimeZone, data_checksums, listen_addresses, unix_socket_directories} $$::text[])`;
    const rows = await query(url, `${settings} ORDER BY name`);
    expect(Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))).toEqual({
      TimeZone: 'UTC',
      data_checksums: 'on',
      listen_addresses: '127.0.0.1',
      server_encoding: 'UTF8',
      unix_socket_directories: '',
    });
    expect(await query(url, `SELECT upper('è') AS upper, 'Z' < 'a' AS code_points`)).toEqual([
      { upper: 'È', code_points: true },
    ]);
  });

  it('has one owner at a time: another process is told who has it', async () => {
    const dataDir = await sharedDataDirectory();
    const owner = await startOwner(dataDir);

    const refusal = await refusalOf({ dataDir });
    expect(refusal).toBeInstanceOf(DataDirectoryInUseError);
    expect(refusal).toMatchObject({ code: 'data_directory_in_use', dataDir, ownerPid: owner.pid });
    expect((refusal as Error).message).toBe(
      `The data directory ${dataDir} is in use by another running Steelyard (process ${owner.pid}): stop that one first, or set STEELYARD_DATA_DIR to another directory.`,
    );

    await owner.kill();
    await start({ dataDir });
  });

  it('has one owner at a time: so is another part of this process', async () => {
    const dataDir = await sharedDataDirectory();
    const first = await start({ dataDir });
    expect(await refusalOf({ dataDir })).toMatchObject({ ownerPid: process.pid });
    expect(await query(first.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });
});

describe('after a crash', () => {
  it.each([
    ['the owner alone was killed and the server lives on', { killServer: false }],
    ['the owner and the server were killed', { killServer: true }],
  ])('the next start finds what was committed: %s', async (_case, { killServer }) => {
    const dataDir = join(await makeDirectory(), 'data');
    const owner = await startOwner(dataDir, { durable: true });
    await query(owner.url, 'CREATE TABLE note AS SELECT $$committed$$ AS text');

    await owner.kill();
    if (killServer) process.kill(owner.serverPid, 'SIGKILL');
    else expect(isAlive(owner.serverPid)).toBe(true);

    const next = await start({ dataDir, durable: true });
    expect(next.pid).not.toBe(owner.serverPid);
    expect(await query(next.url, 'SELECT text FROM note')).toEqual([{ text: 'committed' }]);
    await eventually(() => expect(isAlive(owner.serverPid)).toBe(false));
  });

  it('a half-made cluster is thrown away and made anew', async () => {
    const dataDir = join(await makeDirectory(), 'data');
    const owner = spawnOwner(dataDir);
    await owner.lineWith('creating configuration files');
    await owner.kill();
    expect(await readdir(dataDir)).toContainEqual(expect.stringContaining('initialising'));

    const { url } = await start({ dataDir });
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect((await readdir(dataDir)).sort()).toEqual(['lock', 'owner.pid', 'postgres']);
  });

  it('a postmaster.pid with the number of a stranger neither hinders nor harms the stranger', async () => {
    // The stranger is the hardest one: a server too, run by the same account, but on another directory.
    const stranger = await start({ dataDir: join(await makeDirectory(), 'data') });
    const dataDir = await sharedDataDirectory();
    const clusterDir = join(dataDir, 'postgres');
    await writeFile(
      join(clusterDir, 'postmaster.pid'),
      `${stranger.pid}\n${clusterDir}\n1700000000\n5432\n\n127.0.0.1\n\nready   \n`,
    );

    const { url } = await start({ dataDir });
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(await query(stranger.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('the owner learns that its server died, and can start it again', async () => {
    const dataDir = await sharedDataDirectory();
    const server = await start({ dataDir });
    process.kill(server.pid, 'SIGKILL');
    expect(await server.exited).toMatchObject({ signal: 'SIGKILL', expected: false });
    await server.stop();
    await start({ dataDir });
  });
});

describe('what cannot work is told in one sentence', () => {
  it('a directory that cannot be created', async () => {
    // Not even root may write there.
    const dataDir = process.platform === 'linux' ? '/sys/steelyard' : '/System/steelyard';
    const refusal = await refusalOf({ dataDir });
    expect(refusal).toBeInstanceOf(DataDirectoryPermissionError);
    expect(refusal).toMatchObject({ code: 'data_directory_permission', dataDir });
    expect((refusal as Error).message).toMatch(
      /^The data directory \S+ cannot be written \(.+\): give this user write access to it, or set STEELYARD_DATA_DIR to another directory\.$/,
    );
  });

  it('a path that is a file', async () => {
    const dataDir = join(await makeDirectory(), 'file');
    await writeFile(dataDir, '');
    expect(await refusalOf({ dataDir })).toMatchObject({ code: 'data_directory_permission' });
  });

  it('a cluster of another major version', async () => {
    const dataDir = join(await makeDirectory(), 'data');
    await mkdir(join(dataDir, 'postgres'), { recursive: true });
    await writeFile(join(dataDir, 'postgres', 'PG_VERSION'), '17\n');
    const refusal = await refusalOf({ dataDir });
    expect(refusal).toMatchObject({ name: 'EmbeddedPostgresError', code: 'data_directory_version' });
    expect((refusal as Error).message).toContain(
      'was made by PostgreSQL 17, and this Steelyard brings PostgreSQL 18',
    );
  });

  it('a directory with the files of somebody else', async () => {
    const dataDir = join(await makeDirectory(), 'data');
    await mkdir(join(dataDir, 'postgres', 'photos'), { recursive: true });
    expect(await refusalOf({ dataDir })).toMatchObject({ code: 'data_directory_unusable' });
  });

  it('a server that fails, with its own words', async () => {
    const dataDir = await sharedDataDirectory();
    const settings = join(dataDir, 'postgres', 'postgresql.auto.conf');
    await writeFile(settings, 'no_such_setting = on\n');
    const refusal = await refusalOf({ dataDir });
    await writeFile(settings, '');
    expect(refusal).toMatchObject({ code: 'start_failed' });
    expect((refusal as Error).message).toMatch(/does not start: FATAL: .+ contains errors$/);
    expect(((refusal as Error).cause as Error).message).toContain('no_such_setting');
  });

  it('a port that is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const refusal = await refusalOf({ dataDir: await sharedDataDirectory(), port });
    other.close();
    expect(refusal).toMatchObject({
      code: 'port_unavailable',
      message: `Port ${port} of 127.0.0.1, wanted for the embedded PostgreSQL, is in use by another program: choose another port.`,
    });
  });

  it('a start that was given up leaves nothing behind', async () => {
    const dataDir = join(await makeDirectory(), 'data');
    const controller = new AbortController();
    const reason = new Error('changed my mind');
    const log = (line: string) => {
      if (line.includes('creating configuration files')) controller.abort(reason);
    };
    expect(await refusalOf({ dataDir, log, signal: controller.signal })).toBe(reason);
    expect(await readdir(dataDir)).toEqual(['lock']);
  });
});

async function start(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ durable: false, ...options });
  servers.push(server);
  return server;
}

/** What a start that must not succeed throws. */
async function refusalOf(options: EmbeddedPostgresOptions): Promise<unknown> {
  try {
    await start(options);
  } catch (error) {
    return error;
  }
  throw new Error('the start succeeded');
}

/** A new directory, which by default every user may enter. */
async function makeDirectory(mode = 0o711): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'steelyard-embedded-postgres-'));
  directories.push(path);
  await chmod(path, mode);
  return path;
}

let shared: Promise<string> | undefined;

/** A directory with an initialised cluster, for the cases that do not need one of their own. */
function sharedDataDirectory(): Promise<string> {
  shared ??= (async () => {
    const dataDir = join(await makeDirectory(), 'data');
    const server = await startEmbeddedPostgres({ dataDir, durable: false });
    await server.stop();
    return dataDir;
  })();
  return shared;
}

/**
 * On Linux a server dies with its owner, which leaves the next start nothing to recover from. This `setpriv` does
 * not know how to tie them, like that of an older machine, and is the real one in everything else.
 */
async function makeUntyingSetpriv(): Promise<string> {
  const bin = await makeDirectory();
  const script = `#!/bin/sh
case "$1" in --pdeathsig=*) exit 1 ;; esac
PATH='${process.env.PATH ?? ''}'
exec setpriv "$@"
`;
  await writeFile(join(bin, 'setpriv'), script, { mode: 0o755 });
  return bin;
}

/** Whether the process runs; one that ended and that nobody asked about does not. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  if (process.platform !== 'linux') return true;
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== '';
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  // A server that is killed takes its connections with it.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

interface Owner {
  readonly pid: number;
  /** Kills it without a chance to stop its server. */
  kill(): Promise<void>;
  /** The first line it writes that contains the text. */
  lineWith(text: string): Promise<string>;
}

/** Starts an embedded PostgreSQL in another Node process. */
async function startOwner(
  dataDir: string,
  options: { durable?: boolean } = {},
): Promise<Owner & { url: string; serverPid: number }> {
  const owner = spawnOwner(dataDir, options);
  const started = JSON.parse(await owner.lineWith('"started"')) as { url: string; serverPid: number };
  return { ...owner, ...started };
}

function spawnOwner(dataDir: string, { durable = false } = {}): Owner {
  const script = `
    const { startEmbeddedPostgres } = await import('#platform/embedded-postgres');
    const options = { dataDir: ${JSON.stringify(dataDir)}, durable: ${durable}, log: console.log };
    const { url, pid } = await startEmbeddedPostgres(options);
    console.log(JSON.stringify({ started: true, url, serverPid: pid }));`;
  const child = spawn(process.execPath, ['--import', SOURCE_HOOKS, '--input-type=module', '-e', script], {
    cwd: PROJECT_ROOT,
    env: { ...process.env, NODE_OPTIONS: '', PATH: `${untyingBin}:${process.env.PATH ?? ''}` },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  owners.push(child);
  const lines: string[] = [];
  const input = createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  return {
    pid: child.pid!,
    kill: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
    lineWith: (text) =>
      new Promise((resolve, reject) => {
        const find = () => {
          const found = lines.find((line) => line.includes(text));
          if (found !== undefined) resolve(found);
        };
        input
          .on('line', find)
          .on('close', () => reject(new Error(`no line with ${text}:\n${lines.join('\n')}`)));
        find();
      }),
  };
}
