import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSettings } from '#platform/config';
import { ProcessError } from '#platform/process';
import { keepSecrets } from './kept-secrets.js';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'steelyard-secrets-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

describe('the secrets of a data directory', () => {
  it('are made once, for their owner only, and are valid settings', async () => {
    const dataDir = join(directory, 'data');
    const secrets = await keepSecrets(dataDir);
    expect(await keepSecrets(dataDir)).toEqual(secrets);
    expect(loadSettings({ ...secrets })).toMatchObject(secrets);
    expect(await readdir(dataDir)).toEqual(['secrets.json']);
    expect((await stat(join(dataDir, 'secrets.json'))).mode & 0o777).toBe(0o600);
  });

  it.each(['', '{', 'null', '{}', '{"APP_SECRET":"x"}'])(
    'are not made anew when the file is damaged: %j',
    async (text) => {
      const file = join(directory, 'secrets.json');
      await writeFile(file, text);
      await expect(keepSecrets(directory)).rejects.toThrow(
        new ProcessError(
          `${file} is damaged: put it back from a backup, or delete it, after which everybody has to log in again.`,
        ),
      );
    },
  );

  it('say what is in the way when they cannot be kept', async () => {
    await writeFile(join(directory, 'data'), '');
    await expect(keepSecrets(join(directory, 'data'))).rejects.toThrow(
      /^The generated secrets cannot be kept in \S+ \(.+\): give this user access to it, or set APP_SECRET and SIGNING_KEYS\.$/,
    );
  });
});
