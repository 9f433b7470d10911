import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

const LAST_LINES_KEPT = 20;

/** How a program ended. */
export interface ProgramExit {
  /** The exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last lines that it wrote, oldest first. */
  readonly lastLines: readonly string[];
}

/** A running program whose lines are read and whose end is known. */
export interface Program {
  readonly pid: number;
  /**
   * Resolves, and never rejects, when the program and all that it started have ended: every one of them holds its
   * output open.
   */
  readonly exited: Promise<ProgramExit>;
  /** Sends a signal; without effect when the program has ended. */
  signal(signal: NodeJS.Signals): void;
}

/** Reads a child's output line by line, so that it never blocks on a full pipe, and remembers the last lines. */
export function superviseProgram(child: ChildProcess, onLine: (line: string) => void): Program {
  const lastLines: string[] = [];
  const take = (line: string) => {
    lastLines.push(line);
    if (lastLines.length > LAST_LINES_KEPT) lastLines.shift();
    onLine(line);
  };
  for (const stream of [child.stdout, child.stderr]) {
    if (stream) createInterface({ input: stream }).on('line', take);
  }

  const exited = new Promise<ProgramExit>((resolve) => {
    child.once('close', (code, signal) => {
      resolve({ code, signal, lastLines });
    });
    child.once('error', (error) => {
      // Emitted also when a signal could not be sent; only a program that never ran has no id.
      if (child.pid === undefined) resolve({ code: null, signal: null, lastLines: [error.message] });
    });
  });
  return {
    pid: child.pid ?? -1,
    exited,
    signal: (signal) => {
      child.kill(signal);
    },
  };
}
