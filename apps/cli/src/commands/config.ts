import { Command } from 'commander';
import {
  describeSettings,
  loadSettings,
  readEnvironment,
  SERVER_SETTINGS,
  type SettingDescription,
  type Settings,
} from '#platform/config';
import { markdownTable, replaceSection, rootOption, writeDocument } from '../generated-documents.js';

/** `config check|docs`: the settings of the environment, and their documentation. */
export function configCommand(): Command {
  const command = new Command('config').description('checks and documents the settings');
  command
    .command('check')
    .description(
      'validates the environment and prints the settings, secrets left out; exit code 78 if invalid',
    )
    .option('--server', 'also demands what the api and worker processes cannot run without')
    .action(({ server = false }: { server?: boolean }) => check(server));
  command
    .command('docs')
    .description('writes .env.example and the table in docs/configuration.md')
    .addOption(rootOption())
    .action(async ({ root }: { root: string }) => {
      await writeDocument(root, '.env.example', environmentExample());
      await replaceSection(root, 'docs/configuration.md', 'settings', settingsTable());
    });
  return command;
}

function check(isServer: boolean): void {
  const settings = loadSettings(readEnvironment(), { required: isServer ? SERVER_SETTINGS : [] });
  const descriptions = describeSettings();
  const width = Math.max(...descriptions.map(({ name }) => name.length));
  for (const description of descriptions) {
    console.log(`${description.name.padEnd(width)}  ${shown(description, settings)}`);
  }
}

/** A value as it may be printed. */
function shown({ name, defaultValue, isSecret }: SettingDescription, settings: Settings): string {
  const value = settings[name];
  if (value === undefined) return '(not set)';
  if (isSecret) return '[redacted]';
  const text = String(value);
  return text === defaultValue ? `${text} (default)` : text;
}

function environmentExample(): string {
  const settings = describeSettings().map(({ name, description, defaultValue = '', values }) =>
    [`# ${description}`, ...(values ? [`# Values: ${values}.`] : []), `#${name}=${defaultValue}`].join('\n'),
  );
  return `# Every setting, with its default. Copy this file to .env and uncomment what you change.
# NAME_FILE names a file that holds the value of NAME, for secrets above all.
# Made by \`npm run contracts\` from the schema that validates.

${settings.join('\n\n')}
`;
}

function settingsTable(): string {
  const rows = describeSettings().map(({ name, description, defaultValue, values, isSecret, isHot }) => [
    `\`${name}\``,
    defaultValue ? `\`${defaultValue}\`` : '',
    values ?? '',
    [description, ...(isSecret ? ['Secret.'] : []), ...(isHot ? ['Hot.'] : [])].join(' '),
  ]);
  return markdownTable(['Setting', 'Default', 'Values', 'Meaning'], rows);
}
