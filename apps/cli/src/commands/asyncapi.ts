import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { breakingEventChanges, describeEvents, type EventContract } from '#platform/messaging';
import { ProcessError } from '#platform/process';
import { Document, isScalar, parse, visit } from 'yaml';
// Beside the version: events are registered by the modules that declare them, and this loads all that the API is made of.
import { VERSION } from '../../../api/src/index.js';
import { markdownTable, replaceSection, rootOption, writeDocument } from '../generated-documents.js';

const PATH = 'contracts/asyncapi.yaml';
const PAGE = 'docs/event-types.md';

/** `asyncapi`: the contract of the events, made from their schemas. What is published there already is never broken. */
export function asyncapiCommand(): Command {
  return new Command('asyncapi')
    .description(
      `writes ${PATH}, unless that would break whoever reads by the one that is there, and ${PAGE}`,
    )
    .addOption(rootOption())
    .action(async ({ root }: { root: string }) => {
      const contract = describeEvents(VERSION);
      const published = await readFile(join(root, PATH), 'utf8').catch(() => undefined);
      const breaks =
        published === undefined ? [] : breakingEventChanges(parse(published) as EventContract, contract);
      if (breaks.length > 0) {
        const advice = 'Others read these events. Publish a new version of the type beside the old one:';
        throw new ProcessError([advice, ...breaks].join('\n  '));
      }
      await writeDocument(root, PATH, toYaml(contract));
      await replaceSection(root, PAGE, 'events', eventsTable(contract));
    });
}

function eventsTable(contract: EventContract): string {
  const { CloudEvent: _, ...types } = contract.components.schemas;
  const rows = Object.entries(types).map(([type, { properties }]) => [
    `\`${type}\``,
    Object.keys(properties ?? {})
      .map((member) => `\`${member}\``)
      .join(', '),
  ]);
  return markdownTable(['Type', 'Members of its data'], rows);
}

/** Lists of words stand in a row, so that the document can be read. */
function toYaml(contract: EventContract): string {
  const document = new Document(contract, { aliasDuplicateObjects: false });
  visit(document, {
    Seq: (_, list) => {
      if (list.items.every(isScalar)) list.flow = true;
    },
  });
  return document.toString({ lineWidth: 120, flowCollectionPadding: false });
}
