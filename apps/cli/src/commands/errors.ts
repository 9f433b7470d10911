import { Command } from 'commander';
import { registeredErrors } from '#kernel';
import { STATUS_OF_KIND } from '#platform/http';
// Errors are registered by the modules that declare them, once they are loaded: this loads all that the API is made of.
import '../../../api/src/index.js';
import { markdownTable, replaceSection, rootOption } from '../generated-documents.js';

/** `errors`: the page of the documentation that lists every error code. */
export function errorsCommand(): Command {
  return new Command('errors')
    .description('writes the table of error codes into docs/errors.md')
    .addOption(rootOption())
    .action(({ root }: { root: string }) => replaceSection(root, 'docs/errors.md', 'errors', errorsTable()));
}

function errorsTable(): string {
  const rows = registeredErrors().map(({ code, kind, title }) => [
    `\`${code}\``,
    String(STATUS_OF_KIND[kind]),
    title,
  ]);
  return markdownTable(['Code', 'Status', 'Meaning'], rows);
}
