import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { loadSettings } from '#platform/config';
import { migrateUp } from '#platform/database';
import { ProcessError, reachDatabase, requireFreePorts } from '#platform/process';
import { spawnScript } from '../support/spawn-app.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

/** What was thrown, which must be a sentence for people. */
async function sentenceOf(action: Promise<unknown>): Promise<string> {
  const error = await action.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ProcessError);
  return (error as ProcessError).message;
}

describe('a database that cannot be had', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase({ template: null });
  });

  afterAll(() => database.drop());

  const changed = (change: (url: URL) => void): string => {
    const url = new URL(database.url);
    change(url);
    return url.href;
  };

  it.each<[string, () => string, RegExp]>([
    [
      'nobody listens',
      () => 'postgres://shop:canary@127.0.0.1:1/shop',
      /^PostgreSQL at 127\.0\.0\.1:1\/shop as shop cannot be reached \(ECONNREFUSED\): start it, or check DATABASE_URL\.$/,
    ],
    [
      'there is no such host',
      () => 'postgres://shop:canary@nowhere.invalid/shop',
      /^PostgreSQL at nowhere\.invalid\/shop as shop cannot be reached \((ENOTFOUND|EAI_AGAIN)\): start it, or check DATABASE_URL\.$/,
    ],
    [
      'the password is wrong',
      () => changed((url) => (url.password = 'canary')),
      /^PostgreSQL at \S+ as postgres refuses the password: check DATABASE_URL\. \(.+\)$/,
    ],
    [
      'the database is not there',
      () => changed((url) => (url.pathname = '/none')),
      /^PostgreSQL at \S+ as postgres has no database of that name: check DATABASE_URL\. \(.+\)$/,
    ],
    [
      'the server speaks no TLS',
      () => changed((url) => url.searchParams.set('sslmode', 'require')),
      /^PostgreSQL at \S+ as postgres cannot be reached \(The server does not support SSL connections\): start it, or check DATABASE_URL\.$/,
    ],
  ])('%s', async (_, url, sentence) => {
    const address = url();
    const message = await sentenceOf(reachDatabase(address, () => migrateUp(address, [])));
    expect(message).toMatch(sentence);
    expect(message).not.toContain('canary');
  });

  it('lets a defect through as it is', async () => {
    const defect = new TypeError('undefined is not a function');
    await expect(reachDatabase(database.url, () => Promise.reject(defect))).rejects.toBe(defect);
  });
});

describe('a port that cannot be had', () => {
  it.each(['PORT', 'MANAGEMENT_PORT', 'ADMIN_PORT'])('%s is in use', async (setting) => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const settings = loadSettings({ PORT: '0', MANAGEMENT_PORT: '0', [setting]: String(port) });
    expect(await sentenceOf(requireFreePorts(settings))).toBe(
      `Port ${port} of 127.0.0.1 is in use, perhaps by another Steelyard: stop that program, or set ${setting} to another port (0 picks a free one).`,
    );
    other.close();
  });

  it('the address is not one of this machine', async () => {
    const settings = loadSettings({ PORT: '0', MANAGEMENT_PORT: '0', HOST: '192.0.2.1' });
    expect(await sentenceOf(requireFreePorts(settings))).toBe(
      '192.0.2.1 is no address of this machine: set HOST to one that is, such as 127.0.0.1 or 0.0.0.0.',
    );
  });
});

describe('the life of a process', () => {
  /** A process with two parts; `second` is what its stop and its end are made of. */
  const spawnProcess = (second: string) =>
    spawnScript(`
      import { setTimeout as delay } from 'node:timers/promises';
      import { ProcessError, runProcess } from '#platform/process';
      await runProcess(async (parts, life) => {
        parts.defer(() => console.log('first stopped'));
        ${second}
        setInterval(() => undefined, 60_000);
        console.log('started');
      });`);

  it('ends with its parts stopped in reverse order, and exit code 0', async () => {
    const process = spawnProcess(`parts.defer(() => delay(50).then(() => console.log('second stopped')));`);
    await process.wrote(/started/);
    expect(await process.end('SIGTERM')).toBe(0);
    expect(process.output).toBe('started\nsecond stopped\nfirst stopped\n');
  });

  it('is cut short by a second signal, but not by the echo of the first', async () => {
    const process = spawnProcess(`parts.defer(() => { console.log('stopping'); return delay(60_000); });`);
    await process.wrote(/started/);
    process.signal('SIGINT');
    process.signal('SIGINT');
    await process.wrote(/stopping/);
    await delay(600);
    expect(await process.end('SIGINT')).toBe(130);
    expect(process.output).toBe('started\nstopping\n');
  });

  it('ends when a part fails, with its sentence and exit code 1', async () => {
    const process = spawnProcess(`delay(50).then(() => life.fail(new ProcessError('The sky has fallen.')));`);
    expect(await process.ended).toBe(1);
    // The sentence comes by standard error: which of two pipes is read first is anybody's guess.
    expect(process.output.split('\n').sort()).toEqual(
      ['started', 'The sky has fallen.', 'first stopped', ''].sort(),
    );
  });

  it('does not begin when the start is interrupted: what was started is stopped, exit code 0', async () => {
    const process = spawnProcess(`
      console.log('starting');
      await delay(60_000, undefined, { signal: life.stopping });`);
    await process.wrote(/starting/);
    expect(await process.end('SIGINT')).toBe(0);
    expect(process.output).toBe('starting\nfirst stopped\n');
  });

  it('goes on at SIGHUP where a part has asked for it, and ends at it where none has', async () => {
    const process = spawnProcess(`life.onHangup(() => console.log('again'));`);
    await process.wrote(/started/);
    process.signal('SIGHUP');
    await process.wrote(/again/);
    expect(await process.end('SIGTERM')).toBe(0);
    const deaf = spawnProcess('');
    await deaf.wrote(/started/);
    expect(await deaf.end('SIGHUP')).toBe(0);
    expect(deaf.output).toBe('started\nfirst stopped\n');
  });

  it('shows where a defect comes from', async () => {
    const process = spawnProcess(`throw new TypeError('oops');`);
    expect(await process.ended).toBe(1);
    expect(process.output).toMatch(/^TypeError: oops\n +at /);
  });
});
