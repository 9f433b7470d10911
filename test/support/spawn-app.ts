import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../', import.meta.url);
const SOURCE_HOOKS = new URL('source-hooks.mjs', import.meta.url).href;

/** How a process ended: its exit code, or the signal that killed it. */
export type ProcessEnd = number | NodeJS.Signals | null;

/** A process of Steelyard that was started as a user does, from its sources. */
export class SpawnedApp {
  /** All that it has written so far, standard output and standard error. */
  output = '';
  /** Resolves when the process has ended and everything that it wrote is in `output`. */
  readonly ended: Promise<ProcessEnd>;

  constructor(private readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    }
    this.ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as ProcessEnd);
  }

  get pid(): number {
    return this.child.pid!;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Sends a signal and waits for the end. */
  async end(signal: NodeJS.Signals): Promise<ProcessEnd> {
    this.signal(signal);
    return this.ended;
  }

  /** Sends a message to a process that was started with a `preload` that takes messages, and waits for its answer. */
  async tell(message: string): Promise<void> {
    const answered = once(this.child, 'message');
    // That it is gone already is told by its end.
    this.child.send(message, () => undefined);
    const end = await Promise.race([answered.then(() => undefined), this.ended]);
    if (end !== undefined) throw new Error(`The process ended (${end}) when it was told ${message}.`);
  }

  /** Waits until it has written something that matches; fails when it ends before. */
  async wrote(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.output);
      if (found) return found;
      const end = await Promise.race([
        once(this.child.stdout!, 'data').then(() => undefined),
        once(this.child.stderr!, 'data').then(() => undefined),
        this.ended,
      ]);
      if (end !== undefined && !pattern.test(this.output)) {
        throw new Error(`The process ended (${end}) without writing ${String(pattern)}:\n${this.output}`);
      }
    }
  }
}

export interface SpawnOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  readonly args?: readonly string[];
  /** A file of the project that the process loads first; it may take messages. */
  readonly preload?: string;
}

/**
 * Starts an entry point, such as `apps/standalone/src/main.ts`, with nothing in its environment but `env` and what a
 * process needs to run at all.
 */
export function spawnApp(main: string, { args = [], ...options }: SpawnOptions = {}): SpawnedApp {
  return spawnNode([fileURLToPath(new URL(main, ROOT)), ...args], options);
}

/** Runs a script that may import from the project. */
export function spawnScript(source: string): SpawnedApp {
  return spawnNode(['--input-type=module', '--eval', source], {});
}

function spawnNode(args: readonly string[], { cwd, env, preload }: Omit<SpawnOptions, 'args'>): SpawnedApp {
  const imports = ['--import', SOURCE_HOOKS];
  if (preload !== undefined) imports.push('--import', new URL(preload, ROOT).href);
  return new SpawnedApp(
    spawn(process.execPath, ['--enable-source-maps', ...imports, ...args], {
      cwd: cwd ?? fileURLToPath(ROOT),
      env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe', ...(preload === undefined ? [] : ['ipc' as const])],
    }),
  );
}
