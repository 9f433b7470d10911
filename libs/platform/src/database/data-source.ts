import { types } from 'pg';
import type { DataSourceOptions } from 'typeorm';

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
