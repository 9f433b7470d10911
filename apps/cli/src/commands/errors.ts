import { Command } from 'commander';
import { registeredErrors, registeredFieldCodes } from '#kernel';
import { STATUS_OF_KIND } from '#platform/http';
// Errors are registered by the modules that declare them, once they are loaded: this loads all that the API is made of.
import '../../../api/src/index.js';
import { markdownTable, replaceSection, rootOption } from '../generated-documents.js';

const PAGE = 'docs/errors.md';

/** `errors`: the page of the documentation that lists every error code. */
export function errorsCommand(): Command {
  return new Command('errors')
    .description('writes the tables of error codes and field codes into docs/errors.md')
    .addOption(rootOption())
    .action(async ({ root }: { root: string }) => {
      await replaceSection(root, PAGE, 'errors', errorsTable());
      await replaceSection(root, PAGE, 'field-codes', fieldCodesTable());
    });
}

function errorsTable(): string {
  const rows = registeredErrors().map(({ code, kind, title }) => [
    `\`${code}\``,
    String(STATUS_OF_KIND[kind]),
    title,
  ]);
  return markdownTable(['Code', 'Status', 'Meaning'], rows);
}

function fieldCodesTable(): string {
  const rows = registeredFieldCodes().map(({ code, meaning }) => [`\`${code}\``, meaning]);
  return markdownTable(['Code', 'Meaning'], rows);
}
