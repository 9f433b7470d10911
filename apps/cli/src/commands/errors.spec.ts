import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { errorsCommand } from './errors.js';

const ROOT = resolve(import.meta.dirname, '../../../..');
const PAGE = 'docs/errors.md';

it('lists the errors of every module, whatever else the process has loaded', async () => {
  const root = await mkdtemp(join(tmpdir(), 'steelyard-errors-'));
  import.meta.jest.spyOn(console, 'log').mockReturnValue();
  try {
    await cp(join(ROOT, PAGE), join(root, PAGE));
    await errorsCommand().parseAsync(['--root', root], { from: 'user' });
    expect(await readFile(join(root, PAGE), 'utf8')).toBe(await readFile(join(ROOT, PAGE), 'utf8'));
  } finally {
    import.meta.jest.restoreAllMocks();
    await rm(root, { recursive: true });
  }
});
