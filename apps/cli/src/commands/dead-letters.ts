import { Command, InvalidArgumentError } from 'commander';
import { DomainError, SystemClock } from '#kernel';
import { auditCommand, type AuditedCommand, AuditLog } from '#platform/audit';
import { Config } from '#platform/config';
import { Database, withDataSource } from '#platform/database';
import { Paginator } from '#platform/http';
import { type DeadLetter, type DeadLetterFilters, ParkedEvents } from '#platform/messaging';
import { ProcessError, reachDatabase } from '#platform/process';
import { generateAppSecret } from '#platform/security';
import type { DataSource } from 'typeorm';
import { settingsWithDatabase } from '../cli-settings.js';
import { withReason } from '../reason.js';

const PAGE_SIZE = 100;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

interface FilterOptions {
  readonly consumer?: string;
  readonly type?: string;
}

interface RedriveOptions extends FilterOptions {
  readonly event?: string[];
  readonly all?: true;
  readonly reason: string;
}

interface DiscardOptions {
  readonly consumer: string;
  readonly event: string;
  readonly reason: string;
}

/** What the commands work with. */
interface Tools {
  readonly parked: ParkedEvents;
  /** Runs something with its entry in the audit log. */
  readonly audited: <T>(command: AuditedCommand, run: () => Promise<T>) => Promise<T>;
}

/**
 * `dead-letters list|redrive|discard`: events that consumers have given up. Needs nothing but the database; what is
 * done here is in the audit log, as what is done by the API.
 */
export function deadLettersCommand(): Command {
  const command = new Command('dead-letters').description('events that a consumer could not apply');
  withFilters(command.command('list'))
    .description('lists them with their errors, newest first')
    .option('--json', 'print each as a line of JSON, with all that the event holds')
    .action(({ json = false, ...filters }: FilterOptions & { json?: boolean }) =>
      withTools((tools) => list(tools, filters, json)),
    );
  withReason(withFilters(command.command('redrive')))
    .description('has them tried again: those to which everything that is given applies')
    .option('--event <id...>', 'these events only', (id: string, ids?: string[]) => [
      ...(ids ?? []),
      eventId(id),
    ])
    .option('--all', 'every dead letter')
    .action((options: RedriveOptions) => withTools((tools) => redrive(tools, options)));
  withReason(command.command('discard'))
    .description('has a consumer never apply an event, so that what waits behind it goes on')
    .requiredOption('--consumer <name>', 'who could not apply it')
    .requiredOption('--event <id>', 'the event', eventId)
    .action((options: DiscardOptions) => withTools((tools) => discard(tools, options)));
  return command;
}

function withFilters(command: Command): Command {
  return command
    .option('--consumer <name>', 'those of this consumer only')
    .option('--type <type>', 'events of this type only');
}

async function withTools(action: (tools: Tools) => Promise<void>): Promise<void> {
  const settings = await settingsWithDatabase();
  // Cursors do not leave this process, so any secret may sign them.
  const paginator = new Paginator(new Config({ ...settings, APP_SECRET: generateAppSecret() }));
  const clock = new SystemClock();
  const act = (dataSource: DataSource) => {
    const database = new Database(dataSource);
    const auditLog = new AuditLog(database, paginator);
    auditLog.onModuleInit();
    return action({
      parked: new ParkedEvents(database, paginator, clock),
      audited: (command, run) => auditCommand(auditLog, clock, command, run),
    });
  };
  try {
    await reachDatabase(settings.DATABASE_URL, () => withDataSource(settings.DATABASE_URL, act));
  } catch (error) {
    throw error instanceof DomainError ? new ProcessError(`${error.message}.`, { cause: error }) : error;
  }
}

async function list({ parked }: Tools, filters: DeadLetterFilters, isJson: boolean): Promise<void> {
  let cursor: string | undefined;
  let count = 0;
  do {
    const page = await parked.listDead(filters, { limit: PAGE_SIZE, cursor });
    for (const letter of page.data) console.log(isJson ? JSON.stringify(letter) : describe(letter));
    count += page.data.length;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  if (!isJson) console.log(count === 0 ? 'There are no dead letters.' : `${count} in all.`);
}

function describe({ consumer, event, attempts, error, parkedAt, waitingBehind }: DeadLetter): string {
  return [
    `${event.id}  ${consumer}  ${event.type}  ${event.subject}`,
    `  since ${parkedAt.toISOString()}, tried ${attempts} times, ${waitingBehind} waiting behind it`,
    `  ${(error ?? '').replaceAll('\n', '\n  ')}`,
    '',
  ].join('\n');
}

async function redrive({ parked, audited }: Tools, options: RedriveOptions): Promise<void> {
  const { event: eventIds, reason, ...others } = options;
  const { consumer, type, all = false } = others;
  const isNarrowed = [consumer, type, eventIds].some((filter) => filter !== undefined);
  if (all === isNarrowed) {
    throw new ProcessError('Say which ones by --consumer, --type or --event, or --all and none of these.');
  }
  const details = { ...others, ...(eventIds && { eventIds }) };
  const redriven = await audited({ command: 'steelyard dead-letters redrive', reason, details }, () =>
    parked.redrive({ consumer, type, eventIds }),
  );
  if (redriven === 0 && isNarrowed) {
    throw new ProcessError(
      'There is no such dead letter, so nothing is tried again: `dead-letters list` shows all.',
    );
  }
  console.log(`${redriven} are tried again.`);
}

async function discard(
  { parked, audited }: Tools,
  { consumer, event, reason }: DiscardOptions,
): Promise<void> {
  const details = { consumer, eventId: event };
  await audited({ command: 'steelyard dead-letters discard', target: event, reason, details }, () =>
    parked.discard(consumer, event),
  );
  console.log(`${consumer} will not apply ${event}.`);
}

function eventId(text: string): string {
  if (!UUID.test(text)) throw new InvalidArgumentError('It must be the id of an event.');
  return text.toLowerCase();
}
