import { Client } from 'pg';
import type { DataSource, MigrationInterface } from 'typeorm';
import { withDataSource } from './data-source.js';

export type MigrationClass = new () => MigrationInterface;

/** Only one process migrates at a time; the others wait for this advisory lock, then find nothing left to do. */
const MIGRATION_LOCK = 7_305_808;

/**
 * Applies every migration that the database lacks, each in its own transaction.
 *
 * @returns the names of the applied ones, oldest first
 */
export async function migrateUp(url: string, migrations: readonly MigrationClass[]): Promise<string[]> {
  return withMigrations(url, migrations, async (dataSource) => {
    const applied = await dataSource.runMigrations({ transaction: 'each' });
    return applied.map((migration) => migration.name);
  });
}

/** Reverts the `steps` newest migrations, newest first, and returns how many there were to revert. */
export async function migrateDown(
  url: string,
  migrations: readonly MigrationClass[],
  steps: number,
): Promise<number> {
  return withMigrations(url, migrations, async (dataSource) => {
    for (let reverted = 0; reverted < steps; reverted += 1) {
      const rows = await dataSource.query<{ count: number }[]>('SELECT count(*) FROM migrations');
      if (rows[0]?.count === 0) return reverted;
      await dataSource.undoLastMigration({ transaction: 'each' });
    }
    return steps;
  });
}

/** The names of the migrations that the database lacks, oldest first. */
export async function pendingMigrations(
  dataSource: DataSource,
  migrations: readonly MigrationClass[],
): Promise<string[]> {
  const exists = await dataSource.query<{ present: boolean }[]>(
    `SELECT to_regclass('public.migrations') IS NOT NULL AS present`,
  );
  const known = exists[0]?.present
    ? await dataSource.query<{ name: string }[]>('SELECT name FROM migrations')
    : [];
  const applied = new Set(known.map((row) => row.name));
  return migrations.map((migration) => migration.name).filter((name) => !applied.has(name));
}

async function withMigrations<T>(
  url: string,
  migrations: readonly MigrationClass[],
  fn: (dataSource: DataSource) => Promise<T>,
): Promise<T> {
  const locker = new Client({ connectionString: url });
  await locker.connect();
  try {
    await locker.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    // A migration takes as long as its table is large.
    return await withDataSource(url, fn, { statementTimeoutMs: 0, migrations });
  } finally {
    await locker.end();
  }
}
