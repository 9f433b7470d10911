import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { dirname } from 'node:path';

/** What is written or swapped in several steps is looked at once, when it has settled. */
const SETTLE_MS = 200;

export interface FileWatch {
  /** One of the files has another content than before. */
  readonly onChange: () => void;
  /** A directory cannot be watched, or not any more. */
  readonly onError: (directory: string, error: unknown) => void;
}

/**
 * Watches files until the function that it returns is called. It watches their directories: an editor puts a new file
 * in the place of the old one, and Kubernetes swaps a symbolic link beside it. Keeps no process alive.
 */
export function watchFiles(files: readonly string[], { onChange, onError }: FileWatch): () => void {
  let contents = contentsOf(files);
  let timer: NodeJS.Timeout | undefined;
  const look = () => {
    timer = undefined;
    const found = contentsOf(files);
    if (found.every((content, index) => content === contents[index])) return;
    contents = found;
    onChange();
  };
  // Not put off by what happens meanwhile: in a directory that is never at rest it would wait forever.
  const lookSoon = () => (timer ??= setTimeout(look, SETTLE_MS).unref());

  const directories = [...new Set(files.map((file) => dirname(file)))];
  const watchers = directories.flatMap((directory): FSWatcher[] => {
    try {
      const watcher = watch(directory, { persistent: false }, lookSoon);
      return [watcher.on('error', (error) => onError(directory, error))];
    } catch (error) {
      onError(directory, error);
      return [];
    }
  });
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}

/** Undefined for a file that cannot be read. */
function contentsOf(files: readonly string[]): (string | undefined)[] {
  return files.map((file) => {
    try {
      return readFileSync(file, 'utf8');
    } catch {
      return undefined;
    }
  });
}
