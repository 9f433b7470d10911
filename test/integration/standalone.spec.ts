import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createSteelyardClient } from '#client';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { type ProcessEnd, spawnApp, type SpawnedApp } from '../support/spawn-app.js';

const MAIN = 'apps/standalone/src/main.ts';
const READY = /Ctrl-C stops it\.\n/;

/** Initialising PostgreSQL takes its time on a busy machine. */
const START_TIMEOUT_MS = 60_000;

/** Stands in for curl, which not every machine has: takes what a shell makes of the command that the terminal shows. */
const CURL = `#!${process.execPath}
const headers = {};
let url, body;
const words = process.argv.slice(2);
while (words.length > 0) {
  const word = words.shift();
  if (word === '-H') {
    const [name, value] = words.shift().split(': ');
    headers[name] = value;
  } else if (word === '-d') body = words.shift();
  else if (!word.startsWith('-')) url = word;
}
const response = await fetch(url, { method: body === undefined ? 'GET' : 'POST', headers, body });
console.log(JSON.stringify({ status: response.status, body: await response.json() }));
`;

let directory: string;
let port: number;
let managementPort: number;
const started: SpawnedApp[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'steelyard-standalone-'));
  // As root, PostgreSQL runs as another account, which may enter.
  await chmod(directory, 0o711);
  await mkdir(join(directory, 'bin'));
  await writeFile(join(directory, 'bin', 'curl'), CURL, { mode: 0o755 });
  port = await freePort();
  managementPort = await freePort();
});

afterAll(async () => {
  await Promise.all(started.map((app) => app.end('SIGKILL')));
  await rm(directory, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 });
});

/** Starts it in the directory, as `npm start` does in a clone; what is in `env` is set. */
function start(env: Record<string, string> = {}): SpawnedApp {
  const app = spawnApp(MAIN, {
    cwd: directory,
    env: { PORT: String(port), MANAGEMENT_PORT: String(managementPort), ...env },
  });
  started.push(app);
  return app;
}

/** Runs `steelyard dead-letters` in the same directory. */
async function deadLetters(...args: string[]): Promise<{ end: ProcessEnd; output: string }> {
  const command = spawnApp('apps/cli/src/main.ts', { cwd: directory, args: ['dead-letters', ...args] });
  return { end: await command.ended, output: command.output };
}

const origin = () => `http://127.0.0.1:${port}`;
const clusterFile = (name: string) => join(directory, '.steelyard', 'postgres', name);
const logLines = (app: SpawnedApp) => app.output.split('\n').filter((line) => line.startsWith('{'));

/** Has a shell run the command that the terminal shows. */
async function paste(command: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const env = { PATH: `${join(directory, 'bin')}:${process.env['PATH'] ?? ''}` };
  const { stdout } = await promisify(execFile)('sh', ['-c', command], { env });
  return JSON.parse(stdout) as { status: number; body: Record<string, unknown> };
}

