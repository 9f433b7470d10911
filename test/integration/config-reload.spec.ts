import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateAppSecret, generateSigningKeys } from '#platform/security';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { spawnApp, type SpawnedApp, spawnScript } from '../support/spawn-app.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

const PRODUCTS = '/api/v1/products';

let directory: string;
let database: TestDatabase;
let app: SpawnedApp;
let url: string;
let metricsUrl: string;

/** As Kubernetes mounts a ConfigMap: the file is a link through `..data`, which is a link to a directory. */
const mounted = (name: string) => join(directory, 'mounted', name);
/** Written in place, as by an editor. */
const keysFile = () => join(directory, 'secrets', 'signing-keys.json');

/** Puts a new version of the file into its place as Kubernetes does: a new directory, and one renamed link. */
async function swap(version: string, yaml: string): Promise<void> {
  await mkdir(mounted(version));
  await writeFile(join(mounted(version), 'steelyard.yaml'), yaml);
  await symlink(version, mounted('..data_tmp'));
  await rename(mounted('..data_tmp'), mounted('..data'));
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'steelyard-reload-'));
  await mkdir(join(directory, 'mounted'));
  await mkdir(join(directory, 'secrets'));
  await swap('..1', 'RATE_LIMIT_REQUESTS_PER_MINUTE: 1000\nRATE_LIMIT_WRITES_PER_MINUTE: 1000\n');
  await symlink(join('..data', 'steelyard.yaml'), mounted('steelyard.yaml'));
  await writeFile(keysFile(), await generateSigningKeys());
  database = await createTestDatabase();
  const [port, managementPort] = [await freePort(), await freePort()];
  url = `http://127.0.0.1:${port}`;
  metricsUrl = `http://127.0.0.1:${managementPort}/metrics`;
  app = spawnApp('apps/api/src/main.ts', {
    env: {
      NODE_ENV: 'test',
      DATABASE_URL: database.url,
      PORT: String(port),
      MANAGEMENT_PORT: String(managementPort),
      APP_SECRET: generateAppSecret(),
      SIGNING_KEYS_FILE: keysFile(),
      CONFIG_FILE: mounted('steelyard.yaml'),
      RATE_LIMIT_WEBHOOKS_PER_MINUTE: '77',
    },
  });
  await eventually(async () => expect((await fetch(`${url}/readyz`)).status).toBe(200), 20_000);
}, 60_000);

afterAll(async () => {
  await app.end('SIGKILL');
  await database.drop();
  await rm(directory, { recursive: true, force: true });
});

/** What the process says of the limit of reading requests: how many there may be, and how many are left. */
async function readingLimit(): Promise<{ points: number; left: number }> {
  const { headers } = await fetch(url + PRODUCTS);
  const [, points] = /q=(\d+)/.exec(headers.get('ratelimit-policy') ?? '') ?? [];
  const [, left] = /r=(\d+)/.exec(headers.get('ratelimit') ?? '') ?? [];
  return { points: Number(points), left: Number(left) };
}

/** So many calls at once, which is more than flow back into the bucket while a test waits for something. */
const MANY = 400;
const spend = () => Promise.all(Array.from({ length: MANY }, readingLimit));

/** How often settings that were read again came to each result. */
async function reloads(): Promise<Record<string, number>> {
  const metrics = await (await fetch(metricsUrl)).text();
  const found = metrics.matchAll(/^config_reload_total\{result="(\w+)"\} (\d+)$/gm);
  return Object.fromEntries([...found].map(([, result = '', count]) => [result, Number(count)] as const));
}

/** The lines of the log that say `msg`. */
const logged = (msg: string) =>
  app.output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map(
      (line) => JSON.parse(line) as { msg: string; level: string; settings?: unknown; problems?: string[] },
    )
    .filter((line) => line.msg === msg);

const publicKeyIds = async () => {
  const response = await fetch(`${url}/.well-known/jwks.json`);
  const { keys } = (await response.json()) as { keys: { kid: string }[] };
  return keys.map(({ kid }) => kid);
};

