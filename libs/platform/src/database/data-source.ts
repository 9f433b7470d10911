import { type ClientBase, type Pool, types } from 'pg';
import { DataSource, type DataSourceOptions, type MigrationInterface } from 'typeorm';

/** Amounts and counts are bigint columns and safe integers here; a value beyond them is a defect and must not round. */
types.setTypeParser(types.builtins.INT8, (digits) => {
  const value = Number(digits);
  if (!Number.isSafeInteger(value)) throw new RangeError(`${digits} is beyond the safe integers.`);
  return value;
});

export interface ConnectionOptions {
  readonly url: string;
  readonly poolMax: number;
  /** 0 for no limit. */
  readonly statementTimeoutMs: number;
}

interface ToolConnectionOptions {
  /** 0 for no limit. */
  readonly statementTimeoutMs?: number;
  readonly migrations?: readonly (new () => MigrationInterface)[];
}

/** How every process connects: bounded waits throughout, and never a schema that synchronises itself. */
export function dataSourceOptions({
  url,
  poolMax,
  statementTimeoutMs,
}: ConnectionOptions): DataSourceOptions {
  return {
    type: 'postgres',
    url,
    synchronize: false,
    logging: false,
    applicationName: 'steelyard',
    extra: {
      max: poolMax,
      connectionTimeoutMillis: 5_000,
      statement_timeout: statementTimeoutMs,
      idle_in_transaction_session_timeout: statementTimeoutMs * 2,
    },
  };
}

/** The pool of connections below TypeORM, which does not show it. */
export function poolOf(dataSource: DataSource): Pool {
  return (dataSource.driver as unknown as { master: Pool }).master;
}

/**
 * A connection that ends between two statements tells nobody but its listeners, and without one it would end the
 * process: whoever uses it next finds out.
 */
export function surviveLostConnections(dataSource: DataSource): void {
  const heard = new WeakSet<ClientBase>();
  poolOf(dataSource).on('acquire', (client: ClientBase) => {
    if (heard.has(client)) return;
    heard.add(client);
    client.on('error', () => undefined);
  });
}

/** Long for a statement, and short for somebody who waits at a terminal. */
const TOOL_STATEMENT_TIMEOUT_MS = 60_000;

/** For what is no server: connects to the database at `url` as every process does, and closes when `fn` has ended. */
export async function withDataSource<T>(
  url: string,
  fn: (dataSource: DataSource) => Promise<T>,
  { statementTimeoutMs = TOOL_STATEMENT_TIMEOUT_MS, migrations }: ToolConnectionOptions = {},
): Promise<T> {
  const dataSource = new DataSource({
    ...dataSourceOptions({ url, poolMax: 2, statementTimeoutMs }),
    ...(migrations ? { migrations: [...migrations] } : {}),
  });
  await dataSource.initialize();
  surviveLostConnections(dataSource);
  try {
    return await fn(dataSource);
  } finally {
    await dataSource.destroy();
  }
}
