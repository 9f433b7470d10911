import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Option } from 'commander';
import { ProcessError } from '#platform/process';

/** Where a command that writes documents finds the project. */
export function rootOption(): Option {
  return new Option('--root <directory>', 'directory of the project to write into').default('.');
}

/** Writes a document that is generated as a whole. */
export async function writeDocument(root: string, path: string, text: string): Promise<void> {
  const file = join(root, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  console.log(`wrote ${path}`);
}

/**
 * Replaces the generated section of a document that people write: what stands between `<!-- name:begin -->` and
 * `<!-- name:end -->`.
 *
 * @throws ProcessError when the document or its markers are missing
 */
export async function replaceSection(
  root: string,
  path: string,
  name: string,
  content: string,
): Promise<void> {
  const begin = `<!-- ${name}:begin -->`;
  const end = `<!-- ${name}:end -->`;
  const text = await readFile(join(root, path), 'utf8').catch((cause: unknown) => {
    throw new ProcessError(`${path} cannot be read: it must hold the markers ${begin} and ${end}.`, {
      cause,
    });
  });
  const [before, rest] = text.split(begin, 2);
  const [, after] = rest?.split(end, 2) ?? [];
  if (before === undefined || after === undefined) {
    throw new ProcessError(`${path} lacks the markers ${begin} and ${end}.`);
  }
  await writeDocument(root, path, `${before}${begin}\n\n${content}\n\n${end}${after}`);
}

/** A Markdown table whose columns line up, as the formatter would lay it out. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [header, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = header.map((_, column) => Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)));
  const lines = cells.map(
    (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`,
  );
  lines.splice(1, 0, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`);
  return lines.join('\n');
}
