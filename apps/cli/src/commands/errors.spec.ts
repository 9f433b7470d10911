import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { spawnScript } from '../../../../test/support/spawn-app.js';

const ROOT = resolve(import.meta.dirname, '../../../..');
const PAGE = 'docs/errors.md';

it('lists the errors of every module, whatever else the process has loaded', async () => {
  const root = await mkdtemp(join(tmpdir(), 'steelyard-errors-'));
  try {
    await cp(join(ROOT, PAGE), join(root, PAGE));
    // In a process that has loaded nothing else: this one knows the codes of other specs, and of more modules.
    const command = spawnScript(`
      const { errorsCommand } = await import('./apps/cli/src/commands/errors.ts');
      await errorsCommand().parseAsync(['--root', ${JSON.stringify(root)}], { from: 'user' });
    `);
    expect({ end: await command.ended, output: command.output }).toMatchObject({ end: 0 });
    expect(await readFile(join(root, PAGE), 'utf8')).toBe(await readFile(join(ROOT, PAGE), 'utf8'));
  } finally {
    await rm(root, { recursive: true });
  }
});
