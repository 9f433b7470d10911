/** Stable names of what can keep the embedded PostgreSQL from starting. */
export type EmbeddedPostgresErrorCode =
  | 'data_directory_in_use'
  | 'data_directory_permission'
  | 'data_directory_unusable'
  | 'data_directory_version'
  | 'port_unavailable'
  | 'binaries_unusable'
  | 'root_not_supported'
  | 'initialisation_failed'
  | 'start_failed';

/**
 * The embedded PostgreSQL cannot start. `message` is one sentence for the person at the terminal; `cause`, where
 * there is one, holds the details: the last lines that PostgreSQL wrote, or the error of the operating system.
 */
export class EmbeddedPostgresError extends Error {
  override readonly name: string = 'EmbeddedPostgresError';

  constructor(
    readonly code: EmbeddedPostgresErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Another live Steelyard process works on this data directory. */
export class DataDirectoryInUseError extends EmbeddedPostgresError {
  override readonly name = 'DataDirectoryInUseError';

  /** @param ownerPid the process id of the other Steelyard, where it is known */
  constructor(
    readonly dataDir: string,
    readonly ownerPid: number | undefined,
  ) {
    const owner = ownerPid === undefined ? '' : ` (process ${ownerPid})`;
    super(
      'data_directory_in_use',
      `The data directory ${dataDir} is in use by another running Steelyard${owner}: stop that one first, or set STEELYARD_DATA_DIR to another directory.`,
    );
  }
}

/** The data directory cannot be created or written by the user who runs Steelyard. */
export class DataDirectoryPermissionError extends EmbeddedPostgresError {
  override readonly name = 'DataDirectoryPermissionError';

  constructor(
    readonly dataDir: string,
    cause: Error,
  ) {
    super(
      'data_directory_permission',
      `The data directory ${dataDir} cannot be written (${cause.message}): give this user write access to it, or set STEELYARD_DATA_DIR to another directory.`,
      { cause },
    );
  }
}

const PERMISSION_ERRNO_CODES = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST']);

/**
 * Turns an error of the file system (permissions, a full disk) into a sentence about the data directory; any other
 * error is returned as it is.
 */
export function explainFileSystemError(error: unknown, dataDir: string): unknown {
  if (!isFileSystemError(error)) return error;
  if (PERMISSION_ERRNO_CODES.has(error.code)) return new DataDirectoryPermissionError(dataDir, error);
  return new EmbeddedPostgresError(
    'data_directory_unusable',
    `The data directory ${dataDir} cannot be used: ${error.message}.`,
    { cause: error },
  );
}

function isFileSystemError(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  if (errnoCode(error) === undefined) return false;
  const { syscall } = error as NodeJS.ErrnoException;
  return syscall !== undefined && !syscall.startsWith('spawn');
}

/** The code of an error of the operating system (`ENOENT`), or undefined for any other error. */
export function errnoCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/**
 * An error about a PostgreSQL program that failed: the sentence quotes the line in which it says why, and the cause
 * keeps everything it wrote last.
 *
 * @param sentence what could not be done, without a full stop
 */
export function programError(
  code: EmbeddedPostgresErrorCode,
  sentence: string,
  lastLines: readonly string[],
): EmbeddedPostgresError {
  // What failed first: the rest follows from it.
  const reason = lastLines.find((line) => /\b(FATAL|PANIC|error):/.test(line)) ?? lastLines.at(-1);
  return new EmbeddedPostgresError(
    code,
    reason === undefined ? `${sentence}.` : `${sentence}: ${reason.trim()}`,
    {
      cause: new Error(lastLines.join('\n')),
    },
  );
}