describe('a running process', () => {
  it('follows a file that Kubernetes swaps: the limit holds at once, and what was counted stays counted', async () => {
    await spend();
    expect((await readingLimit()).points).toBe(1_000);
    await swap('..2', 'RATE_LIMIT_REQUESTS_PER_MINUTE: 500\nRATE_LIMIT_WRITES_PER_MINUTE: 1000\n');
    const after = await eventually(async () => {
      const limit = await readingLimit();
      expect(limit.points).toBe(500);
      return limit;
    });
    expect(after.left).toBeLessThan(500 - MANY / 2);
    expect(await reloads()).toEqual({ applied: 1 });
    await eventually(() =>
      expect(logged('The configuration has changed')).toMatchObject([
        { level: 'info', settings: { RATE_LIMIT_REQUESTS_PER_MINUTE: 500 } },
      ]),
    );
  });

  it('loses no count when another limit changes', async () => {
    await spend();
    await swap('..3', 'RATE_LIMIT_REQUESTS_PER_MINUTE: 500\nRATE_LIMIT_WRITES_PER_MINUTE: 900\n');
    await eventually(async () => expect(await reloads()).toEqual({ applied: 2 }));
    expect((await readingLimit()).left).toBeLessThan(500 - MANY / 2);
  });

  it('keeps what holds when the file is not valid, says why, and counts it', async () => {
    await swap('..4', 'RATE_LIMIT_REQUESTS_PER_MINUTE: none\nRATE_LIMIT_WRITES_PER_MINUTE: 800\nPRT: 1\n');
    await eventually(async () => expect(await reloads()).toEqual({ applied: 2, invalid: 1 }));
    expect((await readingLimit()).points).toBe(500);
    await eventually(() =>
      expect(logged('The configuration is not valid: the last valid one goes on')).toMatchObject([
        {
          level: 'error',
          problems: [
            expect.stringMatching(/^CONFIG_FILE: .*, line 3: PRT is no setting that a file may hold\.$/),
            'RATE_LIMIT_REQUESTS_PER_MINUTE: must be a whole number from 1 to 1000000.',
          ],
        },
      ]),
    );
  });

  it('is not moved by what the environment decides, and says what needs a restart', async () => {
    await swap('..5', 'RATE_LIMIT_WEBHOOKS_PER_MINUTE: 78\nTOKEN_ISSUER: other\nRATE_LIMIT_ENABLED: false\n');
    await eventually(async () =>
      expect(await reloads()).toEqual({ applied: 2, invalid: 1, needs_restart: 1 }),
    );
    await eventually(() =>
      expect(logged('Settings have changed, which needs a restart')).toMatchObject([
        { level: 'warn', settings: ['TOKEN_ISSUER'] },
      ]),
    );
    expect(logged('The configuration has changed').at(-1)?.settings).toEqual({
      RATE_LIMIT_ENABLED: false,
      RATE_LIMIT_REQUESTS_PER_MINUTE: 1_200,
      RATE_LIMIT_WRITES_PER_MINUTE: 600,
    });
    expect((await fetch(url + PRODUCTS)).headers.has('ratelimit')).toBe(false);
  });

  it('logs as much as the file says', async () => {
    const request = (id: string) => fetch(url + PRODUCTS, { headers: { 'x-request-id': id } });
    await swap('..6', 'LOG_LEVEL: warn\n');
    await eventually(async () => expect((await readingLimit()).points).toBe(1_200));
    await request('unheard');
    await swap('..7', 'LOG_LEVEL: info\n');
    // The log is in the order of the requests.
    await eventually(async () => {
      await request('heard');
      expect(app.output).toContain('"heard"');
    });
    expect(app.output).not.toContain('"unheard"');
  });

  it('follows the file of a secret that is written in place, and shows nothing of it', async () => {
    const [old] = await publicKeyIds();
    const keys = await generateSigningKeys();
    const { kid } = (JSON.parse(keys) as { keys: { kid: string; d: string }[] }).keys[0]!;
    await writeFile(keysFile(), keys);
    await eventually(async () => expect(await publicKeyIds()).toEqual([kid]));
    expect(kid).not.toBe(old);
    await eventually(() =>
      expect(logged('The configuration has changed').at(-1)?.settings).toEqual({
        SIGNING_KEYS: '[redacted]',
      }),
    );
  });

  it('reads its settings again at SIGHUP, where no watch sees the file', async () => {
    // What the link points to lies in a directory that nobody watches.
    await writeFile(join(mounted('..7'), 'steelyard.yaml'), 'RATE_LIMIT_REQUESTS_PER_MINUTE: 321\n');
    app.signal('SIGHUP');
    await eventually(async () => expect((await readingLimit()).points).toBe(321));
  });

  it('still ends when it is told to', async () => {
    expect(await app.end('SIGTERM')).toBe(0);
  });
});

it('a watch keeps no process from ending', async () => {
  const script = spawnScript(`
    import { NestFactory } from '@nestjs/core';
    import { Module } from '@nestjs/common';
    import { Config, ConfigModule, ConfigReload, loadSettings } from '#platform/config';
    import { LoggingModule } from '#platform/telemetry';
    const load = () => loadSettings({ CONFIG_FILE: ${JSON.stringify(mounted('steelyard.yaml'))} });
    class Root {}
    Module({ imports: [ConfigModule.forRoot(load()), LoggingModule.forRoot('test', '0')] })(Root);
    const app = await NestFactory.createApplicationContext(Root, { logger: false });
    app.get(ConfigReload).follow({ load, files: [${JSON.stringify(mounted('steelyard.yaml'))}] });
    console.log('follows', app.get(Config).settings.RATE_LIMIT_REQUESTS_PER_MINUTE);
  `);
  expect(await script.ended).toBe(0);
  expect(script.output).toContain('follows 321');
});
