import { migrateDown, migrateUp } from '#platform/database';
import { migrations } from '../../migrations/index.js';
import { schemaSnapshot } from '../support/schema-snapshot.js';
import { spawnApp } from '../support/spawn-app.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

const NAMES = migrations.map((migration) => migration.name);

let database: TestDatabase;

beforeEach(async () => {
  database = await createTestDatabase({ template: null });
});

afterEach(async () => {
  await database.drop();
});

describe('migrations', () => {
  it('go up, and each goes down to exactly what was there before it, and up again', async () => {
    const { url } = database;
    const before: string[][] = [];
    for (const count of migrations.keys()) {
      before.push(await schemaSnapshot(url));
      expect(await migrateUp(url, migrations.slice(0, count + 1))).toEqual([NAMES[count]]);
    }
    const complete = await schemaSnapshot(url);
    expect(before[0]).toEqual([]);
    expect(complete.length).toBeGreaterThan(100);

    for (const expected of [...before].reverse()) {
      expect(await migrateDown(url, migrations, 1)).toBe(1);
      expect(await schemaSnapshot(url)).toEqual(expected);
    }
    expect(await migrateDown(url, migrations, 1)).toBe(0);

    expect(await migrateUp(url, migrations)).toEqual(NAMES);
    expect(await schemaSnapshot(url)).toEqual(complete);
  });

  it('are applied once when several processes start at the same time', async () => {
    const applied = await Promise.all([1, 2, 3].map(() => migrateUp(database.url, migrations)));
    expect(applied.flat()).toEqual(NAMES);
  });
});

describe('steelyard migrate', () => {
  const steelyard = async (...args: string[]) => {
    const cli = spawnApp('apps/cli/src/main.ts', { args, env: { DATABASE_URL: database.url } });
    const exitCode = await cli.ended;
    return { exitCode, lines: cli.output.trim().split('\n') };
  };

  it('needs nothing but DATABASE_URL, and says what it did', async () => {
    expect(await steelyard('migrate', 'up')).toEqual({
      exitCode: 0,
      lines: NAMES.map((name) => `applied   ${name}`),
    });
    const [newest, second] = [...NAMES].reverse();
    expect(await steelyard('migrate', 'down', '--steps', '2')).toEqual({
      exitCode: 0,
      lines: [`reverted  ${newest}`, `reverted  ${second}`],
    });
    expect(await steelyard('migrate', 'status')).toEqual({
      exitCode: 0,
      lines: NAMES.map((name) => `${name === newest || name === second ? 'pending ' : 'applied '}  ${name}`),
    });
  });

  it('down finds nothing to revert in an empty database', async () => {
    expect(await steelyard('migrate', 'down')).toEqual({ exitCode: 0, lines: ['There is nothing to revert.'] });
  });
});
