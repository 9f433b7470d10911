/**
 * Compiles apps, libs and migrations to dist/ with SWC, mirroring the source tree, so that the `imports` of
 * package.json (`#kernel`, `#orders`, …) resolve to the same places in both.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';

rmSync('dist', { recursive: true, force: true });
const swc = spawnSync(
  'swc',
  [
    'apps',
    'libs',
    'migrations',
    '--out-dir',
    'dist',
    '--extensions',
    '.ts',
    '--ignore',
    '**/*.spec.ts',
    '--ignore',
    '**/testing/**',
    '--quiet',
  ],
  { stdio: 'inherit' },
);
process.exit(swc.status ?? 1);
