import { Command, InvalidArgumentError } from 'commander';
import { migrateDown, migrateUp, pendingMigrations, withDataSource } from '#platform/database';
import { reachDatabase } from '#platform/process';
import { settingsWithDatabase } from '../cli-settings.js';
import { migrations } from '../../../../migrations/index.js';

const names = migrations.map((migration) => migration.name);

/** `migrate up|down|status`: needs nothing but the database. */
export function migrateCommand(): Command {
  const command = new Command('migrate').description(
    'brings the database to the state that this version needs',
  );
  command
    .command('up')
    .description('applies every migration that the database lacks')
    .action(() => withDatabase(up));
  command
    .command('down')
    .description('reverts the newest migrations, and what they created goes with its data')
    .option('--steps <count>', 'how many to revert', positiveInteger, 1)
    .action(({ steps }: { steps: number }) => withDatabase((url) => down(url, steps)));
  command
    .command('status')
    .description('lists the migrations, applied or pending')
    .action(() => withDatabase(status));
  return command;
}

async function withDatabase(action: (url: string) => Promise<void>): Promise<void> {
  const { DATABASE_URL: url } = await settingsWithDatabase();
  return reachDatabase(url, () => action(url));
}

async function up(url: string): Promise<void> {
  const applied = await migrateUp(url, migrations);
  for (const name of applied) console.log(`applied   ${name}`);
  if (applied.length === 0) console.log('The database is up to date.');
}

async function down(url: string, steps: number): Promise<void> {
  const pending = await pendingOf(url);
  const newestFirst = names.filter((name) => !pending.includes(name)).reverse();
  if (newestFirst.length === 0) {
    console.log('There is nothing to revert.');
    return;
  }
  const reverted = await migrateDown(url, migrations, Math.min(steps, newestFirst.length));
  for (const name of newestFirst.slice(0, reverted)) console.log(`reverted  ${name}`);
}

async function status(url: string): Promise<void> {
  const pending = await pendingOf(url);
  for (const name of names) console.log(`${pending.includes(name) ? 'pending ' : 'applied '}  ${name}`);
}

function pendingOf(url: string): Promise<string[]> {
  return withDataSource(url, (dataSource) => pendingMigrations(dataSource, migrations));
}

function positiveInteger(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1.');
  return Number(text);
}
