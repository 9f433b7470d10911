import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnApp } from '../support/spawn-app.js';

const SECRET = 'canary-'.repeat(8);

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'steelyard-config-'));
  await writeFile(join(directory, '.env'), `PORT=4999\nLOG_LEVEL=debug\nAPP_SECRET=${SECRET}\n`);
});

afterAll(() => rm(directory, { recursive: true, force: true }));

describe('a configuration that is not valid', () => {
  it('keeps the api from starting: all problems at once, exit code 78', async () => {
    const app = spawnApp('apps/api/src/main.ts', {
      env: { PORT: 'x', LOG_LEVEL: 'loud', APP_SECRET: 'short' },
    });
    expect(await app.ended).toBe(78);
    expect(app.output).toBe(
      [
        'The configuration is not valid:',
        '  - DATABASE_URL: is required here.',
        '  - SIGNING_KEYS: is required here.',
        '  - PORT: must be a whole number from 0 to 65535.',
        '  - APP_SECRET: must be at least 32 characters, or several such, divided by commas.',
        '  - LOG_LEVEL: must be one of fatal, error, warn, info, debug, trace, silent.',
        '',
      ].join('\n'),
    );
  });
});

describe('steelyard keys rotate', () => {
  it('prints the next value of a setting as it stands', async () => {
    const env = { APP_SECRET: SECRET };
    const cli = spawnApp('apps/cli/src/main.ts', { env, args: ['keys', 'rotate', 'APP_SECRET', 'add'] });
    expect(await cli.ended).toBe(0);
    expect(cli.output).toMatch(new RegExp(`^APP_SECRET=${SECRET},[\\w-]{43}\n$`));
  });
});

describe('steelyard config check', () => {
  it('prints what holds, from .env too, and no secret', async () => {
    const env = { LOG_LEVEL: 'error', DATABASE_URL: 'postgres://shop:canary@db.example.com/shop' };
    const cli = spawnApp('apps/cli/src/main.ts', { cwd: directory, env, args: ['config', 'check'] });
    expect(await cli.ended).toBe(0);
    expect(cli.output).toMatch(/^PORT +4999$/m);
    expect(cli.output).toMatch(/^LOG_LEVEL +error$/m);
    expect(cli.output).toMatch(/^HOST +127\.0\.0\.1 \(default\)$/m);
    expect(cli.output).toMatch(/^APP_SECRET +\[redacted\]$/m);
    expect(cli.output).toMatch(/^DATABASE_URL +\[redacted\]$/m);
    expect(cli.output).toMatch(/^SIGNING_KEYS +\(not set\)$/m);
    expect(cli.output).not.toContain('canary');
  });
});
