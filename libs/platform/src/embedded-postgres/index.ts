/** A PostgreSQL server of our own, for a machine that has none: programs from npm, data in one directory. */
export {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from './embedded-postgres.js';
export { DataDirectoryInUseError, DataDirectoryPermissionError, EmbeddedPostgresError } from './errors.js';
export { runningPostgresUrl } from './running-postgres.js';
