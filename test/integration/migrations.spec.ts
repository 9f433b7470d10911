import { migrateDown, migrateUp } from '#platform/database';
import { Client } from 'pg';
import { migrateCommand } from '../../apps/cli/src/commands/migrate.js';
import { AuditCommands1795000000025 } from '../../migrations/1795000000025-audit-commands.js';
import { migrations } from '../../migrations/index.js';
import { schemaSnapshot } from '../support/schema-snapshot.js';
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

  it('do not go down over an audit log that only the newer schema can hold, nor change it', async () => {
    const { url } = database;
    await migrateUp(url, migrations);
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      await client.query(
        `INSERT INTO platform.audit_log (position, occurred_at, actor, role, action, details, address, request_id, hash)
         VALUES (1, now(), 'host:deploy', 'host', 'steelyard dead-letters redrive', '{}', 'worker-1', 'r', sha256('x'))`,
      );
      const steps = migrations.length - migrations.indexOf(AuditCommands1795000000025);
      await expect(migrateDown(url, migrations, steps)).rejects.toThrow(/contains null values/);
      const { rows } = await client.query('SELECT position, session_id FROM platform.audit_log');
      expect(rows).toEqual([{ position: 1, session_id: null }]);
    } finally {
      await client.end();
    }
  });

  it('are applied once when several processes start at the same time', async () => {
    const applied = await Promise.all([1, 2, 3].map(() => migrateUp(database.url, migrations)));
    expect(applied.flat()).toEqual(NAMES);
  });
});

describe('steelyard migrate', () => {
  const lines: string[] = [];

  beforeEach(() => {
    process.env['DATABASE_URL'] = database.url;
    jest.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
  });

  afterEach(() => {
    delete process.env['DATABASE_URL'];
    jest.restoreAllMocks();
  });

  /** Runs the command and returns what it printed. */
  const migrate = async (...args: string[]): Promise<string[]> => {
    await migrateCommand().parseAsync(args, { from: 'user' });
    return lines.splice(0);
  };

  it('says what it did, and what there is', async () => {
    expect(await migrate('up')).toEqual(NAMES.map((name) => `applied   ${name}`));
    expect(await migrate('up')).toEqual(['The database is up to date.']);
    const [newest, second, ...others] = [...NAMES].reverse();
    expect(await migrate('down', '--steps', '2')).toEqual([`reverted  ${newest}`, `reverted  ${second}`]);
    expect(await migrate('status')).toEqual([
      ...others.reverse().map((name) => `applied   ${name}`),
      `pending   ${second}`,
      `pending   ${newest}`,
    ]);
  });

  it('finds nothing to revert in an empty database', async () => {
    expect(await migrate('down')).toEqual(['There is nothing to revert.']);
  });
});
