import { Database, statement, withDataSource } from '#platform/database';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

let server: TestDatabase;
beforeAll(async () => {
  server = await createTestDatabase({ template: null });
});
afterAll(() => server.drop());

const withDatabase = <T>(fn: (database: Database) => Promise<T>): Promise<T> =>
  withDataSource(server.url, (dataSource) => fn(new Database(dataSource)));

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
