import { constants } from 'node:os';
import { isatty } from 'node:tty';
import { ConfigurationError, EXIT_CONFIGURATION } from '../config/index.js';
import { ProcessError } from './process-error.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * One Ctrl-C under `npm start` arrives twice, from the terminal and from npm. What comes later than this after the
 * first is somebody who does not want to wait.
 */
const FORCE_AFTER_MS = 500;

/** What the parts of a process may know about it. */
export interface ProcessLife {
  /** Fires when the process was asked to stop, or cannot go on. */
  readonly stopping: AbortSignal;
  /** Ends the process, because something without which it cannot go on has ended. */
  readonly fail: (reason: Error) => void;
  /** Has `listener` called at SIGHUP, which then does not stop the process, unless it says that the terminal is gone. */
  readonly onHangup: (listener: () => void) => void;
}

/**
 * Runs a process from its start to its end. `start` starts its parts and puts onto the stack how each is stopped; the
 * process then lives until SIGINT, SIGTERM or SIGHUP, and stops its parts in reverse order. Exit code 0. A second
 * signal exits at once. Away from a terminal, SIGHUP is for the part that has asked for it.
 *
 * A start that fails, or a part that ends by itself, also stops what was started; what it was is told on standard
 * error, in one sentence where it is a ProcessError. Exit code 1, or 78 for a configuration that is not valid.
 */
export async function runProcess(
  start: (parts: AsyncDisposableStack, life: ProcessLife) => Promise<void>,
): Promise<never> {
  const parts = new AsyncDisposableStack();
  const stopping = new AbortController();
  const ended = Promise.withResolvers<number>();
  const end = (exitCode: number) => {
    ended.resolve(exitCode);
    stopping.abort();
  };
  const fail = (reason: unknown) => {
    // What fails while everything stops was told to.
    if (!stopping.signal.aborted) end(reportFailure(reason));
  };
  let hangupListener: (() => void) | undefined;
  onSignal(
    () => end(0),
    () => (hasTerminal() ? undefined : hangupListener),
  );

  const onHangup = (listener: () => void) => (hangupListener = listener);
  await start(parts, { stopping: stopping.signal, fail, onHangup }).catch(fail);
  let exitCode = await ended.promise;
  try {
    await parts.disposeAsync();
  } catch (error) {
    exitCode = reportFailure(error);
  }
  process.exit(exitCode);
}

/**
 * Tells on standard error what went wrong: a sentence where the error is one for whoever sits at the terminal, the
 * whole stack where it is a defect. Returns the exit code that goes with it.
 */
export function reportFailure(error: unknown): number {
  const isExplained = error instanceof ProcessError || error instanceof ConfigurationError;
  const text =
    error instanceof Error ? (isExplained ? error.message : (error.stack ?? error.message)) : error;
  process.stderr.write(`${String(text)}\n`);
  return error instanceof ConfigurationError ? EXIT_CONFIGURATION : 1;
}

/** Has `stop` called at the first signal; a SIGHUP before that goes to whom `hangupListener` names, if anybody. */
function onSignal(stop: () => void, hangupListener: () => (() => void) | undefined): void {
  let firstAt: number | undefined;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      const listener = signal === 'SIGHUP' && firstAt === undefined ? hangupListener() : undefined;
      if (listener) {
        listener();
      } else if (firstAt === undefined) {
        firstAt = performance.now();
        stop();
      } else if (performance.now() - firstAt > FORCE_AFTER_MS) {
        process.exit(128 + constants.signals[signal]);
      }
    });
  }
  // The terminal may be gone (SIGHUP, a closed pipe): stopping properly matters more than telling about it.
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
}

/** Somebody sits, or sat, in front of it. */
function hasTerminal(): boolean {
  return [0, 1, 2].some((descriptor) => isatty(descriptor));
}
