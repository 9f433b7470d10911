import { Command } from 'commander';
import { describeApi } from '../../../api/src/index.js';
import { rootOption, writeDocument } from '../generated-documents.js';

/** `openapi`: the contract of the REST API, made from the schemas that validate. Needs no database. */
export function openapiCommand(): Command {
  return new Command('openapi')
    .description('writes contracts/openapi.json')
    .addOption(rootOption())
    .action(async ({ root }: { root: string }) => {
      const document = await describeApi();
      await writeDocument(root, 'contracts/openapi.json', `${JSON.stringify(document, undefined, 2)}\n`);
    });
}