describe('npm start', () => {
  let accessToken: string;
  let adminToken: string;
  let order: { id: string; orderToken: string };

  it(
    'on an empty directory: says what a newcomer wants to know, and all of it is true',
    async () => {
      const app = start({ LOG_LEVEL: 'info' });
      await app.wrote(READY);
      const [, swaggerUi] = /Swagger UI +(\S+)/.exec(app.output)!;
      expect(swaggerUi).toBe(`${origin()}/api/docs`);
      expect(await (await fetch(swaggerUi!)).text()).toContain('swagger-ui');
      const [, metrics] = /Metrics +(\S+)/.exec(app.output)!;
      expect(await (await fetch(metrics!)).text()).toContain('http_requests_total');

      const accounts = [...app.output.matchAll(/^ +(\S+@example\.com) +(\S+) +(admin|staff|customer)$/gm)];
      expect(accounts).toHaveLength(3);
      for (const [, email = '', password = '', role] of accounts) {
        const client = createSteelyardClient({ baseUrl: origin() });
        const { data } = await client.POST('/api/v1/auth/login', { body: { email, password } });
        expect(data?.user.role).toBe(role);
        accessToken = data!.accessToken;
        if (role === 'admin') adminToken = accessToken;
      }

      const [command] = /curl (.|\n)*?\}'$/m.exec(app.output)!;
      const placed = await paste(command);
      expect(placed).toMatchObject({ status: 201, body: { status: 'confirmed' } });
      expect((await paste(command)).body['id']).toBe(placed.body['id']);
      order = placed.body as typeof order;

      expect((await stat(join(directory, '.steelyard', 'secrets.json'))).mode & 0o777).toBe(0o600);
    },
    START_TIMEOUT_MS,
  );

  it('logs one line per request, with the fields that people search by', async () => {
    const placed = await eventually(() => {
      const lines = logLines(started[0]!).map((line) => JSON.parse(line) as Record<string, unknown>);
      const found = lines.filter(({ method, route }) => method === 'POST' && route === '/api/v1/orders');
      expect(found).toHaveLength(2);
      return found;
    });
    expect(placed[0]).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      msg: 'request',
      service: 'steelyard',
      version: expect.any(String),
      request_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      method: 'POST',
      route: '/api/v1/orders',
      status: 201,
      duration_ms: expect.any(Number),
    });
  });

  it(
    'commands beside it work on its database, and are in its audit log',
    async () => {
      const { end, output } = await deadLetters('redrive', '--all', '--reason', 'The disk was full');
      expect({ end, output }).toEqual({ end: 0, output: '0 are tried again.\n' });
      const client = createSteelyardClient({ baseUrl: origin(), token: adminToken });
      const { data: log } = await client.GET('/api/v1/admin/audit-log', { params: { query: { limit: 1 } } });
      expect(log?.data).toMatchObject([
        {
          ...{ actor: `host:${userInfo().username}`, sessionId: null, address: hostname() },
          ...{
            action: 'steelyard dead-letters redrive',
            reason: 'The disk was full',
            details: { all: true },
          },
        },
      ]);
    },
    START_TIMEOUT_MS,
  );

  it.each<[string, () => Promise<Record<string, string>>, number, RegExp]>([
    [
      'the data directory is in use',
      async () => ({ PORT: '0', MANAGEMENT_PORT: '0' }),
      1,
      /^The data directory \S+ is in use by another running Steelyard \(process \d+\): stop that one first, or set STEELYARD_DATA_DIR to another directory\.\n$/,
    ],
    [
      'the port is busy',
      async () => ({ STEELYARD_DATA_DIR: 'other', MANAGEMENT_PORT: '0' }),
      1,
      /^Port \d+ of 127\.0\.0\.1 is in use, perhaps by another Steelyard: stop that program, or set PORT to another port \(0 picks a free one\)\.\n$/,
    ],
    [
      'the directory may not be written',
      async () => ({ STEELYARD_DATA_DIR: '/sys/steelyard', PORT: '0', MANAGEMENT_PORT: '0' }),
      1,
      /^The data directory \/sys\/steelyard cannot be written \(.+\): give this user write access to it, or set STEELYARD_DATA_DIR to another directory\.\n$/,
    ],
  ])(
    'a second one does not start when %s, and says so in one sentence',
    async (_, env, exitCode, sentence) => {
      const second = start(await env());
      expect(await second.ended).toBe(exitCode);
      expect(second.output).toMatch(sentence);
      expect(existsSync(join(directory, 'other'))).toBe(false);
    },
  );

  it(
    'after kill -9: finds the order, and the sessions are still good',
    async () => {
      expect(await started[0]!.end('SIGKILL')).toBe('SIGKILL');
      const app = start();
      await app.wrote(READY);
      const found = await fetch(`${origin()}/api/v1/orders/${order.id}`, {
        headers: { 'x-order-token': order.orderToken },
      });
      expect(await found.json()).toMatchObject({ id: order.id, status: 'confirmed' });
      const client = createSteelyardClient({ baseUrl: origin(), token: accessToken });
      expect((await client.GET('/api/v1/users/me')).data?.email).toMatch(/@example\.com$/);
      expect(logLines(app)).toEqual([]);
    },
    START_TIMEOUT_MS,
  );

  it('Ctrl-C: stops everything, exit code 0', async () => {
    const app = started.at(-1)!;
    expect(await app.end('SIGINT')).toBe(0);
    expect(app.output).toMatch(/Stopping … \(Ctrl-C again: at once\)\n$/);
    expect(logLines(app)).toEqual([]);
    expect(existsSync(clusterFile('postmaster.pid'))).toBe(false);
  });

  it(
    'once it has stopped: commands say that they find no database',
    async () => {
      expect(await deadLetters('list')).toEqual({
        end: 78,
        output: expect.stringContaining('no embedded PostgreSQL runs on .steelyard (STEELYARD_DATA_DIR).'),
      });
    },
    START_TIMEOUT_MS,
  );

  it(
    'PostgreSQL dies: says so, exit code 1',
    async () => {
      const app = start({ LOG_LEVEL: 'silent' });
      await app.wrote(READY);
      process.kill(Number.parseInt(readFileSync(clusterFile('postmaster.pid'), 'utf8'), 10), 'SIGKILL');
      expect(await app.ended).toBe(1);
      expect(app.output).toMatch(
        /^PostgreSQL has ended unexpectedly \(SIGKILL\), so Steelyard stops; what was committed is found by the next start\./m,
      );
    },
    START_TIMEOUT_MS,
  );
});
