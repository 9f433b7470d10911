import { writeSync } from 'node:fs';
import { currentContext } from '../context/index.js';

/**
 * A named place at which a crash or an error can be caused on purpose, so that a test can stand exactly there. Outside
 * of such tests it does nothing: one look-up in an empty map.
 */
export interface Failpoint {
  readonly name: string;
  /** To be awaited where the crash or the error would fall. */
  readonly reach: () => Promise<void>;
}

/**
 * What happens at a failpoint: the process is killed, an error is thrown, or whoever gets there stays for ever, so
 * that any number of calls can be brought to the same place before the process is killed from outside. Each time, the
 * standard error output says `failpoint NAME ACTION REQUEST`, with the id of the request or job that got there.
 */
export const FAILPOINT_ACTIONS = ['kill', 'error', 'hold'] as const;
export type FailpointAction = (typeof FAILPOINT_ACTIONS)[number];

const failpoints = new Map<string, Failpoint>();
const armed = new Map<string, FailpointAction>();

const NOTHING = Promise.resolve();

/** Declares a failpoint once, at module level: `const claimed = defineFailpoint('payments.operation_claimed')`. */
export function defineFailpoint(name: string): Failpoint {
  if (failpoints.has(name)) throw new Error(`The failpoint ${name} is declared twice.`);
  const failpoint = Object.freeze({
    name,
    reach: () => {
      const action = armed.get(name);
      return action === undefined ? NOTHING : act(name, action);
    },
  });
  failpoints.set(name, failpoint);
  return failpoint;
}

/** The names of all failpoints of the modules that are loaded. */
export function failpointNames(): string[] {
  return [...failpoints.keys()].sort();
}

/** What `name=action,name=action` says; undefined when it says nothing that can be understood. */
export function parseFailpoints(text: string): ReadonlyMap<string, FailpointAction> | undefined {
  const entries = text === '' ? [] : text.split(',').map((entry) => entry.trim().split('='));
  return entries.every(isFailpoint) ? new Map(entries) : undefined;
}

function isFailpoint(entry: readonly string[]): entry is [name: string, action: FailpointAction] {
  const [name, action, ...rest] = entry;
  return name !== '' && rest.length === 0 && FAILPOINT_ACTIONS.some((known) => known === action);
}

/**
 * Arms the failpoints of `name=action,name=action` and disarms all others. A name that nobody has declared yet is
 * armed for when it is.
 */
export function armFailpoints(text: string): void {
  armed.clear();
  for (const [name, action] of parseFailpoints(text) ?? []) armed.set(name, action);
}

async function act(name: string, action: FailpointAction): Promise<void> {
  // Written at once and not through a stream: the process may have no later moment.
  writeSync(process.stderr.fd, `failpoint ${name} ${action} ${currentContext().requestId}\n`);
  switch (action) {
    case 'kill':
      process.kill(process.pid, 'SIGKILL');
      return new Promise(() => undefined);
    case 'hold':
      return new Promise(() => undefined);
    case 'error':
      throw new Error(`The failpoint ${name} was told to fail.`);
  }
}
