import { setTimeout as delay } from 'node:timers/promises';

import { programError } from './errors.js';
import type { Launcher } from './launcher.js';
import { superviseProgram, type Program, type ProgramExit } from './program.js';

/** Long enough to replay a gigabyte of write-ahead log after a crash. */
const START_TIMEOUT_MS = 180_000;

/** A fast shutdown writes the buffers out; it is given that long, an immediate one the second. */
const FAST_SHUTDOWN_TIMEOUT_MS = 20_000;
const IMMEDIATE_SHUTDOWN_TIMEOUT_MS = 5_000;

const READY_LINE = 'database system is ready to accept connections';

interface ServerOptions {
  readonly postgres: string;
  readonly launcher: Launcher;
  readonly clusterDir: string;
  readonly port: number;
  readonly durable: boolean;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal | undefined;
}

/**
 * Starts the server and waits until it accepts connections.
 *
 * @throws EmbeddedPostgresError `start_failed`; the reason of the signal when it is aborted
 */
export async function startServer(options: ServerOptions): Promise<Program> {
  const ready = Promise.withResolvers<'ready'>();
  const server = superviseProgram(
    options.launcher.spawn(options.postgres, serverArguments(options)),
    (line) => {
      if (line.includes(READY_LINE)) ready.resolve('ready');
      options.log(line);
    },
  );

  const timeout = AbortSignal.timeout(START_TIMEOUT_MS);
  const giveUp = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  const aborted = Promise.withResolvers<'aborted'>();
  const onAbort = () => aborted.resolve('aborted');
  giveUp.addEventListener('abort', onAbort, { once: true });
  if (giveUp.aborted) onAbort();
  const outcome = await Promise.race([ready.promise, aborted.promise, server.exited]);
  giveUp.removeEventListener('abort', onAbort);

  if (outcome === 'ready') return server;
  const { lastLines } = await stopServer(server);
  options.signal?.throwIfAborted();
  throw programError(
    'start_failed',
    `The embedded PostgreSQL in ${options.clusterDir} does not start`,
    lastLines,
  );
}

/** Stops the server as gently as it lets: a fast shutdown, an immediate one, and at last SIGKILL. */
export async function stopServer(server: Program): Promise<ProgramExit> {
  server.signal('SIGINT');
  if (!(await endsWithin(server, FAST_SHUTDOWN_TIMEOUT_MS))) {
    server.signal('SIGQUIT');
    if (!(await endsWithin(server, IMMEDIATE_SHUTDOWN_TIMEOUT_MS))) server.signal('SIGKILL');
  }
  return server.exited;
}

async function endsWithin(server: Program, timeoutMs: number): Promise<boolean> {
  const timer = new AbortController();
  try {
    return await Promise.race([
      server.exited.then(() => true),
      delay(timeoutMs, false, { signal: timer.signal }),
    ]);
  } finally {
    timer.abort();
  }
}

/** Settings are given at each start, so that a cluster of any age runs with those of this release. */
function serverArguments({ clusterDir, port, durable }: ServerOptions): string[] {
  const settings: Record<string, string | number> = {
    listen_addresses: '127.0.0.1',
    port,
    // A socket's path may be 107 bytes long at most, which a data directory easily exceeds.
    unix_socket_directories: '',
    max_connections: 200,
    shared_buffers: '128MB',
    work_mem: '8MB',
    maintenance_work_mem: '64MB',
    random_page_cost: 1.1,
    // Short transactions gain nothing from either, and the processor is shared with the application. Parallel
    // queries would also need more of /dev/shm than a container has.
    jit: 'off',
    max_parallel_workers_per_gather: 0,
    timezone: 'UTC',
    log_timezone: 'UTC',
    lc_messages: 'C',
    // Errors of statements belong to who sent them, who logs them without the values; here is the server's own story.
    log_min_messages: 'log',
    log_checkpoints: 'off',
    log_line_prefix: '',
    log_destination: 'stderr',
    logging_collector: 'off',
    ...(durable ? {} : NOT_DURABLE),
  };
  return [
    '-D',
    clusterDir,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
}

/** For data that nobody will miss: nothing waits for the disk. */
const NOT_DURABLE = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: 0,
};
