import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const DIRECTORY = fileURLToPath(new URL('../../test-reports/faults/', import.meta.url));

/** Keeps a report beside the others of this run, for people and for programs. */
export async function writeReport(name: string, markdown: string, data: object): Promise<void> {
  await mkdir(DIRECTORY, { recursive: true });
  await writeFile(`${DIRECTORY}${name}.md`, markdown);
  await writeFile(`${DIRECTORY}${name}.json`, `${JSON.stringify(data, undefined, 2)}\n`);
}

/** A line on the terminal, at once. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
