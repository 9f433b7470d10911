import { Database, statement, withDataSource } from '#platform/database';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

let server: TestDatabase;
beforeAll(async () => {
  server = await createTestDatabase({ template: null });
});
afterAll(() => server.drop());

const withDatabase = <T>(fn: (database: Database) => Promise<T>): Promise<T> =>
  withDataSource(server.url, (dataSource) => fn(new Database(dataSource)));

describe('a lock', () => {
  it('that is held shared is not silently taken for an exclusive one', async () => {
    await withDatabase(async (database) => {
      const upgrade = database.transaction(async () => {
        await database.lock('order', 'a', { shared: true });
        await database.lock('order', 'a');
      });
      await expect(upgrade).rejects.toThrow('order:a is locked shared, and cannot be locked exclusively.');
    });
  });

  it('that is held is there for whoever asks for it again, and for no more', async () => {
    const held = statement(
      'test.held',
      `SELECT mode FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() ORDER BY mode`,
    );
    await withDatabase((database) =>
      database.transaction(async () => {
        await database.lock('order', 'a');
        await database.lock('order', 'a');
        await database.lock('order', 'a', { shared: true });
        await database.lock('order', 'b', { shared: true });
        await database.lock('order', 'b', { shared: true });
        expect(await database.query(held)).toEqual([{ mode: 'ExclusiveLock' }, { mode: 'ShareLock' }]);
      }),
    );
  });
});

describe('a data source of a tool', () => {
  const setting = (name: string) => statement(`test.${name}`, `SELECT current_setting('${name}') AS value`);

  it('waits for nothing without a bound, and reads counts as numbers', async () => {
    await withDatabase(async (database) => {
      expect(await database.query(setting('statement_timeout'))).toEqual([{ value: '1min' }]);
      expect(await database.query(statement('test.count', 'SELECT 12::bigint AS count'))).toEqual([
        { count: 12 },
      ]);
    });
  });
});
